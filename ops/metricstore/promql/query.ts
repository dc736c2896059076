import { SoraError } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import { countSamples } from '../limit-samples.ts';
import type { Labels, SampleSource, SeriesSamples } from '../series.ts';
import { Annotations } from './annotations.ts';
import { compareLabels } from './aggregate-select.ts';
import type { Context, PrometheusRelease } from './context.ts';
import { Budget, mergeEqualRows } from './context.ts';
import { evaluate } from './evaluate.ts';
import type { Expr, VectorSelector } from './expr.ts';
import { withoutParens } from './expr.ts';
import { labelsKey, withoutName } from './labels.ts';
import { parsePromql } from './parse.ts';
import { planSpans } from './plan.ts';
import { selectRange } from './select.ts';
import type { Grid, VectorValue } from './values.ts';
import { endOf, presentRows } from './values.ts';
import { documentedType, valueTypeOf } from './value-type.ts';

/** A series of a result; columns of equal length. */
export interface ResultSeries {
  readonly labels: Labels;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
}

export interface ResultSample {
  readonly labels: Labels;
  readonly atMs: number;
  readonly value: number;
}

export type QueryValue =
  | { readonly type: 'scalar'; readonly atMs: number; readonly value: number }
  | { readonly type: 'string'; readonly atMs: number; readonly value: string }
  | { readonly type: 'vector'; readonly samples: readonly ResultSample[] }
  | { readonly type: 'matrix'; readonly series: readonly ResultSeries[] };

export interface QueryResult {
  readonly value: QueryValue;
  /** With the text of Prometheus, such as `PromQL warning: … (1:5)`. */
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** How many samples were read and computed, by which `samplesMax` is counted. */
  readonly samples: number;
}

export interface QueryOptions {
  /** How long the last sample of a series stands for its value. Default 5 min. */
  readonly lookbackMs?: number;
  /** Samples that may be read and computed. Default 50 million. */
  readonly samplesMax?: number;
  /** Time for the evaluation; needs `host` for its clock. Default 2 min. */
  readonly timeoutMs?: number;
  readonly host?: Pick<Host, 'clock'>;
  /** The step of a subquery that names none. Default 1 min. */
  readonly subqueryStepMs?: number;
  /** Takes names away at the end of the query only, as `promql-delayed-name-removal` does. Default false. */
  readonly isNameRemovalDelayed?: boolean;
  /** Whose rules hold where releases of Prometheus 3 differ. Default 3.8. */
  readonly release?: PrometheusRelease;
}

const defaults = { lookbackMs: 300_000, samplesMax: 50_000_000, timeoutMs: 120_000, subqueryStepMs: 60_000 };
/** Steps of one query, whatever the limit of samples is. */
export const stepsMax = 1_000_000;

/**
 * Evaluates an expression at one time.
 * @throws SoraError `bad_data` (400) when it cannot be parsed, `execution` (422) when it cannot be evaluated or reads
 *   too much, `timeout` (503)
 */
export async function queryInstant(source: SampleSource, query: string | Expr, atMs: number, options: QueryOptions = {}): Promise<QueryResult> {
  const expr = typeof query === 'string' ? parsePromql(query) : query;
  const grid: Grid = { startMs: atMs, stepMs: 1, count: 1 };
  const { context, annotations, budget } = await prepare(source, expr, grid, options);
  return finish(instantValue(context, expr, grid), annotations, budget);
}

/**
 * Evaluates an expression at each step from `startMs` to `endMs`; scalars become a series without labels.
 * @throws SoraError as `queryInstant`, also for steps that are not positive and times out of order
 */
export async function queryRange(source: SampleSource, query: string | Expr, range: { readonly startMs: number; readonly endMs: number; readonly stepMs: number }, options: QueryOptions = {}): Promise<QueryResult> {
  const expr = typeof query === 'string' ? parsePromql(query) : query;
  const grid = gridOf(range);
  const type = valueTypeOf(expr);
  if (type !== 'vector' && type !== 'scalar') throw badData(`invalid expression type "${documentedType(type)}" for range query, must be Scalar or instant Vector`);
  const { context, annotations, budget } = await prepare(source, expr, grid, options);
  return finish({ type: 'matrix', series: seriesOf(context, expr, grid) }, annotations, budget);
}

const badData = (message: string): SoraError => new SoraError('bad_data', message, { status: 400 });

function gridOf({ startMs, endMs, stepMs }: { startMs: number; endMs: number; stepMs: number }): Grid {
  if (!(stepMs > 0)) throw badData('zero or negative query resolution step widths are not accepted. Try a positive integer');
  if (!(endMs >= startMs)) throw badData('end timestamp must not be before start time');
  const count = Math.floor((endMs - startMs) / stepMs) + 1;
  if (count > stepsMax) throw badData(`the query has ${count} steps, the limit is ${stepsMax}: take a longer step`);
  return { startMs, stepMs, count };
}

const finish = (value: QueryValue, { warnings, infos }: Annotations, { samples }: Budget): QueryResult => ({ value, warnings, infos, samples });

