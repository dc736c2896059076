import { KeyedRandom } from '../swarm/random.ts';
import { explainedRatio, fitLaw, kneeOf, peakOf, throughputAt } from './scalability.ts';
import type { Law, Point } from './scalability.ts';

/** A value and the interval that holds it in 95 of 100 resamplings. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface LawFinding {
  readonly verdict: 'fitted' | 'insufficient';
  /** Why the points cannot carry the fit; empty when they can. */
  readonly reasons: readonly string[];
  readonly points: readonly Point[];
  /** Undefined with fewer than 3 points. */
  readonly fit: {
    readonly lambda: Estimate;
    readonly sigma: Estimate;
    readonly kappa: Estimate;
    readonly explainedRatio: number;
    readonly knee: Point | undefined;
    /** The predicted ceiling; concurrency Infinity for an asymptote. */
    readonly peak: Point | undefined;
    /** Interval of the ceiling's throughput; Infinity where some resamplings have none. */
    readonly peakPerS: Estimate | undefined;
  } | undefined;
}

export const lawLimits = { pointsMin: 6, explainedMin: 0.9, efficiencyMax: 0.9, beyondMax: 3 } as const;
const resamples = 400;
const defaultSeed = 1;

/**
 * Fits the law and says whether the points can carry it: at least 6, bent (the last at most 90 % of
 * what a straight line would give), explained to 90 %, and a ceiling within 3 times of what was seen.
 * @param generatorBound whether the generator, not the system, ended the search
 * @param seed of the bootstrap over points (percentile intervals of 400 resamplings)
 */
export function judgeLaw(measured: readonly Point[], generatorBound: boolean, seed = defaultSeed): LawFinding {
  const points = measured.filter(({ concurrency, throughputPerS }) => concurrency > 0 && throughputPerS > 0).toSorted((a, b) => a.concurrency - b.concurrency);
  const reasons: string[] = [];
  if (generatorBound) reasons.push('the generator was the bottleneck, so the bend may be its own');
  if (points.length < lawLimits.pointsMin) reasons.push(`too few points: ${points.length} of at least ${lawLimits.pointsMin}`);
  if (points.length < 3) return { verdict: 'insufficient', reasons, points, fit: undefined };
  const law = fitLaw(points);
  const fit = { ...estimate(law, points, seed), explainedRatio: explainedRatio(law, points), knee: kneeOf(law), peak: peakOf(law) };
  // Of fewer points the figures would mean nothing.
  if (points.length >= lawLimits.pointsMin) reasons.push(...doubts(law, points));
  return { verdict: reasons.length === 0 ? 'fitted' : 'insufficient', reasons, points, fit };
}

function doubts(law: Law, points: readonly Point[]): string[] {
  const found: string[] = [];
  const explained = explainedRatio(law, points);
  if (explained < lawLimits.explainedMin) found.push(`the law explains ${percent(explained)} of the variance, at least ${percent(lawLimits.explainedMin)} are needed`);
  const last = points.at(-1);
  const most = Math.max(...points.map(({ throughputPerS }) => throughputPerS));
  if (last === undefined) return found;
  const efficiency = throughputAt(law, last.concurrency) / (law.lambda * last.concurrency);
  const peak = peakOf(law);
  if (efficiency > lawLimits.efficiencyMax) found.push(`no curvature: at the highest concurrency throughput is still ${percent(efficiency)} of a straight line, at most ${percent(lawLimits.efficiencyMax)} show a bend`);
  else if (peak === undefined || peak.throughputPerS > most * lawLimits.beyondMax) found.push(`the predicted peak lies more than ${lawLimits.beyondMax} times beyond what was measured`);
  return found;
}

const percent = (ratio: number): string => `${Number((ratio * 100).toPrecision(3))} %`;

/** Resamples points with replacement; a resample of fewer than 3 distinct points is drawn again. */
function estimate(law: Law, points: readonly Point[], seed: number): { lambda: Estimate; sigma: Estimate; kappa: Estimate; peakPerS: Estimate | undefined } {
  const laws = points.length < 4 ? [] : Array.from({ length: resamples }, (_, index) => fitLaw(resample(points, new KeyedRandom(seed, index, 0)), law));
  const interval = (value: number, pick: (law: Law) => number): Estimate => {
    const sorted = laws.map(pick).toSorted((a, b) => a - b);
    const at = (ratio: number): number => sorted[Math.round(ratio * (sorted.length - 1))] ?? value;
    // A percentile interval may miss the estimate itself where resamples lean to one side.
    return { value, low: Math.min(value, at(0.025)), high: Math.max(value, at(0.975)) };
  };
  const peak = peakOf(law);
  return {
    lambda: interval(law.lambda, ({ lambda }) => lambda),
    sigma: interval(law.sigma, ({ sigma }) => sigma),
    kappa: interval(law.kappa, ({ kappa }) => kappa),
    peakPerS: peak === undefined ? undefined : interval(peak.throughputPerS, (one) => peakOf(one)?.throughputPerS ?? Number.POSITIVE_INFINITY),
  };
}

const redrawsMax = 20;

function resample(points: readonly Point[], random: KeyedRandom): Point[] {
  for (let draw = 0; draw < redrawsMax; draw += 1) {
    const picked = points.flatMap(() => points[random.int(points.length)] ?? []);
    if (new Set(picked).size >= 3) return picked;
  }
  return [...points];
}
