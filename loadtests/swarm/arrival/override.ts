import { invalidConfig } from '../../../ops/core/error.ts';
import type { Arrival, Scenario } from '../scenario.ts';

/** What a run may change of how work arrives; undefined keeps the scenario's. */
export interface ArrivalOverrides {
  /** Arrivals a second, reached over the ramp and kept for the hold. */
  readonly arrivalPerS?: number | undefined;
  /** Levels in place of the scenario's: users, or arrivals a second where work arrives openly. */
  readonly stages?: readonly { readonly level: number; readonly durationMs: number }[] | undefined;
}

type Given = ArrivalOverrides & { readonly rampMs?: number | undefined; readonly holdMs?: number | undefined };
type Told = Pick<Scenario<never>, 'arrival' | 'sessionsPerS' | 'rampMs' | 'holdMs'>;

/** Whether a scenario that names no arrival comes in sessions. */
export const comesInSessions = ({ arrival, sessionsPerS }: Pick<Told, 'arrival' | 'sessionsPerS'>): boolean => arrival === undefined && sessionsPerS !== undefined;

const levelled = (perS: number, rampMs: number, holdMs: number) => [{ perS, durationMs: rampMs }, { perS, durationMs: holdMs, judged: true }];

/**
 * How work arrives in a run. Work that arrives at a rate given by `arrivalPerS` comes in sessions, unless the
 * scenario says otherwise.
 * @throws SoraError `invalid_config` when overrides contradict one another or the scenario
 */
export function resolveArrival(scenario: Told, overrides: Given): Arrival | undefined {
  const { rampMs, holdMs, sessionsPerS = 0 } = scenario;
  const { arrivalPerS, stages } = overrides;
  const isVisited = comesInSessions(scenario);
  const arrival = isVisited
    ? { kind: 'sessions' as const, stages: levelled(sessionsPerS, overrides.rampMs ?? rampMs, overrides.holdMs ?? holdMs) }
    : scenario.arrival;
  if (arrivalPerS === undefined && stages === undefined) return arrival;
  if (arrivalPerS !== undefined && stages !== undefined) {
    throw invalidConfig(`an arrival rate of ${arrivalPerS}/s and ${stages.length} stages are given`, 'give one of the two');
  }
  if (arrival?.kind === 'iterations') {
    throw invalidConfig('the scenario shares iterations, which have neither a rate nor stages', 'leave out --arrival-rate and --stages');
  }
  if (stages !== undefined) return atLevels(arrival, stages);
  const open = arrival?.kind === 'rate' || arrival?.kind === 'sessions' ? arrival : { kind: 'sessions' as const };
  const perS = arrivalPerS ?? 0;
  const ramp = overrides.rampMs ?? (isVisited || arrival === undefined ? rampMs : 0);
  const hold = overrides.holdMs ?? (isVisited || arrival === undefined ? holdMs : judgedMs(arrival));
  return { ...open, from: 0, stages: levelled(perS, ramp, hold) };
}

function atLevels(arrival: Exclude<Arrival, { kind: 'iterations' }> | undefined, stages: NonNullable<ArrivalOverrides['stages']>): Arrival {
  if (arrival === undefined || arrival.kind === 'users') {
    const broken = stages.find(({ level }) => !Number.isInteger(level));
    if (broken !== undefined) throw invalidConfig(`stage of ${broken.level} users is no whole number`, 'users are counted; a rate is given by a scenario that arrives openly');
    return { kind: 'users', stages: stages.map(({ level, durationMs }) => ({ users: level, durationMs })) };
  }
  return { ...arrival, from: 0, stages: stages.map(({ level, durationMs }) => ({ perS: level, durationMs })) };
}

/** The hold that a scenario with stages would have: its longest. */
function judgedMs(arrival: Exclude<Arrival, { kind: 'iterations' }>): number {
  return Math.max(...arrival.stages.map(({ durationMs }) => durationMs));
}
