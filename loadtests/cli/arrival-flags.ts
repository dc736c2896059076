import { parseDurationMs } from '../../ops/core/duration.ts';
import { invalidConfig, SoraError } from '../../ops/core/error.ts';
import type { ArrivalOverrides } from '../swarm/arrival/override.ts';
import { arrivalLimits } from '../swarm/arrival/plan-arrival.ts';

/** Flags of `load run` that say how work arrives. */
export const arrivalFlags = {
  'arrival-rate': { type: 'string', value: '100', help: 'arrivals a second in place of a fixed population: reached over --ramp, kept for --duration' },
  stages: { type: 'string', value: '30s:100,60s:100', help: 'durations and the level at the end of each: users, or arrivals a second where the scenario’s arrive; 0s:100 jumps' },
} as const;

/** Reads the flags; what is wrong goes to `errors`, and is left out. */
export function readArrivalFlags(values: Readonly<Record<string, unknown>>, errors: SoraError[]): ArrivalOverrides {
  const attempt = <T>(name: string, read: (text: string) => T): T | undefined => {
    const text = values[name];
    if (typeof text !== 'string') return undefined;
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof SoraError)) throw error;
      errors.push(error);
      return undefined;
    }
  };
  return { arrivalPerS: attempt('arrival-rate', readRate), stages: attempt('stages', readStages) };
}

function readRate(text: string): number {
  const perS = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (perS > 0 && perS <= arrivalLimits.perS) return perS;
  throw invalidConfig(`--arrival-rate ${text} is not a number above 0 up to ${arrivalLimits.perS}`, 'for example --arrival-rate 100, in arrivals a second');
}

function readStages(text: string): NonNullable<ArrivalOverrides['stages']> {
  const parts = text.split(',');
  if (parts.length > arrivalLimits.stages) throw invalidConfig(`--stages has ${parts.length} stages; the limit is ${arrivalLimits.stages}`, 'join some of them');
  return parts.map((part, at) => {
    const match = /^([^:]+):(\d+(?:\.\d+)?)$/.exec(part.trim());
    if (match === null) throw invalidConfig(`--stages: stage ${at + 1} "${part}" is not a duration, a colon and a level`, 'for example --stages 30s:100,60s:100');
    const durationMs = parseDurationMs(match[1]!, `--stages: the duration of stage ${at + 1}`);
    const level = Number(match[2]);
    if (durationMs > arrivalLimits.stageMs) throw invalidConfig(`--stages: stage ${at + 1} of ${match[1]} is longer than 7 days`, 'shorten it');
    if (level > arrivalLimits.users) throw invalidConfig(`--stages: level ${match[2]} of stage ${at + 1} is above ${arrivalLimits.users}`, 'lower it');
    return { durationMs, level };
  });
}
