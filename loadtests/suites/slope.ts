import { normalTail } from '../../ops/judge/normal.ts';
import { ascending } from '../../ops/judge/sort.ts';

/** One value at a time. */
export interface SlopePoint {
  readonly second: number;
  readonly value: number;
}

export interface Slope {
  /** Median of the slopes between all pairs of points, units a second. */
  readonly perS: number;
  /** Of rising: probability of so many rises among points that have no trend. */
  readonly p: number;
  /** What the slope adds over the points' span, of their median; 0.1 is 10 %. */
  readonly growthRatio: number;
  /** The same for an hour, so that a creep reads alike in a short run and a long one. */
  readonly growthRatioPerHour: number;
  readonly points: number;
}

export const slopeLimits = { alpha: 0.01, pointsMin: 10, pointsMax: 60 } as const;

/**
 * The trend of a series: Theil-Sen's slope (H. Theil 1950; P. K. Sen, JASA 63, 1968), which outliers do
 * not move, and Mann and Kendall's test that it rises (H. B. Mann, Econometrica 13, 1945; M. G. Kendall,
 * "Rank Correlation Methods"), one-sided, normal approximation with corrections for ties and continuity.
 * Neighbouring values depend on each other, which the test takes for evidence; so points are first
 * joined to the medians of at most 60 equal stretches.
 * @returns undefined with fewer than 10 points
 */
export function slopeOf(series: readonly SlopePoint[]): Slope | undefined {
  const points = joinStretches(series);
  if (points.length < slopeLimits.pointsMin) return undefined;
  const slopes: number[] = [];
  let rises = 0;
  points.forEach((from, index) => {
    for (const to of points.slice(index + 1)) {
      if (to.second > from.second) slopes.push((to.value - from.value) / (to.second - from.second));
      rises += Math.sign(to.value - from.value);
    }
  });
  const perS = middleOf(ascending(slopes));
  const spanS = (points.at(-1)?.second ?? 0) - (points[0]?.second ?? 0);
  const level = Math.abs(middleOf(ascending(points.map(({ value }) => value))));
  const ofLevel = (growth: number): number => (level === 0 ? (growth > 0 ? Number.MAX_VALUE : 0) : growth / level);
  return { perS, p: risingP(rises, points), growthRatio: ofLevel(perS * spanS), growthRatioPerHour: ofLevel(perS * 3_600), points: points.length };
}

/** P of at least so many net rises by chance. */
function risingP(rises: number, points: readonly SlopePoint[]): number {
  const n = points.length;
  const ties = [...Map.groupBy(points, ({ value }) => value).values()].reduce((sum, { length }) => sum + length * (length - 1) * (2 * length + 5), 0);
  const variance = (n * (n - 1) * (2 * n + 5) - ties) / 18;
  if (variance === 0) return 1;
  return normalTail((rises - Math.sign(rises)) / Math.sqrt(variance));
}

const middleOf = (sorted: readonly number[]): number => {
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? upper) + upper) / 2;
};

/** Medians of equal stretches of time, at most 60. */
function joinStretches(series: readonly SlopePoint[]): SlopePoint[] {
  if (series.length <= slopeLimits.pointsMax) return [...series];
  const firstS = series[0]?.second ?? 0;
  const wideS = Math.max(1e-9, ((series.at(-1)?.second ?? 0) - firstS) / slopeLimits.pointsMax);
  const stretches = Map.groupBy(series, ({ second }) => Math.min(slopeLimits.pointsMax - 1, Math.floor((second - firstS) / wideS)));
  return [...stretches].toSorted(([a], [b]) => a - b).map(([, points]) => ({
    second: middleOf(points.map(({ second }) => second)), value: middleOf(ascending(points.map(({ value }) => value))),
  }));
}
