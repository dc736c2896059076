/** Aggregations that pass on rows or make them out of values: `topk`, `bottomk`, `limitk`, `limit_ratio`, `count_values`. */
import type { Labels } from '../series.ts';
import type { Grouping } from './aggregate.ts';
import { groupRows } from './aggregate.ts';
import type { Context } from './context.ts';
import { executionError, rowLabels } from './context.ts';
import type { Aggregation } from './expr.ts';
import { hashLabels } from './label-hash.ts';
import { labelsKey, withLabel } from './labels.ts';
import { formatNumber, formatShort, quote } from './literals.ts';
import { larger, smaller } from './math-functions.ts';
import type { VectorValue } from './values.ts';
import { pickRows } from './values.ts';

/** How many rows each step may pass on, from the parameter; where no step asks for any, it may be what it likes. */
function counts(parameter: Float64Array): number[] {
  if (parameter.reduce(larger, -Number.MAX_VALUE) < 1) return Array.from(parameter, () => 0);
  return Array.from(parameter, (value) => {
    if (Number.isNaN(value)) throw executionError('Parameter value is NaN');
    if (value >= 2 ** 63) throw executionError(`Scalar value ${formatShort(value)} overflows int64`);
    if (value <= -(2 ** 63)) throw executionError(`Scalar value ${formatShort(value)} underflows int64`);
    return Math.trunc(value);
  });
}

/** The rows of each group, in their order. */
function membersOf({ groupOf, labels }: Grouping): number[][] {
  const members: number[][] = labels.map(() => []);
  for (const [row, group] of groupOf.entries()) members[group]?.push(row);
  return members;
}

/** The largest or smallest `k` of each group at each step; an instant query gives them in order of value. */
export function selectExtremes(operator: 'topk' | 'bottomk', parameter: Float64Array, vector: VectorValue, grouping: Grouping): VectorValue {
  const wanted = counts(parameter);
  const { steps, values, present } = vector;
  const sign = operator === 'topk' ? 1 : -1;
  const chosen = new Uint8Array(present.length);
  const order: number[] = [];
  for (const rows of membersOf(grouping)) {
    for (let step = 0; step < steps; step += 1) {
      const best = bestOf(rows, wanted[step] ?? 0, (row) => present[row * steps + step] === 1, (row) => sign * (values[row * steps + step] ?? 0));
      for (const row of best) chosen[row * steps + step] = 1;
      if (steps === 1) order.push(...best);
    }
  }
  const kept: VectorValue = { ...vector, present: chosen };
  return steps === 1 ? { ...pickRows(kept, order), isOrdered: true } : kept;
}

/** A list of the best is kept in order while it is no longer than this; above, everything is sorted. */
const insertionMax = 64;

/** Rows with the highest scores, best first; NaN is worse than any number, and of equals the first stay. */
function bestOf(rows: readonly number[], count: number, isPresent: (row: number) => boolean, scoreOf: (row: number) => number): number[] {
  if (count < 1) return [];
  const isBetter = (a: number, b: number): boolean => a > b || (Number.isNaN(b) && !Number.isNaN(a));
  if (count > insertionMax) {
    const scored = rows.filter(isPresent).map((row) => ({ row, score: scoreOf(row) }));
    scored.sort((a, b) => (isBetter(a.score, b.score) ? -1 : isBetter(b.score, a.score) ? 1 : 0));
    return scored.slice(0, count).map(({ row }) => row);
  }
  const best: number[] = [];
  const scores: number[] = [];
  for (const row of rows) {
    if (!isPresent(row)) continue;
    const score = scoreOf(row);
    if (best.length === count && !isBetter(score, scores[count - 1] ?? 0)) continue;
    let at = Math.min(best.length, count - 1);
    for (; at > 0 && isBetter(score, scores[at - 1] ?? 0); at -= 1) {
      best[at] = best[at - 1] ?? 0;
      scores[at] = scores[at - 1] ?? 0;
    }
    best[at] = row;
    scores[at] = score;
  }
  return best;
}

