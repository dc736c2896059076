/** Aggregations of one value for each group: `sum`, `avg`, `min`, `quantile` and the like. */
import { assertNever } from '../../core/error.ts';
import type { Labels } from '../series.ts';
import type { Context } from './context.ts';
import type { Aggregation } from './expr.ts';
import { keyOf, keyWithout, nameLabel, omitLabels, pickLabels, withoutName } from './labels.ts';
import { formatShort } from './literals.ts';
import { larger, smaller } from './math-functions.ts';
import { quantileOf } from './quantile.ts';
import { Sum } from './summation.ts';
import type { VectorValue } from './values.ts';

/** The group of each row, and the labels of each group. */
export interface Grouping {
  readonly groupOf: Int32Array;
  readonly labels: readonly Labels[];
  /** 1 for a group in which a row's name is to be taken away. */
  readonly dropped: Uint8Array;
}

/** Puts rows into groups by the labels of `by`, or all but those of `without`. */
export function groupRows(context: Context, vector: VectorValue, { isWithout, labels: names }: Pick<Aggregation, 'isWithout' | 'labels'>): Grouping {
  const omitted = new Set(names);
  const omittedWithName = new Set([...names, nameLabel]);
  // A name that was taken away is missing, unless that is delayed.
  const seesNames = !isWithout && names.includes(nameLabel) && !context.isNameRemovalDelayed;
  const groups = new Map<string, number>();
  const labels: Labels[] = [];
  const groupOf = new Int32Array(vector.labels.length);
  const dropped: number[] = [];
  for (const [row, own] of vector.labels.entries()) {
    const rowLabels = seesNames && vector.dropped[row] === 1 ? withoutName(own) : own;
    const key = isWithout ? keyWithout(rowLabels, omitted) : keyOf(rowLabels, names);
    let group = groups.get(key);
    if (group === undefined) {
      group = labels.length;
      groups.set(key, group);
      labels.push(isWithout ? omitLabels(rowLabels, omittedWithName) : pickLabels(rowLabels, names));
      dropped.push(0);
    }
    groupOf[row] = group;
    if (vector.dropped[row] === 1) dropped[group] = 1;
  }
  return { groupOf, labels, dropped: Uint8Array.from(dropped) };
}

type Folding = 'sum' | 'avg' | 'count' | 'min' | 'max' | 'group' | 'stddev' | 'stdvar';

/** Aggregates each group at each step. */
export function aggregate(context: Context, operator: Folding, vector: VectorValue, grouping: Grouping): VectorValue {
  const { steps } = vector;
  const size = grouping.labels.length * steps;
  context.budget.spend(size);
  const out: VectorValue = {
    kind: 'vector', steps, labels: grouping.labels, dropped: grouping.dropped, values: new Float64Array(size), present: new Uint8Array(size),
    isDistinct: !grouping.labels.some((labels) => Object.hasOwn(labels, nameLabel)),
  };
  const fold = foldOf(operator, out);
  for (let row = 0; row < vector.labels.length; row += 1) {
    const from = row * steps;
    const to = (grouping.groupOf[row] ?? 0) * steps;
    for (let step = 0; step < steps; step += 1) {
      if (vector.present[from + step] === 0) continue;
      fold.add(to + step, vector.values[from + step] ?? 0);
      out.present[to + step] = 1;
    }
  }
  fold.finish();
  return out;
}

/** Adds values to cells of a block; `finish` makes them results. */
interface Fold {
  readonly add: (cell: number, value: number) => void;
  readonly finish: () => void;
}

const nothing = (): void => {};

function foldOf(operator: Folding, { values, present }: VectorValue): Fold {
  switch (operator) {
    case 'sum': return sumFold(values);
    case 'avg': return meanFold(values);
    case 'count': return { add: (cell) => void (values[cell] = (values[cell] ?? 0) + 1), finish: nothing };
    case 'group': return { add: (cell) => void (values[cell] = 1), finish: nothing };
    case 'min': return extremeFold(values, present, (value, best) => value < best);
    case 'max': return extremeFold(values, present, (value, best) => value > best);
    case 'stddev': return varianceFold(values, Math.sqrt);
    case 'stdvar': return varianceFold(values, (variance) => variance);
    default: return assertNever(operator);
  }
}

