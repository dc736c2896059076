import { invalidConfig } from '../../../ops/core/error.ts';
import type { Arrival, Scenario } from '../scenario.ts';

/** What a run may change of how work arrives; undefined keeps the scenario's. */
export interface ArrivalOverrides {
  /** Arrivals a second, reached over the ramp and kept for the hold. */
  readonly arrivalPerS?: number | undefined;
  /** Levels in place of the scenario's: users, or arrivals a second where work arrives openly. */
  readonly stages?: readonly { readonly level: number; readonly durationMs: number }[] | undefined;
}

type Phases = { readonly rampMs?: number | undefined; readonly holdMs?: number | undefined };

/**
 * How work arrives in a run. Work that arrives at a rate given by `arrivalPerS` comes in sessions, unless the
 * scenario says otherwise.
 * @throws SoraError `invalid_config` when overrides contradict one another or the scenario
 */
export function resolveArrival({ arrival, rampMs, holdMs }: Pick<Scenario<never>, 'arrival' | 'rampMs' | 'holdMs'>, overrides: ArrivalOverrides & Phases): Arrival | undefined {
  const { arrivalPerS, stages } = overrides;
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
  const ramp = overrides.rampMs ?? (arrival === undefined ? rampMs : 0);
  const hold = overrides.holdMs ?? (arrival === undefined ? holdMs : judgedMs(arrival));
  return { ...open, from: 0, stages: [{ perS, durationMs: ramp }, { perS, durationMs: hold, judged: true }] };
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
