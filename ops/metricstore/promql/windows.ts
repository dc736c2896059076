/** Walks the windows of a range vector with moving indices. */
import type { Context } from './context.ts';
import { dropNames } from './context.ts';
import type { RangeInput, RangeRow } from './select.ts';
import type { Grid, VectorValue } from './values.ts';

/** One window: the samples at indices `from` up to, not including, `to` lie in (`startMs`, `endMs`]. There is at least one. */
export class Window {
  timestampsMs: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);
  from = 0;
  to = 0;
  startMs = 0;
  endMs = 0;
  /** The time of evaluation, which `offset` and `@` do not move. */
  evalMs = 0;
  /** The index of the step. */
  step = 0;
  /** Where a function leaves its result. */
  result = 0;
}

/** A function of a window. */
export interface WindowFunction {
  /** Called before the windows of each series, which then come in order of time. */
  readonly start?: (row: RangeRow) => void;
  /** Sets `window.result`; returns false where there is none. */
  readonly apply: (window: Window) => boolean;
}

/** Applies a function to every window of every series. */
export function overWindows(context: Context, input: RangeInput, grid: Grid, apply: WindowFunction, keepsName = false): VectorValue {
  const { count: steps } = grid;
  const values = new Float64Array(input.rows.length * steps);
  const present = new Uint8Array(input.rows.length * steps);
  const dropped = new Uint8Array(input.rows.length);
  const labels: RangeRow['labels'][] = [];
  const window = new Window();
  context.budget.spend(values.length);
  for (const row of input.rows) {
    if (!walkRow(row, input, grid, apply, window, labels.length * steps, values, present)) continue;
    dropped[labels.length] = row.isDropped ? 1 : 0;
    labels.push(row.labels);
  }
  const size = labels.length * steps;
  const vector: VectorValue = {
    kind: 'vector', steps, labels, dropped: dropped.subarray(0, labels.length), values: values.subarray(0, size), present: present.subarray(0, size), isDistinct: input.isDistinct,
  };
  return keepsName ? vector : dropNames(context, vector, true);
}

function walkRow(row: RangeRow, input: RangeInput, grid: Grid, { start, apply }: WindowFunction, window: Window, base: number, values: Float64Array, present: Uint8Array): boolean {
  const { timestampsMs } = row;
  const count = timestampsMs.length;
  start?.(row);
  window.timestampsMs = timestampsMs;
  window.values = row.values;
  let isFound = false;
  let from = 0;
  let to = 0;
  // Plain variables, not fields, in the loops that pass every sample.
  const { firstEndMs, stepMs, rangeMs } = input;
  for (let step = 0; step < grid.count; step += 1) {
    const endMs = firstEndMs + step * stepMs;
    const startMs = endMs - rangeMs;
    while (to < count && (timestampsMs[to] ?? 0) <= endMs) to += 1;
    while (from < to && (timestampsMs[from] ?? 0) <= startMs) from += 1;
    if (from === to) continue;
    window.from = from;
    window.to = to;
    window.startMs = startMs;
    window.endMs = endMs;
    window.evalMs = grid.startMs + step * grid.stepMs;
    window.step = step;
    if (!apply(window)) continue;
    values[base + step] = window.result;
    present[base + step] = 1;
    isFound = true;
  }
  return isFound;
}