function extremeFold(values: Float64Array, present: Uint8Array, isBetter: (value: number, best: number) => boolean): Fold {
  return {
    add: (cell, value) => {
      const best = values[cell] ?? 0;
      if (present[cell] === 0 || Number.isNaN(best) || isBetter(value, best)) values[cell] = value;
    },
    finish: nothing,
  };
}

/** Compensated as in summation.ts, with columns in place of one object for each cell. */
function sumFold(values: Float64Array, compensations = new Float64Array(values.length)): Fold {
  return {
    add: (cell, value) => {
      const sum = values[cell] ?? 0;
      const total = sum + value;
      values[cell] = total;
      if (total === Infinity || total === -Infinity) compensations[cell] = 0;
      else compensations[cell] = (compensations[cell] ?? 0) + (Math.abs(sum) >= Math.abs(value) ? sum - total + value : value - total + sum);
    },
    finish: () => {
      for (let cell = 0; cell < values.length; cell += 1) values[cell] = (values[cell] ?? 0) + (compensations[cell] ?? 0);
    },
  };
}

/** The sum by the count; of a cell whose sum would overflow, an incremental mean from there on. */
function meanFold(values: Float64Array): Fold {
  const compensations = new Float64Array(values.length);
  const sum = sumFold(values, compensations);
  const counts = new Float64Array(values.length);
  const means = new Map<number, Sum>();
  return {
    add: (cell, value) => {
      const count = (counts[cell] ?? 0) + 1;
      counts[cell] = count;
      let mean = means.get(cell);
      if (mean === undefined) {
        const total = (values[cell] ?? 0) + value;
        if (count === 1 || Number.isFinite(total) || Number.isNaN(total)) return sum.add(cell, value);
        mean = new Sum();
        mean.add((values[cell] ?? 0) / (count - 1));
        mean.add((compensations[cell] ?? 0) / (count - 1));
        means.set(cell, mean);
      }
      mean.scale((count - 1) / count);
      mean.add(value / count);
    },
    finish: () => {
      for (let cell = 0; cell < values.length; cell += 1) {
        const count = counts[cell] ?? 1;
        values[cell] = means.get(cell)?.total ?? (values[cell] ?? 0) / count + (compensations[cell] ?? 0) / count;
      }
    },
  };
}

/** The population variance by Welford's method; not a number as soon as a value is not finite. */
function varianceFold(values: Float64Array, finish: (variance: number) => number): Fold {
  const counts = new Float64Array(values.length);
  const means = new Float64Array(values.length);
  return {
    add: (cell, value) => {
      const count = (counts[cell] ?? 0) + 1;
      const delta = value - (means[cell] ?? 0);
      const mean = (means[cell] ?? 0) + delta / count;
      counts[cell] = count;
      means[cell] = mean;
      values[cell] = Number.isFinite(value) ? (values[cell] ?? 0) + delta * (value - mean) : Number.NaN;
    },
    finish: () => {
      for (let cell = 0; cell < values.length; cell += 1) values[cell] = finish((values[cell] ?? 0) / (counts[cell] ?? 1));
    },
  };
}

/** `quantile`, with one quantile for each step. */
export function aggregateQuantile(context: Context, node: Aggregation, quantiles: Float64Array, vector: VectorValue, grouping: Grouping): VectorValue {
  const out = aggregate(context, 'group', vector, grouping);
  // Of all steps Prometheus names the largest, the least, and that one is NaN.
  const warn = (quantile: number): void => context.annotations.warn(`quantile value should be between 0 and 1, got ${formatShort(quantile)}`, (node.parameter ?? node).position);
  const most = quantiles.reduce(larger, -Number.MAX_VALUE);
  const least = quantiles.reduce(smaller, Number.MAX_VALUE);
  if (quantiles.some(Number.isNaN)) warn(Number.NaN);
  if (most > 1) warn(most);
  if (least < 0) warn(least);
  const members: number[][] = grouping.labels.map(() => []);
  for (const [row, group] of grouping.groupOf.entries()) members[group]?.push(row);
  for (const [group, rows] of members.entries()) {
    const found = new Float64Array(rows.length);
    for (let step = 0; step < out.steps; step += 1) {
      let count = 0;
      for (const row of rows) {
        const cell = row * out.steps + step;
        if (vector.present[cell] === 1) found[count++] = vector.values[cell] ?? 0;
      }
      if (count > 0) out.values[group * out.steps + step] = quantileOf(quantiles[step] ?? Number.NaN, found.subarray(0, count));
    }
  }
  return out;
}
