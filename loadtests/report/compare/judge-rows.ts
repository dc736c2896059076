import { holm } from '../../../ops/judge/holm.ts';
import { mannWhitney } from '../../../ops/judge/mann-whitney.ts';
import { moderate, priorOf } from '../../../ops/judge/moderated-variance.ts';
import type { VariancePrior } from '../../../ops/judge/moderated-variance.ts';
import { studentCdf, studentQuantile } from '../../../ops/judge/student.ts';
import { welchAbove } from '../../../ops/judge/welch.ts';
import { formatPercent } from '../format.ts';
import { measureMetric, runsForNoise } from './judge-metric.ts';
import type { JudgeOptions, Measured, MetricSamples, RunNoise } from './judge-metric.ts';
import type { ComparedMetric, ComparedVerdict, ComparisonRow } from './schema.ts';
import { formatChange } from './sentence.ts';

/** The row of all operations together; brackets keep it apart from an operation of that name. */
export const allOperations = '(all)';
/** Noise is never taken for smaller: histograms keep 0.1 %, and a share of failures is a matter of single ones below. */
const bandLeast = { relative: 0.01, share: 0.002 };
/** Ranks are taken where their least p is so much smaller than the level; means where not. */
const ranksSlack = 10;
/** Of what an operation has beyond the others, the share that its bare figure must have changed by too. */
const ownLeast = 0.5;

/** A figure that is tested among others. */
interface Figure {
  readonly measured: Measured;
  readonly kind: 'all' | 'single' | 'excess';
  /** Undefined with fewer than 5 baseline runs, which cannot tell it. */
  readonly noise: RowNoise | undefined;
  /** The row it is a part of. */
  readonly row: Measured;
}

interface Judged {
  readonly verdict: 'worse' | 'better' | undefined;
  /** The change that was taken for noise, or for tolerable. */
  readonly band: number;
}

/**
 * Judges the rows of one comparison together. What one figure does by chance in 1 of 100, one of 40 does in many
 * comparisons; so the error that the confidence leaves is that of the comparison: Holm's procedure shares it among all
 * figures, a third to those of all operations together, a third to those of single ones, a third to what single ones have
 * beyond the others.
 *
 * With fewer than 5 baseline runs, a change gets a verdict where its whole confidence interval lies beyond the tolerance,
 * and nothing else does: blocks of one run differ less than runs do, so their test alone would take a change of the
 * weather for one of the system. From 5 runs on, the noise band is the prediction interval of Student for one more run's
 * figure beside theirs; a change beyond it whose interval excludes 0 is worse or better, any other is the same.
 * @param excess what operations that `all` has rows of have beyond the others; may lack any
 */
export function judgeRows(all: readonly MetricSamples[], excess: readonly MetricSamples[], options: JudgeOptions): ComparisonRow[] {
  const rows = all.map((samples) => measureMetric(samples, options));
  const own = rows.filter(isMeasured);
  const figures = [...figuresOf(own, own), ...figuresOf(excess.map((samples) => measureMetric(samples, options)).filter(isMeasured), own)];
  const judged = judgeFigures(figures, 1 - options.confidence);
  return rows.map((row) => {
    if (!isMeasured(row)) return row;
    const [first, second] = figures.filter((figure) => figure.row === row);
    const decided = decide(row, first === undefined ? undefined : judged.get(first), first?.noise !== undefined, figures.length);
    const beyond = second === undefined ? undefined : judged.get(second);
    if (second === undefined || beyond?.verdict === undefined || decided.verdict === 'worse' || decided.verdict === 'better') return decided;
    const change = formatChange(row.samples.metric, second.measured.change.estimate);
    return { ...decided, verdict: beyond.verdict, reason: `${change} beyond what the other operations changed by, of which ±${formatPercent(beyond.band)} is ${second.noise === undefined ? 'tolerated' : 'noise'}` };
  });
}

