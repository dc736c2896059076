/** Turns fetched samples into instant vectors and windows. */
import type { Labels, SeriesSamples } from '../series.ts';
import type { Context } from './context.ts';
import type { Expr, MatrixSelector, Subquery, VectorSelector } from './expr.ts';
import { nameLabel } from './labels.ts';
import { shiftedMs, subqueryGrid } from './plan.ts';
import type { Grid, VectorValue } from './values.ts';
import { emptyVector } from './values.ts';

/** Whether a selector takes one metric only, so that its series differ in other labels than the name. */
export const isOneMetric = ({ matchers }: VectorSelector): boolean => matchers.some(({ name, operator }) => name === nameLabel && operator === '=');

/** The newest sample of each series within the lookback, at each step; its time in seconds instead of its value for `timestamp`. */
export function selectInstant(context: Context, selector: VectorSelector, grid: Grid, content: 'value' | 'timestamp' = 'value'): VectorValue {
  const fetched = context.fetched.get(selector) ?? [];
  const { count: steps } = grid;
  context.budget.spend(fetched.length * steps);
  const values = new Float64Array(fetched.length * steps);
  const present = new Uint8Array(fetched.length * steps);
  const labels: Labels[] = [];
  const firstMs = shiftedMs(selector, grid.startMs, context.query);
  const stepMs = selector.at === undefined ? grid.stepMs : 0;
  for (const series of fetched) {
    const base = labels.length * steps;
    if (fillRow(series, { firstMs, stepMs, steps, lookbackMs: context.lookbackMs }, base, values, present, content)) labels.push(series.labels);
  }
  const size = labels.length * steps;
  return { kind: 'vector', steps, labels, dropped: new Uint8Array(labels.length), values: values.subarray(0, size), present: present.subarray(0, size), isDistinct: isOneMetric(selector) };
}

/** Writes one row and tells whether anything was found; a row that stays empty is written over by the next. */
function fillRow({ timestampsMs, values: samples, stale }: SeriesSamples, times: { firstMs: number; stepMs: number; steps: number; lookbackMs: number }, base: number, values: Float64Array, present: Uint8Array, content: 'value' | 'timestamp'): boolean {
  const count = timestampsMs.length;
  let next = 0;
  let isFound = false;
  for (let step = 0; step < times.steps; step += 1) {
    const atMs = times.firstMs + step * times.stepMs;
    while (next < count && (timestampsMs[next] ?? 0) <= atMs) next += 1;
    if (next === 0) continue;
    const sampleMs = timestampsMs[next - 1] ?? 0;
    if (sampleMs <= atMs - times.lookbackMs || (stale !== undefined && stale[next - 1] === 1)) continue;
    values[base + step] = content === 'value' ? (samples[next - 1] ?? 0) : sampleMs / 1_000;
    present[base + step] = 1;
    isFound = true;
  }
  return isFound;
}

/** One series of a range: its samples without staleness markers. */
export interface RangeRow {
  readonly labels: Labels;
  readonly isDropped: boolean;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
}

/** The series of a range vector, and where its windows end. */
export interface RangeInput {
  readonly rows: readonly RangeRow[];
  readonly rangeMs: number;
  /** The end of the window at the first step, and how far it moves with each. */
  readonly firstEndMs: number;
  readonly stepMs: number;
  readonly isDistinct: boolean;
}

/** The samples of a range selector or subquery, for windows on `grid`. */
export function selectRange(context: Context, expr: Expr, grid: Grid): RangeInput {
  switch (expr.kind) {
    case 'paren': return selectRange(context, expr.expr, grid);
    case 'matrix': return rangeOfSelector(context, expr, grid);
    case 'subquery': return rangeOfSubquery(context, expr, grid);
    default: return { rows: [], rangeMs: 1, firstEndMs: grid.startMs, stepMs: grid.stepMs, isDistinct: true };
  }
}

function rangeOfSelector(context: Context, { selector, rangeMs }: MatrixSelector, grid: Grid): RangeInput {
  const fetched = context.fetched.get(selector) ?? [];
  let samples = 0;
  for (const { values } of fetched) samples += values.length;
  context.budget.spend(samples);
  return {
    rows: fetched.map((series) => withoutMarkers(series)), rangeMs, firstEndMs: shiftedMs(selector, grid.startMs, context.query),
    stepMs: selector.at === undefined ? grid.stepMs : 0, isDistinct: isOneMetric(selector),
  };
}

function withoutMarkers({ labels, timestampsMs, values, stale }: SeriesSamples): RangeRow {
  if (stale === undefined || !stale.includes(1)) return { labels, isDropped: false, timestampsMs, values };
  const isKept = (_: number, index: number): boolean => stale[index] !== 1;
  return { labels, isDropped: false, timestampsMs: timestampsMs.filter(isKept), values: values.filter(isKept) };
}

function rangeOfSubquery(context: Context, subquery: Subquery, grid: Grid): RangeInput {
  const inner = subqueryGrid(subquery, grid, context);
  const value = inner === undefined ? emptyVector(0) : context.evaluate(subquery.expr, inner);
  const vector = value.kind === 'vector' ? value : emptyVector(0);
  return {
    rows: inner === undefined ? [] : rowsOf(vector, inner), rangeMs: subquery.rangeMs, firstEndMs: shiftedMs(subquery, grid.startMs, context.query),
    stepMs: subquery.at === undefined ? grid.stepMs : 0, isDistinct: vector.isDistinct,
  };
}

/** The points of each row of a vector, as samples. */
function rowsOf({ steps, labels, dropped, values, present }: VectorValue, grid: Grid): RangeRow[] {
  const times = Float64Array.from({ length: steps }, (_, step) => grid.startMs + step * grid.stepMs);
  return labels.map((rowLabels, row) => {
    const isPresent = present.subarray(row * steps, (row + 1) * steps);
    const rowValues = values.subarray(row * steps, (row + 1) * steps);
    const isWhole = !isPresent.includes(0);
    return {
      labels: rowLabels, isDropped: dropped[row] === 1,
      timestampsMs: isWhole ? times : times.filter((_, step) => isPresent[step] === 1),
      values: isWhole ? rowValues : rowValues.filter((_, step) => isPresent[step] === 1),
    };
  });
}
