/** The functions of PromQL by name: how each takes its arguments. */
import { SoraError } from '../../core/error.ts';
import { absent, absentLabels } from './absent-functions.ts';
import type { Context } from './context.ts';
import { dropNames, executionError } from './context.ts';
import type { Call, Expr } from './expr.ts';
import { withoutParens } from './expr.ts';
import { checkQuantiles, histogramFraction, histogramQuantile, histogramQuantiles } from './histogram-functions.ts';
import { labelJoin, labelReplace, sortByLabels, sortByValue } from './label-functions.ts';
import { labelValue } from '../matchers.ts';
import { nameLabel } from './labels.ts';
import { quote } from './literals.ts';
import { dateFunctions, larger, mathFunctions, roundTo, smaller } from './math-functions.ts';
import * as overTime from './over-time-functions.ts';
import { extrapolated, lastChange } from './rate-functions.ts';
import { derivative, doubleExponentialSmoothing, predictLinear } from './regression-functions.ts';
import type { RangeInput } from './select.ts';
import { selectInstant, selectRange } from './select.ts';
import type { Grid, Value, VectorValue } from './values.ts';
import { emptyVector, endOf, singleRow } from './values.ts';
import type { WindowFunction } from './windows.ts';
import { overWindows } from './windows.ts';

/** The arguments of a call on a grid, evaluated as they are asked for. */
class Args {
  readonly context: Context;
  readonly call: Call;
  readonly grid: Grid;

  constructor(context: Context, call: Call, grid: Grid) {
    this.context = context;
    this.call = call;
    this.grid = grid;
  }

  expr(index: number): Expr {
    const expr = this.call.args[index];
    if (expr === undefined) throw new SoraError('unreachable', `${this.call.name} has no argument ${index}`);
    return expr;
  }

  vector(index: number): VectorValue {
    const value = this.context.evaluate(this.expr(index), this.grid);
    return value.kind === 'vector' ? value : emptyVector(this.grid.count);
  }

  scalar(index: number): Float64Array {
    const value = this.context.evaluate(this.expr(index), this.grid);
    return value.kind === 'scalar' ? value.values : new Float64Array(this.grid.count).fill(Number.NaN);
  }

  string(index: number): string {
    const value = this.context.evaluate(this.expr(index), this.grid);
    return value.kind === 'string' ? value.text : '';
  }

  /** The strings from one argument on. */
  strings(from: number): string[] {
    return this.call.args.slice(from).map((_, index) => this.string(from + index));
  }

  range(index: number): RangeInput {
    return selectRange(this.context, this.expr(index), this.grid);
  }

  get count(): number {
    return this.call.args.length;
  }

  /** The same number at every step. */
  constant(value: number): Value {
    return { kind: 'scalar', values: new Float64Array(this.grid.count).fill(value) };
  }

  /** Unix seconds of each step. */
  times(): Float64Array {
    return Float64Array.from({ length: this.grid.count }, (_, step) => (this.grid.startMs + step * this.grid.stepMs) / 1_000);
  }
}

type Implementation = (args: Args) => Value;
const implementations = new Map<string, Implementation>();

/** Evaluates a call. */
export function evaluateCall(context: Context, call: Call, grid: Grid): Value {
  const implementation = implementations.get(call.name);
  if (implementation === undefined) throw executionError(`${call.name}() is not supported`);
  return implementation(new Args(context, call, grid));
}

function map(args: Args, vector: VectorValue, compute: (value: number, step: number) => number): VectorValue {
  const { values, steps } = vector;
  for (let cell = 0; cell < values.length; cell += 1) values[cell] = compute(values[cell] ?? 0, cell % steps);
  return dropNames(args.context, vector);
}

for (const [name, compute] of mathFunctions) implementations.set(name, (args) => map(args, args.vector(0), compute));
for (const [name, compute] of dateFunctions) {
  implementations.set(name, (args) => (args.count === 0 ? singleRow(args.times().map(compute), new Uint8Array(args.grid.count).fill(1)) : map(args, args.vector(0), compute)));
}