/** Any `k` rows of each group at each step: the first. */
export function selectFirst(parameter: Float64Array, vector: VectorValue, grouping: Grouping): VectorValue {
  const wanted = counts(parameter);
  const { steps, present } = vector;
  for (const rows of membersOf(grouping)) {
    for (let step = 0; step < steps; step += 1) {
      let left = wanted[step] ?? 0;
      for (const row of rows) {
        if (present[row * steps + step] === 0) continue;
        if (left <= 0) present[row * steps + step] = 0;
        left -= 1;
      }
    }
  }
  return vector;
}

/** A share of the rows by a hash of their labels; a negative ratio gives those that the positive complement leaves out. */
export function selectRatio(context: Context, node: Aggregation, parameter: Float64Array, vector: VectorValue): VectorValue {
  const { steps, present } = vector;
  const most = parameter.reduce(larger, -Number.MAX_VALUE);
  const least = parameter.reduce(smaller, Number.MAX_VALUE);
  if (parameter.some(Number.isNaN)) throw executionError('Ratio value is NaN');
  for (const ratio of [most, least]) {
    if (Math.abs(ratio) > 1) context.annotations.warn(`ratio value should be between -1 and 1, got ${formatShort(ratio)}, capping to ${Math.sign(ratio)}`, (node.parameter ?? node).position);
  }
  const ratios = parameter.map((ratio) => Math.max(-1, Math.min(1, ratio)));
  for (let row = 0; row < vector.labels.length; row += 1) {
    const offset = hashLabels(rowLabels(context, vector, row));
    for (let step = 0; step < steps; step += 1) {
      const ratio = ratios[step] ?? 0;
      if (!(ratio >= 0 ? offset < ratio : offset >= 1 + ratio)) present[row * steps + step] = 0;
    }
  }
  return vector;
}

/** One row for each value found, labelled with it, that counts how often it is found. */
export function countValues(context: Context, node: Aggregation, label: string, vector: VectorValue): VectorValue {
  if (label === '' || !label.isWellFormed()) throw executionError(`invalid label name ${quote(label)}`);
  const { steps } = vector;
  // Each row becomes one for each value it has; groups are then those of counting.
  const labels: Labels[] = [];
  const sources: { row: number; value: number }[] = [];
  const known = new Map<string, number>();
  const rowOfCell = new Int32Array(vector.values.length);
  for (let row = 0; row < vector.labels.length; row += 1) {
    const own = rowLabels(context, vector, row);
    for (let step = 0; step < steps; step += 1) {
      const cell = row * steps + step;
      if (vector.present[cell] === 0) continue;
      const value = vector.values[cell] ?? 0;
      const key = `${row} ${formatNumber(value)}`;
      let made = known.get(key);
      if (made === undefined) {
        made = labels.length;
        known.set(key, made);
        labels.push(withLabel(own, label, formatNumber(value)));
        sources.push({ row, value });
      }
      rowOfCell[cell] = made;
    }
  }
  context.budget.spend(labels.length * steps);
  const names = node.isWithout ? node.labels : [...node.labels, label];
  const spread: VectorValue = { ...vector, labels, dropped: Uint8Array.from(sources, ({ row }) => vector.dropped[row] ?? 0) };
  return countCells(vector, rowOfCell, groupRows(context, spread, { isWithout: node.isWithout, labels: names }));
}

function countCells({ steps, present }: VectorValue, rowOfCell: Int32Array, grouping: Grouping): VectorValue {
  const size = grouping.labels.length * steps;
  const out: VectorValue = { kind: 'vector', steps, labels: grouping.labels, dropped: grouping.dropped, values: new Float64Array(size), present: new Uint8Array(size), isDistinct: false };
  for (const [cell, row] of rowOfCell.entries()) {
    if (present[cell] === 0) continue;
    const at = (grouping.groupOf[row] ?? 0) * steps + (cell % steps);
    out.values[at] = (out.values[at] ?? 0) + 1;
    out.present[at] = 1;
  }
  return out;
}

/** Orders label sets as Prometheus orders series. */
export const compareLabels = (a: Labels, b: Labels): number => {
  const [first, second] = [labelsKey(a), labelsKey(b)];
  return first < second ? -1 : first > second ? 1 : 0;
};
