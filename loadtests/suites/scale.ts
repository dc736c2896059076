import { loadOf, type Load as ProbeLoad } from '../capacity/probe.ts';
import type { Load, Part } from './suite-schema.ts';

/** Below these a scaled part would measure its own start-up. */
const least = { holdS: 3, rampS: 1, ratePerS: 20, recoveryS: 15, probes: 4 } as const;

type Paced = Pick<Load, 'users' | 'thinkS' | 'arrivalPerS'>;
export type ScaledLoad = Omit<ProbeLoad, 'rampMs'>;

/** Operations a second that a load makes; an arrival counts as one. */
export const rateOf = ({ users, thinkS = Number.POSITIVE_INFINITY, arrivalPerS = users / thinkS }: Paced): number => arrivalPerS;

/** The users and think time of a load, or its arrivals, at a scale of its rate, over a hold of its length; at 1 as written. */
export function scaleLoad(load: Paced, holdS: number, scale: number): ScaledLoad {
  const ratePerS = scale === 1 ? rateOf(load) : Math.max(rateOf(load) * scale, Math.min(rateOf(load), least.ratePerS));
  if (load.thinkS === undefined) return { users: load.users, thinkMs: 0, arrivalPerS: ratePerS };
  if (scale === 1) return { users: load.users, thinkMs: load.thinkS * 1_000 };
  const { users, thinkMs } = loadOf(ratePerS, holdS * 1_000, load.users);
  return { users, thinkMs };
}

/** Operations a second of a load so scaled. */
export const scaledRateOf = ({ users, thinkMs, arrivalPerS = (users / thinkMs) * 1_000 }: ScaledLoad): number => arrivalPerS;

/** The same part with its durations shortened, for trying out. */
export function scalePart(part: Part, scale: number): Part {
  if (scale === 1) return part;
  const hold = (seconds: number): number => Math.max(least.holdS, seconds * scale);
  const ramp = (seconds: number): number => Math.max(least.rampS, seconds * scale);
  switch (part.kind) {
    case 'search':
      return { ...part, holdS: hold(part.holdS), fromPerS: Math.max(least.ratePerS, part.fromPerS * scale), toPerS: Math.max(least.ratePerS * 2, part.toPerS * scale), probesMax: Math.min(part.probesMax, least.probes) };
    case 'spike':
      return { ...part, holdS: hold(part.holdS), rampS: ramp(part.rampS), spikeS: hold(part.spikeS), recoveryMaxS: Math.max(least.recoveryS, part.recoveryMaxS * scale) };
    default:
      return { ...part, holdS: hold(part.holdS), rampS: ramp(part.rampS) };
  }
}
