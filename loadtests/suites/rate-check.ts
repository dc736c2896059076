import { formatNumber } from '../report/format.ts';
import type { Summary } from '../report/summary-schema.ts';
import type { Check } from './result-schema.ts';
import { rateOf, scaledRateOf, scaleLoad } from './scale.ts';
import type { Load } from './suite-schema.ts';

/** Less than this share of a rate is another rate. */
export const achievedLeast = 0.95;
/** What falls due at random varies by the root of its number; so many of it are chance (of 1,000 runs one has less). */
export const chanceDeviations = 3;

/**
 * What counts as a rate over so many seconds: 95 % of it, less what is chance.
 * @param knownFromS how long the rate itself was measured for; default it is known
 */
export const leastPerS = (ratePerS: number, seconds: number, knownFromS = Number.POSITIVE_INFINITY): number =>
  Math.max(0, ratePerS * achievedLeast - chanceDeviations * Math.sqrt(ratePerS * (1 / seconds + 1 / knownFromS)));

/** Operations a second that a load is to make at a scale: what its suite says, else one a user and think time, or an arrival. */
export function wantedPerS(load: Load, holdS: number, scale: number): number {
  const madePerS = scaledRateOf(scaleLoad(load, holdS, scale));
  return load.ratePerS === undefined ? madePerS : (load.ratePerS * madePerS) / rateOf(load);
}

/** Whether a run achieved the rate that its part is named after: with less, its thresholds were met under another load. */
export function rateCheck({ scenario, operations, phases, arrivalsQueued = 0, verdict }: Summary, ratePerS: number): Check {
  const holdS = phases.find(({ name }) => name === 'hold')?.durationS ?? 0;
  const name = `${scenario}: rate`;
  if (holdS <= 0) return { name, measured: null, limit: ratePerS * achievedLeast, ok: null, text: `${scenario}: the hold never began` };
  if (arrivalsQueued > 0 && verdict !== 'fail') {
    return { name, measured: null, limit: ratePerS * achievedLeast, ok: null, text: `${scenario}: ${arrivalsQueued} arrivals found no free user and waited for one: give the load more users` };
  }
  const limit = leastPerS(ratePerS, holdS);
  const { achievedPerS } = operations;
  return {
    name, measured: achievedPerS, limit, ok: achievedPerS >= limit,
    text: `${scenario}: ${formatNumber(achievedPerS)} operations/s of ${formatNumber(ratePerS)}/s achieved, limit ≥ ${formatNumber(limit)}/s`,
  };
}