/** Functions of windows that take nothing but a range; the name is kept where the value is one of the series itself. */
const windowFunctions: readonly (readonly [name: string, make: () => WindowFunction, keepsName?: boolean])[] = [
  ['rate', () => extrapolated({ isCounter: true, isRate: true })],
  ['increase', () => extrapolated({ isCounter: true, isRate: false })],
  ['delta', () => extrapolated({ isCounter: false, isRate: false })],
  ['irate', () => lastChange(true)],
  ['idelta', () => lastChange(false)],
  ['deriv', () => derivative],
  ['resets', () => overTime.resets],
  ['changes', () => overTime.changes],
  ['sum_over_time', () => overTime.sumOverTime],
  ['avg_over_time', () => overTime.averageOverTime],
  ['min_over_time', () => overTime.minOverTime],
  ['max_over_time', () => overTime.maxOverTime],
  ['count_over_time', () => overTime.countOverTime],
  ['present_over_time', () => overTime.presentOverTime],
  ['stddev_over_time', () => overTime.deviationOverTime],
  ['stdvar_over_time', () => overTime.varianceOverTime],
  ['mad_over_time', () => overTime.medianDeviationOverTime],
  ['ts_of_first_over_time', () => overTime.timeOfFirst],
  ['ts_of_last_over_time', () => overTime.timeOfLast],
  ['ts_of_max_over_time', () => overTime.timeOfMax],
  ['ts_of_min_over_time', () => overTime.timeOfMin],
  ['last_over_time', () => overTime.lastOverTime, true],
  ['first_over_time', () => overTime.firstOverTime, true],
];
for (const [name, make, keepsName] of windowFunctions) {
  implementations.set(name, (args) => {
    const input = args.range(0);
    const vector = overWindows(args.context, input, args.grid, make(), keepsName);
    if (name === 'rate' || name === 'increase') noteNonCounter(args, input, vector);
    return vector;
  });
}

/** Tells that a metric may be no counter, by its name. */
function noteNonCounter({ context, call }: Args, { rows }: RangeInput, vector: VectorValue): void {
  const [arg] = call.args;
  if (arg === undefined || vector.labels.length === 0) return;
  // Prometheus forgets where a subquery stands.
  const position = withoutParens(arg).kind === 'subquery' ? { line: 1, column: 1 } : arg.position;
  // All series of one metric say the same, so each name is looked at once.
  const names = new Set(rows.map(({ labels, isDropped }) => (isDropped && !context.isNameRemovalDelayed ? '' : labelValue(labels, nameLabel))));
  const withResult = new Set(vector.labels.map((labels) => labelValue(labels, nameLabel)));
  for (const name of names) {
    if (name !== '' && withResult.has(name) && !/_(?:total|sum|count|bucket)$/.test(name)) context.annotations.info(`metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${quote(name)}`, position);
  }
}

implementations.set('quantile_over_time', (args) => {
  const input = args.range(1);
  const quantiles = args.scalar(0);
  const vector = overWindows(args.context, input, args.grid, overTime.quantileOverTime(quantiles));
  const asked = quantiles.filter((_, step) => vector.labels.some((_labels, row) => vector.present[row * vector.steps + step] === 1));
  checkQuantiles(args.context, asked, args.expr(0).position);
  return vector;
});
implementations.set('predict_linear', (args) => overWindows(args.context, args.range(0), args.grid, predictLinear(args.scalar(1))));
implementations.set('double_exponential_smoothing', (args) => overWindows(args.context, args.range(0), args.grid, doubleExponentialSmoothing(args.scalar(1), args.scalar(2))));
implementations.set('absent_over_time', (args) => absent(overWindows(args.context, { ...args.range(0), isDistinct: true }, args.grid, overTime.presentOverTime), absentLabels(args.expr(0))));
implementations.set('absent', (args) => absent(args.vector(0), absentLabels(args.expr(0))));

implementations.set('time', (args) => ({ kind: 'scalar', values: args.times() }));
implementations.set('pi', (args) => args.constant(Math.PI));
implementations.set('start', (args) => args.constant(args.context.query.startMs / 1_000));
implementations.set('end', (args) => args.constant(endOf(args.context.query) / 1_000));
implementations.set('range', (args) => args.constant((endOf(args.context.query) - args.context.query.startMs) / 1_000));
implementations.set('step', (args) => args.constant(args.context.query.count === 1 ? 0 : args.context.query.stepMs / 1_000));
implementations.set('min_of', (args) => pairwise(args, smaller));
implementations.set('max_of', (args) => pairwise(args, larger));

function pairwise(args: Args, compute: (a: number, b: number) => number): Value {
  const second = args.scalar(1);
  return { kind: 'scalar', values: args.scalar(0).map((value, step) => compute(value, second[step] ?? Number.NaN)) };
}

