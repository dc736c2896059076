/** Functions that fold the samples of a window into one number. */
import { Mean, Sum } from './summation.ts';
import { quantileOf } from './quantile.ts';
import type { Window, WindowFunction } from './windows.ts';

/** A function that has a result for every window that has a sample. */
const always = (compute: (window: Window) => number): WindowFunction => ({
  apply: (window) => {
    window.result = compute(window);
    return true;
  },
});

const valueAt = ({ values }: Window, index: number): number => values[index] ?? 0;
const seconds = ({ timestampsMs }: Window, index: number): number => (timestampsMs[index] ?? 0) / 1_000;

export const countOverTime = always(({ from, to }) => to - from);
export const presentOverTime = always(() => 1);
export const lastOverTime = always((window) => valueAt(window, window.to - 1));
export const firstOverTime = always((window) => valueAt(window, window.from));
export const timeOfLast = always((window) => seconds(window, window.to - 1));
export const timeOfFirst = always((window) => seconds(window, window.from));

/** The compensated sum (summation.ts) of a window; whether it left the range of numbers on the way. */
function sumWindow({ from, to, values }: Window): { total: number; compensation: number; isOverflown: boolean } {
  let total = values[from] ?? 0;
  let compensation = 0;
  let isOverflown = false;
  for (let index = from + 1; index < to; index += 1) {
    const value = values[index] ?? 0;
    const next = total + value;
    if (next === Infinity || next === -Infinity) {
      compensation = 0;
      isOverflown = true;
    } else if (Math.abs(total) >= Math.abs(value)) compensation += total - next + value;
    else compensation += value - next + total;
    total = next;
  }
  return { total, compensation, isOverflown };
}

export const sumOverTime = always((window) => {
  const { total, compensation } = sumWindow(window);
  return total + compensation;
});

const mean = new Mean();
export const averageOverTime = always((window) => {
  const { from, to, values } = window;
  const { total, compensation, isOverflown } = sumWindow(window);
  if (!isOverflown) return total / (to - from) + compensation / (to - from);
  mean.reset();
  for (let index = from; index < to; index += 1) mean.add(values[index] ?? 0);
  return mean.mean;
});

/** The index of the largest value, or of the smallest with `sign` -1; NaN gives way to any number, and of equals the last counts. */
function extremeIndex({ from, to, values }: Window, sign: 1 | -1): number {
  let best = from;
  let bestValue = sign * (values[from] ?? 0);
  for (let index = from + 1; index < to; index += 1) {
    const value = sign * (values[index] ?? 0);
    if (value >= bestValue || Number.isNaN(bestValue)) {
      best = index;
      bestValue = value;
    }
  }
  return best;
}

export const maxOverTime = always((window) => valueAt(window, extremeIndex(window, 1)));
export const minOverTime = always((window) => valueAt(window, extremeIndex(window, -1)));
export const timeOfMax = always((window) => seconds(window, extremeIndex(window, 1)));
export const timeOfMin = always((window) => seconds(window, extremeIndex(window, -1)));

const deviationMean = new Sum();
const deviationSquares = new Sum();
/** The population variance, by Welford's method. */
function varianceOf({ from, to, values }: Window): number {
  deviationMean.reset();
  deviationSquares.reset();
  for (let index = from; index < to; index += 1) {
    const value = values[index] ?? 0;
    const delta = value - deviationMean.total;
    deviationMean.add(delta / (index - from + 1));
    deviationSquares.add(delta * (value - deviationMean.total));
  }
  return deviationSquares.total / (to - from);
}

export const varianceOverTime = always(varianceOf);
export const deviationOverTime = always((window) => Math.sqrt(varianceOf(window)));

/** How often the value is below the one before. */
export const resets = always(({ from, to, values }) => {
  let count = 0;
  for (let index = from + 1; index < to; index += 1) if ((values[index] ?? 0) < (values[index - 1] ?? 0)) count += 1;
  return count;
});

/** How often the value differs from the one before; NaN does not differ from NaN. */
export const changes = always(({ from, to, values }) => {
  let count = 0;
  for (let index = from + 1; index < to; index += 1) {
    const before = values[index - 1] ?? 0;
    const value = values[index] ?? 0;
    if (value !== before && !(Number.isNaN(value) && Number.isNaN(before))) count += 1;
  }
  return count;
});

/** `quantile_over_time` with one quantile for each step. */
export const quantileOverTime = (quantiles: Float64Array): WindowFunction => always(({ from, to, values, step }) => quantileOf(quantiles[step] ?? Number.NaN, values.slice(from, to)));

/** The median distance from the median. */
export const medianDeviationOverTime = always(({ from, to, values }) => {
  const samples = values.slice(from, to);
  const median = quantileOf(0.5, samples);
  return quantileOf(0.5, samples.map((value) => Math.abs(value - median)));
});