async function prepare(source: SampleSource, expr: Expr, query: Grid, options: QueryOptions): Promise<{ context: Context; annotations: Annotations; budget: Budget }> {
  const { lookbackMs, samplesMax, timeoutMs, subqueryStepMs } = { ...defaults, ...options };
  const clock = options.host?.clock;
  const budget = new Budget(samplesMax, () => clock?.monotonicMs() ?? 0, clock === undefined ? undefined : clock.monotonicMs() + timeoutMs);
  const annotations = new Annotations();
  const fetched = await fetchAll(source, expr, { query, lookbackMs, subqueryStepMs }, budget);
  const context: Context = {
    query, lookbackMs, subqueryStepMs, isNameRemovalDelayed: options.isNameRemovalDelayed ?? false, release: options.release ?? '3.8', annotations, fetched, budget,
    evaluate: (part, grid) => evaluate(context, part, grid),
  };
  return { context, annotations, budget };
}

/**
 * Reads what each selector needs, once for the whole query; selectors that are alike share. One after the other, so that each is told
 * how much those before it left to read.
 */
async function fetchAll(source: SampleSource, expr: Expr, settings: Parameters<typeof planSpans>[2], budget: Budget): Promise<Map<VectorSelector, readonly SeriesSamples[]>> {
  const shared = new Map<string, readonly SeriesSamples[]>();
  const fetched = new Map<VectorSelector, readonly SeriesSamples[]>();
  for (const [selector, span] of planSpans(expr, settings.query, settings)) {
    const key = JSON.stringify([selector.matchers, span]);
    let found = shared.get(key);
    if (found === undefined) {
      found = inOrder(await source.select(selector.matchers, span, budget.left));
      budget.spend(countSamples(found));
      shared.set(key, found);
    }
    fetched.set(selector, found);
  }
  return fetched;
}

/** Series by their labels: sums of numbers and choices between equals then do not depend on the source. */
function inOrder(series: readonly SeriesSamples[]): readonly SeriesSamples[] {
  const keys = series.map(({ labels }) => labelsKey(labels));
  if (keys.every((key, index) => index === 0 || (keys[index - 1] ?? '') <= key)) return series;
  const order = keys.map((_, index) => index).sort((a, b) => ((keys[a] ?? '') < (keys[b] ?? '') ? -1 : 1));
  return order.flatMap((index) => series[index] ?? []);
}

function instantValue(context: Context, expr: Expr, grid: Grid): QueryValue {
  const atMs = grid.startMs;
  const type = valueTypeOf(expr);
  if (type === 'matrix') return { type: 'matrix', series: rangeSeries(context, withoutParens(expr), grid) };
  const value = evaluate(context, expr, grid);
  switch (value.kind) {
    case 'scalar': return { type: 'scalar', atMs, value: value.values[0] ?? Number.NaN };
    case 'string': return { type: 'string', atMs, value: value.text };
    default: {
      const vector = mergeEqualRows(context, value, undefined, true);
      return { type: 'vector', samples: presentRows(vector).map((row) => ({ labels: finalLabels(vector, row), atMs, value: vector.values[row] ?? 0 })) };
    }
  }
}

const finalLabels = ({ labels, dropped }: VectorValue, row: number): Labels => (dropped[row] === 1 ? withoutName(labels[row] ?? {}) : (labels[row] ?? {}));

/** The samples of a range selector or subquery that is the whole query. */
function rangeSeries(context: Context, expr: Expr, grid: Grid): ResultSeries[] {
  const { rows, firstEndMs, rangeMs } = selectRange(context, expr, grid);
  const series = rows.map(({ labels, isDropped, timestampsMs, values }) => {
    const isIn = (atMs: number): boolean => atMs > firstEndMs - rangeMs && atMs <= firstEndMs;
    const kept = timestampsMs.every(isIn);
    return {
      labels: isDropped ? withoutName(labels) : labels,
      timestampsMs: kept ? timestampsMs : timestampsMs.filter(isIn),
      values: kept ? values : values.filter((_, index) => isIn(timestampsMs[index] ?? 0)),
    };
  });
  return series.filter(({ values }) => values.length > 0).sort((a, b) => compareLabels(a.labels, b.labels));
}

function seriesOf(context: Context, expr: Expr, grid: Grid): ResultSeries[] {
  const value = evaluate(context, expr, grid);
  const times = Float64Array.from({ length: grid.count }, (_, step) => grid.startMs + step * grid.stepMs);
  if (value.kind === 'string') return [];
  if (value.kind === 'scalar') return [{ labels: {}, timestampsMs: times, values: value.values }];
  const vector = mergeEqualRows(context, value, undefined, true);
  const series = presentRows(vector).map((row) => rowSeries(vector, row, times));
  return series.sort((a, b) => compareLabels(a.labels, b.labels));
}

function rowSeries(vector: VectorValue, row: number, times: Float64Array): ResultSeries {
  const { steps } = vector;
  const present = vector.present.subarray(row * steps, (row + 1) * steps);
  const values = vector.values.subarray(row * steps, (row + 1) * steps);
  const labels = finalLabels(vector, row);
  if (!present.includes(0)) return { labels, timestampsMs: times, values: values.slice() };
  return { labels, timestampsMs: times.filter((_, step) => present[step] === 1), values: values.filter((_, step) => present[step] === 1) };
}

/** The last time of a range of steps, for those who ask for ranges. */
export const lastStepMs = (range: { readonly startMs: number; readonly endMs: number; readonly stepMs: number }): number => endOf(gridOf(range));