implementations.set('vector', (args) => {
  const values = args.scalar(0);
  return singleRow(values.slice(), new Uint8Array(values.length).fill(1));
});
implementations.set('scalar', (args) => {
  const { steps, labels, values, present } = args.vector(0);
  const found = new Float64Array(steps).fill(Number.NaN);
  const counts = new Uint32Array(steps);
  for (let cell = 0; cell < labels.length * steps; cell += 1) {
    if (present[cell] === 0) continue;
    const step = cell % steps;
    counts[step] = (counts[step] ?? 0) + 1;
    found[step] = values[cell] ?? 0;
  }
  return { kind: 'scalar', values: found.map((value, step) => (counts[step] === 1 ? value : Number.NaN)) };
});
implementations.set('timestamp', (args) => {
  const inner = withoutParens(args.expr(0));
  if (inner.kind === 'selector') return dropNames(args.context, selectInstant(args.context, inner, args.grid, 'timestamp'));
  const times = args.times();
  return map(args, args.vector(0), (_, step) => times[step] ?? 0);
});

// Arguments are evaluated in the order in which they are written: which of two equal annotations is kept depends on it.
implementations.set('round', (args) => {
  const vector = args.vector(0);
  const nearest = args.count > 1 ? args.scalar(1) : undefined;
  return map(args, vector, (value, step) => roundTo(value, nearest?.[step] ?? 1));
});
implementations.set('clamp_min', (args) => {
  const vector = args.vector(0);
  const least = args.scalar(1);
  return map(args, vector, (value, step) => larger(value, least[step] ?? Number.NaN));
});
implementations.set('clamp_max', (args) => {
  const vector = args.vector(0);
  const most = args.scalar(1);
  return map(args, vector, (value, step) => smaller(value, most[step] ?? Number.NaN));
});
implementations.set('clamp', (args) => {
  const vector = args.vector(0);
  const least = args.scalar(1);
  const most = args.scalar(2);
  for (let cell = 0; cell < vector.present.length; cell += 1) if ((most[cell % vector.steps] ?? 0) < (least[cell % vector.steps] ?? 0)) vector.present[cell] = 0;
  return map(args, vector, (value, step) => larger(least[step] ?? Number.NaN, smaller(most[step] ?? Number.NaN, value)));
});

implementations.set('label_replace', (args) => labelReplace(args.context, args.vector(0), args.strings(1)));
implementations.set('label_join', (args) => labelJoin(args.context, args.vector(0), args.strings(1)));

/** Sorting has no effect where results have many steps. */
function sorted(args: Args, sort: (vector: VectorValue) => VectorValue): VectorValue {
  const vector = args.vector(0);
  if (args.context.query.count === 1) return vector.steps === 1 ? sort(vector) : vector;
  if (args.context.release !== '3.8') args.context.annotations.warn('sort is ineffective for range queries since results are always ordered by labels', args.call.position);
  return vector;
}

implementations.set('sort', (args) => sorted(args, (vector) => sortByValue(vector, false)));
implementations.set('sort_desc', (args) => sorted(args, (vector) => sortByValue(vector, true)));
implementations.set('sort_by_label', (args) => sorted(args, (vector) => sortByLabels(args.context, vector, args.strings(1), false)));
implementations.set('sort_by_label_desc', (args) => sorted(args, (vector) => sortByLabels(args.context, vector, args.strings(1), true)));

implementations.set('histogram_quantile', (args) =>
  histogramQuantile(args.context, args.scalar(0), args.vector(1), { quantile: args.expr(0).position, vector: args.expr(1).position }));
implementations.set('histogram_quantiles', (args) => {
  const vector = args.vector(0);
  const columns = args.call.args.slice(2).map((_, index) => args.scalar(2 + index));
  const positions = args.call.args.slice(2).map(({ position }) => ({ quantile: position, vector: args.expr(0).position }));
  return histogramQuantiles(args.context, args.string(1), columns, vector, positions);
});
implementations.set('histogram_fraction', (args) => histogramFraction(args.context, args.scalar(0), args.scalar(1), args.vector(2), args.expr(2).position));
/** There are no native histograms here, and other samples these ignore. */
for (const name of ['histogram_avg', 'histogram_count', 'histogram_sum', 'histogram_stddev', 'histogram_stdvar']) {
  implementations.set(name, (args) => emptyVector(args.grid.count));
}
