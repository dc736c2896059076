import { median } from '../../../ops/core/statistics.ts';
import { bootstrap, bootstrapPercentile } from '../../../ops/judge/bootstrap.ts';
import { mean } from '../../../ops/judge/effect-size.ts';
import { kolmogorovSmirnov } from '../../../ops/judge/kolmogorov-smirnov.ts';
import { mannWhitney } from '../../../ops/judge/mann-whitney.ts';
import { pseudomedian, shiftOf } from '../../../ops/judge/shift.ts';
import { varianceOf } from '../../../ops/judge/welch.ts';
import type { ComparedMetric, ComparisonRow } from './schema.ts';

/** From so many baseline runs on, their own differences say what is noise. */
export const runsForNoise = 5;
/** Fewer blocks cannot reach a confidence of 98 %: 5 against 5 have 2 orders of 252 that are as extreme as can be. */
export const blocksLeast = 5;
/** With few baseline runs a share of failures must change by this much; a tolerance of 5 % of nearly nothing is nothing. */
const shareTolerance = 0.005;
/** Enough for ends of 1 %, of which this leaves ten; a comparison of 20 runs makes dozens of intervals. */
const resamples = 1_000;

export interface MetricSamples {
  readonly op: string;
  readonly metric: ComparedMetric;
  /** Block values of each baseline run. */
  readonly baselines: readonly (readonly number[])[];
  readonly candidate: readonly number[];
}

export interface JudgeOptions {
  readonly tolerance: number;
  readonly confidence: number;
}

/** The figures of one metric of one operation, before anything is said of them. */
export interface Measured {
  readonly samples: MetricSamples;
  readonly change: Change;
  /** What the baseline runs differ among themselves; undefined with fewer than 5, which cannot tell. */
  readonly noise: RunNoise | undefined;
  /** The change that counts for nothing where there is no noise to go by. */
  readonly tolerance: number;
  readonly row: Omit<ComparisonRow, 'verdict' | 'reason' | 'band'>;
}

export interface RunNoise {
  /** Variance of the runs' figures, in the unit of the change. */
  readonly variance: number;
  /** What the scatter of blocks within the runs would make it, were they independent. Rare operations scatter more. */
  readonly within: number;
  readonly runs: number;
}

export interface Change {
  readonly baseline: number;
  readonly candidate: number;
  readonly candidateLow: number;
  readonly candidateHigh: number;
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

/** Measures a metric; a row that says why, where there is nothing to judge. */
export function measureMetric(samples: MetricSamples, options: JudgeOptions): Measured | ComparisonRow {
  const { op, metric, baselines, candidate } = samples;
  const pooled = baselines.flat();
  const counts = { baselineBlocks: pooled.length, candidateBlocks: candidate.length };
  const short = [['baseline', pooled.length], ['candidate', candidate.length]].find(([, count]) => Number(count) < blocksLeast);
  if (short !== undefined) return { ...unknown(op, metric, `${short[1]} whole blocks of the ${short[0]} hold enough operations, ${blocksLeast} are needed; a longer --duration gives more`), ...counts };
  const change = metric === 'failed' ? shareChange(pooled, candidate, options) : relativeChange(pooled, candidate, options);
  if (change === undefined) return { ...unknown(op, metric, 'the baseline is 0, so nothing is relative to it'), ...counts };
  const { estimate, low, high, ...figures } = change;
  return {
    samples, change, noise: noiseOf(metric, baselines), tolerance: metric === 'failed' ? shareTolerance : options.tolerance,
    row: { op, metric, ...counts, ...figures, change: estimate, changeLow: low, changeHigh: high, p: mannWhitney(pooled, candidate).p, shapeP: kolmogorovSmirnov(pooled, candidate).p },
  };
}

/** The shift by the baseline's median. */
function relativeChange(pooled: readonly number[], candidate: readonly number[], { confidence }: JudgeOptions): Change | undefined {
  const baseline = median(pooled);
  if (baseline === 0) return undefined;
  const shift = shiftOf(pooled, candidate, confidence);
  const interval = bootstrapPercentile(candidate, 0.5, { confidence, resamples });
  return {
    baseline, candidate: interval.estimate, candidateLow: interval.low, candidateHigh: interval.high,
    estimate: shift.estimate / baseline, low: shift.low / baseline, high: shift.high / baseline,
  };
}

/** The difference of mean shares: most blocks have no failure, so medians and ranks would say nothing. */
function shareChange(pooled: readonly number[], candidate: readonly number[], { confidence }: JudgeOptions): Change {
  const before = bootstrap(pooled, mean, { confidence, resamples });
  const after = bootstrap(candidate, mean, { confidence, resamples });
  // Differences of independent figures: the arms of both intervals add up by their squares.
  const armLow = Math.hypot(after.estimate - after.low, before.high - before.estimate);
  const armHigh = Math.hypot(after.high - after.estimate, before.estimate - before.low);
  const estimate = after.estimate - before.estimate;
  return {
    baseline: before.estimate, candidate: after.estimate, candidateLow: after.low, candidateHigh: after.high,
    estimate, low: estimate - armLow, high: estimate + armHigh,
  };
}

/** How far the runs' figures lie from each other, of all but shares relative to their middle. */
function noiseOf(metric: ComparedMetric, baselines: readonly (readonly number[])[]): RunNoise | undefined {
  const filled = baselines.filter((run) => run.length > 1);
  const figures = filled.map((run) => (metric === 'failed' ? mean(run) : pseudomedian(run)));
  if (figures.length < runsForNoise) return undefined;
  const unit = metric === 'failed' ? 1 : mean(figures);
  if (unit === 0) return { variance: 0, within: 0, runs: figures.length };
  return { variance: varianceOf(figures) / unit ** 2, within: mean(filled.map((run) => varianceOf(run) / run.length)) / unit ** 2, runs: figures.length };
}

function unknown(op: string, metric: ComparedMetric, reason: string): Omit<ComparisonRow, 'baselineBlocks' | 'candidateBlocks'> {
  const nothing = { baseline: null, candidate: null, candidateLow: null, candidateHigh: null, change: null, changeLow: null, changeHigh: null, band: null, p: null, shapeP: null };
  return { op, metric, verdict: 'insufficient', reason, ...nothing };
}