/** One metric by itself. */
export function judgeMetric(samples: MetricSamples, options: JudgeOptions): ComparisonRow {
  const [row] = judgeRows([samples], [], options);
  if (row === undefined) throw new RangeError('one metric has one row');
  return row;
}

const isMeasured = (row: Measured | ComparisonRow): row is Measured => 'samples' in row;

/** The figures with their noise. */
function figuresOf(measured: readonly Measured[], rows: readonly Measured[]): Figure[] {
  const noises = noisesOf(measured);
  return measured.flatMap((each) => {
    const { op, metric } = each.samples;
    const row = rows.find(({ samples }) => samples.op === op && samples.metric === metric);
    if (row === undefined) return [];
    return [{ measured: each, kind: row !== each ? ('excess' as const) : op === allOperations ? ('all' as const) : ('single' as const), noise: noises.get(each), row }];
  });
}

/** Where nothing failed on either side nothing could be found, so it takes no share of the error. */
const isTestable = ({ measured: { samples: { metric }, change } }: Figure): boolean => metric !== 'failed' || change.baseline !== 0 || change.candidate !== 0;

/** Tests all figures so that `error` is that of any of them. Kinds share it evenly, and so do the figures of a kind. */
function judgeFigures(figures: readonly Figure[], error: number): Map<Figure, Judged> {
  const tested = figures.filter(isTestable);
  const kinds = Map.groupBy(tested, ({ kind }) => kind);
  const weights = tested.map(({ kind }) => 1 / (kinds.size * (kinds.get(kind)?.length ?? 1)));
  const found = holm(tested.map((figure, index) => pOf(figure, error, error * (weights[index] ?? 1))), error, weights);
  const levels = new Map(tested.map((figure, index) => [figure, found[index]]));
  return new Map(figures.map((figure) => {
    const { rejected, level } = levels.get(figure) ?? { rejected: false, level: error };
    const { samples: { metric }, change, tolerance } = figure.measured;
    // More is worse, of all metrics but the rate.
    const verdict = change.estimate > 0 === (metric !== 'rate') ? 'worse' : 'better';
    return [figure, { verdict: rejected ? verdict : undefined, band: figure.noise === undefined ? tolerance : bandOf(metric, figure.noise, level, error) }];
  }));
}

/** The noise of a figure, strengthened by that of its metric in other operations. */
interface RowNoise {
  /** Standard deviation of the difference between one more run and the middle of the baselines. */
  readonly deviation: number;
  /** Degrees of freedom, those of the prior included. */
  readonly degrees: number;
  /** Of the figure's own runs alone. */
  readonly ownDegrees: number;
}

function noisesOf(measured: readonly Measured[]): Map<Measured, RowNoise> {
  const known = measured.flatMap((row) => (row.noise === undefined ? [] : [{ row, noise: row.noise }]));
  const alike = Map.groupBy(known, ({ row, noise }) => `${row.samples.metric} ${noise.runs}`);
  return new Map([...alike.values()].flatMap((each) => {
    // By how much runs differ beyond what their blocks explain is alike for all operations; how much those scatter is not.
    const prior = priorOf(each.flatMap(({ noise }) => (noise.within > 0 ? [noise.variance / noise.within] : [])), (each[0]?.noise.runs ?? 1) - 1);
    return each.map(({ row, noise }) => [row, rowNoise(noise, prior)] as const);
  }));
}

function rowNoise({ variance, within, runs }: RunNoise, prior: VariancePrior): RowNoise {
  const ownDegrees = runs - 1;
  const moderated = within > 0 ? within * moderate(variance / within, ownDegrees, prior) : variance;
  // Some differ by more than others for good: what one shows itself is never taken for less.
  return { deviation: Math.sqrt(Math.max(variance, moderated) * (1 + 1 / runs)), degrees: ownDegrees + (within > 0 ? prior.degrees : 0), ownDegrees };
}

