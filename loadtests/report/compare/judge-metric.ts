import { median } from '../../../ops/core/statistics.ts';
import { bootstrap, bootstrapPercentile } from '../../../ops/judge/bootstrap.ts';
import { mean } from '../../../ops/judge/effect-size.ts';
import { kolmogorovSmirnov } from '../../../ops/judge/kolmogorov-smirnov.ts';
import { mannWhitney } from '../../../ops/judge/mann-whitney.ts';
import { shiftOf } from '../../../ops/judge/shift.ts';
import { studentQuantile } from '../../../ops/judge/student.ts';
import type { ComparedMetric, ComparedVerdict, ComparisonRow } from './schema.ts';

/** From so many baseline runs on, their own differences say what is noise. */
export const runsForNoise = 5;
/** Fewer blocks cannot reach a confidence of 98 %: 5 against 5 have 2 orders of 252 that are as extreme as can be. */
export const blocksLeast = 5;
/** Noise is never taken for smaller: histograms keep 0.1 %, and a share of failures is a matter of single ones below. */
const bandLeast = { relative: 0.01, share: 0.001 };
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

/**
 * One metric of one operation. With fewer than 5 baseline runs, a change gets a verdict where its whole confidence interval
 * lies beyond the tolerance, and nothing else does: blocks of one run differ less than runs do, so their test alone would
 * take a change of the weather for one of the system. From 5 runs on, the noise band is the prediction interval of
 * Student for one more run's median beside theirs; a change beyond it whose interval excludes 0 is worse or better, any
 * other is the same.
 */
export function judgeMetric(samples: MetricSamples, options: JudgeOptions): ComparisonRow {
  const { op, metric, baselines, candidate } = samples;
  const pooled = baselines.flat();
  const counts = { baselineBlocks: pooled.length, candidateBlocks: candidate.length };
  const short = [['baseline', pooled.length], ['candidate', candidate.length]].find(([, count]) => Number(count) < blocksLeast);
  if (short !== undefined) return { ...unknown(op, metric, `${short[1]} whole blocks of the ${short[0]} hold enough operations, ${blocksLeast} are needed; a longer --duration gives more`), ...counts };
  const change = metric === 'failed' ? shareChange(pooled, candidate, options) : relativeChange(pooled, candidate, options);
  if (change === undefined) return { ...unknown(op, metric, 'the baseline is 0, so nothing is relative to it'), ...counts };
  const fromRuns = baselines.filter((run) => run.length > 0).length >= runsForNoise;
  const band = fromRuns ? noiseBand(metric, baselines, options.confidence) : metric === 'failed' ? shareTolerance : options.tolerance;
  const { verdict, reason } = decide(metric, change, band, fromRuns, baselines.length);
  return {
    op, metric, verdict, reason, band, ...counts,
    baseline: change.baseline, candidate: change.candidate, candidateLow: change.candidateLow, candidateHigh: change.candidateHigh,
    change: change.estimate, changeLow: change.low, changeHigh: change.high,
    p: mannWhitney(pooled, candidate).p, shapeP: kolmogorovSmirnov(pooled, candidate).p,
  };
}

interface Change {
  readonly baseline: number;
  readonly candidate: number;
  readonly candidateLow: number;
  readonly candidateHigh: number;
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
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

/** Half the width of the prediction interval for one more run. */
function noiseBand(metric: ComparedMetric, baselines: readonly (readonly number[])[], confidence: number): number {
  const figures = baselines.filter((run) => run.length > 0).map((run) => (metric === 'failed' ? mean(run) : median(run)));
  const middle = mean(figures);
  const variance = figures.reduce((sum, each) => sum + (each - middle) ** 2, 0) / (figures.length - 1);
  const half = studentQuantile((1 + confidence) / 2, figures.length - 1) * Math.sqrt(variance * (1 + 1 / figures.length));
  return metric === 'failed' ? Math.max(bandLeast.share, half) : Math.max(bandLeast.relative, half / middle);
}

/** More is worse, of all metrics but the rate. */
function decide(metric: ComparedMetric, change: Change, band: number, fromRuns: boolean, runs: number): { verdict: ComparedVerdict; reason: string } {
  const rising = metric === 'rate' ? 'better' : 'worse';
  const falling = metric === 'rate' ? 'worse' : 'better';
  const isUp = fromRuns ? change.estimate > band && change.low > 0 : change.low > band;
  const isDown = fromRuns ? change.estimate < -band && change.high < 0 : change.high < -band;
  if (isUp || isDown) return { verdict: isUp ? rising : falling, reason: fromRuns ? 'beyond the noise of the baseline runs' : 'wholly beyond the tolerance' };
  if (fromRuns) return { verdict: 'same', reason: 'within the noise of the baseline runs' };
  if (metric === 'failed' && change.baseline === 0 && change.candidate === 0) return { verdict: 'same', reason: 'nothing failed on either side' };
  return { verdict: 'insufficient', reason: `not wholly beyond the tolerance, and ${runs === 1 ? '1 baseline run does' : `${runs} baseline runs do`} not tell noise from change; ${runsForNoise} do` };
}

function unknown(op: string, metric: ComparedMetric, reason: string): Omit<ComparisonRow, 'baselineBlocks' | 'candidateBlocks'> {
  const nothing = { baseline: null, candidate: null, candidateLow: null, candidateHigh: null, change: null, changeLow: null, changeHigh: null, band: null, p: null, shapeP: null };
  return { op, metric, verdict: 'insufficient', reason, ...nothing };
}
