/** `deriv`, `predict_linear` and `double_exponential_smoothing`, after promql/functions.go. */
import { executionError } from './context.ts';
import { Sum } from './summation.ts';
import type { Window, WindowFunction } from './windows.ts';

const sums = { x: new Sum(), y: new Sum(), xy: new Sum(), xx: new Sum() };

/** The line of least squares through the samples of a window; its intercept is the value at `interceptMs`. */
function regress({ from, to, values, timestampsMs }: Window, interceptMs: number): { slope: number; intercept: number } {
  const first = values[from] ?? 0;
  let isConstant = true;
  for (const sum of Object.values(sums)) sum.reset();
  for (let index = from; index < to; index += 1) {
    const x = ((timestampsMs[index] ?? 0) - interceptMs) / 1_000;
    const y = values[index] ?? 0;
    if (y !== first && index > from) isConstant = false;
    sums.x.add(x);
    sums.y.add(y);
    sums.xy.add(x * y);
    sums.xx.add(x * x);
  }
  if (isConstant) return Number.isFinite(first) || Number.isNaN(first) ? { slope: 0, intercept: first } : { slope: Number.NaN, intercept: Number.NaN };
  const count = to - from;
  const sumX = sums.x.total;
  const sumY = sums.y.total;
  const covariance = sums.xy.total - (sumX * sumY) / count;
  const variance = sums.xx.total - (sumX * sumX) / count;
  const slope = covariance / variance;
  return { slope, intercept: sumY / count - (slope * sumX) / count };
}

/** The slope per second. */
export const derivative: WindowFunction = {
  apply: (window) => {
    if (window.to - window.from < 2) return false;
    // From the first sample on, so that numbers stay small.
    window.result = regress(window, window.timestampsMs[window.from] ?? 0).slope;
    return true;
  },
};

/** The value of the line so many seconds after the time of evaluation. */
export const predictLinear = (aheadS: Float64Array): WindowFunction => ({
  apply: (window) => {
    if (window.to - window.from < 2) return false;
    const { slope, intercept } = regress(window, window.evalMs);
    window.result = slope * (aheadS[window.step] ?? 0) + intercept;
    return true;
  },
});

/** Holt's linear smoothing with factors between 0 and 1. */
export const doubleExponentialSmoothing = (smoothing: Float64Array, trend: Float64Array): WindowFunction => ({
  apply: (window) => {
    const { from, to, values, step } = window;
    const level = smoothing[step] ?? Number.NaN;
    const slope = trend[step] ?? Number.NaN;
    if (!(level > 0 && level < 1)) throw executionError(`invalid smoothing factor. Expected: 0 < sf < 1, got: ${level.toFixed(6)}`);
    if (!(slope > 0 && slope < 1)) throw executionError(`invalid trend factor. Expected: 0 < tf < 1, got: ${slope.toFixed(6)}`);
    if (to - from < 2) return false;
    let before = 0;
    let smoothed = values[from] ?? 0;
    let drift = (values[from + 1] ?? 0) - smoothed;
    for (let index = from + 1; index < to; index += 1) {
      if (index > from + 1) drift = slope * (smoothed - before) + (1 - slope) * drift;
      const next = level * (values[index] ?? 0) + (1 - level) * (smoothed + drift);
      before = smoothed;
      smoothed = next;
    }
    window.result = smoothed;
    return true;
  },
});
