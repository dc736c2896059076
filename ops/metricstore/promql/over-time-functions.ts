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

const sum = new Sum();
export const sumOverTime = always(({ from, to, values }) => {
  sum.reset();
  for (let index = from; index < to; index += 1) sum.add(values[index] ?? 0);
  return sum.total;
});

const mean = new Mean();
export const averageOverTime = always(({ from, to, values }) => {
  mean.reset();
  for (let index = from; index < to; index += 1) mean.add(values[index] ?? 0);
  return mean.mean;
});

/** The index of the extreme; NaN gives way to any number, and of equals the first counts, or the last. */
function extremeIndex({ from, to, values }: Window, isBetter: (candidate: number, best: number) => boolean): number {
  let best = from;
  for (let index = from + 1; index < to; index += 1) {
    const bestValue = values[best] ?? 0;
    if (isBetter(values[index] ?? 0, bestValue) || Number.isNaN(bestValue)) best = index;
  }
  return best;
}

export const maxOverTime = always((window) => valueAt(window, extremeIndex(window, (candidate, best) => candidate > best)));
export const minOverTime = always((window) => valueAt(window, extremeIndex(window, (candidate, best) => candidate < best)));
export const timeOfMax = always((window) => seconds(window, extremeIndex(window, (candidate, best) => candidate >= best)));
export const timeOfMin = always((window) => seconds(window, extremeIndex(window, (candidate, best) => candidate <= best)));

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