const leastOf = (metric: ComparedMetric): number => (metric === 'failed' ? bandLeast.share : bandLeast.relative);

/**
 * Half the width of the interval for one more run at a level. Runs have their luck in all operations at once, so their
 * variances are no independent evidence of each other: it is never narrower than a figure's own degrees make it at the whole error.
 */
function bandOf(metric: ComparedMetric, { deviation, degrees, ownDegrees }: RowNoise, level: number, error: number): number {
  const times = Math.max(studentQuantile(1 - error / 2, ownDegrees), studentQuantile(1 - level / 2, degrees));
  return Math.max(leastOf(metric), times * deviation);
}

/** Two-sided p, 1 where a figure's own interval speaks against it. @param level the first that it may be held against */
function pOf({ measured, kind, noise, row }: Figure, error: number, level: number): number {
  // What has more than the others because they have less now is no worse, they are better; at least half must be its own.
  const beyond = measured.change.estimate;
  if (kind === 'excess' && row.change.estimate * Math.sign(beyond) < Math.abs(beyond) * ownLeast) return 1;
  return noise === undefined ? pOfTolerance(measured, level) : pOfNoise(measured, noise, error);
}

/** p of a change against what runs differ anyhow. */
function pOfNoise({ samples: { metric }, change }: Measured, noise: RowNoise, error: number): number {
  const size = Math.abs(change.estimate);
  const excludesNone = change.estimate > 0 ? change.low > 0 : change.high < 0;
  if (!excludesNone || size <= bandOf(metric, noise, error, error)) return 1;
  return noise.deviation === 0 ? 0 : 2 * studentCdf(-size / noise.deviation, noise.degrees);
}

/** p of a change by no more than the tolerance. */
function pOfTolerance({ samples, change, tolerance }: Measured, level: number): number {
  const isUp = change.low > tolerance;
  if (!isUp && !(change.high < -tolerance)) return 1;
  const pooled = samples.baselines.flat();
  const [below, above] = isUp ? [pooled, samples.candidate] : [samples.candidate, pooled];
  if (samples.metric === 'failed') return Math.min(1, 2 * welchAbove(below, above, tolerance));
  const least = tolerance * change.baseline;
  // The p of ranks has a least value, that of all orders but one. Near the level, a single pair out of order would decide.
  const ranksLeast = 2 * Math.exp(-logChoose(pooled.length + samples.candidate.length, pooled.length));
  return ranksLeast * ranksSlack <= level ? mannWhitney(below, above.map((value) => value - least)).p : Math.min(1, 2 * welchAbove(below, above, least));
}

/** ln of the number of ways to pick k of n. */
function logChoose(n: number, k: number): number {
  let sum = 0;
  for (let each = 1; each <= k; each++) sum += Math.log((n - k + each) / each);
  return sum;
}

function decide({ samples: { metric, baselines }, change, tolerance, row }: Measured, judged: Judged | undefined, fromRuns: boolean, figures: number): ComparisonRow {
  const { verdict, band } = judged ?? { verdict: undefined, band: tolerance };
  const as = (found: ComparedVerdict, reason: string): ComparisonRow => ({ ...row, verdict: found, reason, band });
  if (verdict !== undefined) return as(verdict, fromRuns ? 'beyond the noise of the baseline runs' : 'wholly beyond the tolerance');
  if (fromRuns) return as('same', 'within the noise of the baseline runs');
  if (metric === 'failed' && change.baseline === 0 && change.candidate === 0) return as('same', 'nothing failed on either side');
  if (change.low > tolerance || change.high < -tolerance) return as('insufficient', `beyond the tolerance, as one of ${figures} figures may be by chance; a longer --duration or ${runsForNoise} baseline runs tell`);
  const runs = baselines.length;
  return as('insufficient', `not wholly beyond the tolerance, and ${runs === 1 ? '1 baseline run does' : `${runs} baseline runs do`} not tell noise from change; ${runsForNoise} do`);
}
