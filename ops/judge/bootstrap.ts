import { normalCdf, normalQuantile } from './normal.ts';
import { seededUniform } from './random.ts';
import type { Uniform } from './random.ts';
import { ascending, quantileOf } from './sort.ts';

/** A figure of a sample with its bootstrap interval. */
export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions {
  /** Two-sided. Default 0.95. */
  readonly confidence?: number;
  /** Default 2,000; at most 100,000. */
  readonly resamples?: number;
  /** The same seed gives the same interval. Default 1. */
  readonly seed?: number;
}

const resamplesMax = 100_000;

/**
 * Bias-corrected and accelerated bootstrap interval (BCa; Efron, "Better bootstrap confidence intervals", 1987) of any
 * figure of a sample. Of equal values the interval is that value; NaN of an empty sample. Time goes by resamples times size,
 * and by the square of the size.
 */
export function bootstrap(values: readonly number[], figure: (sample: readonly number[]) => number, options: BootstrapOptions = {}): Interval {
  const { confidence = 0.95, seed = 1 } = options;
  const estimate = figure(values);
  // No resample of equal values differs from them.
  if (values.every((value) => value === values[0])) return { estimate, low: estimate, high: estimate };
  const uniform = seededUniform(seed);
  const resamples = Math.min(resamplesMax, options.resamples ?? 2_000);
  const drawn = ascending(Array.from({ length: resamples }, () => figure(resample(values, uniform))));
  const below = drawn.filter((each) => each < estimate).length + drawn.filter((each) => each === estimate).length / 2;
  const bias = normalQuantile(Math.min(1 - 0.5 / resamples, Math.max(0.5 / resamples, below / resamples)));
  const acceleration = accelerationOf(values, figure);
  const endAt = (share: number): number => {
    const z = bias + normalQuantile(share);
    return quantileOf(drawn, normalCdf(bias + z / (1 - acceleration * z)));
  };
  return { estimate, low: endAt((1 - confidence) / 2), high: endAt((1 + confidence) / 2) };
}

/** The interval of a percentile. @param ratio in [0, 1], such as 0.95 */
export function bootstrapPercentile(values: readonly number[], ratio: number, options: BootstrapOptions = {}): Interval {
  return bootstrap(values, (sample) => quantileOf(ascending(sample), ratio), options);
}

function resample(values: readonly number[], uniform: Uniform): number[] {
  return values.map(() => values[Math.floor(uniform() * values.length)] ?? Number.NaN);
}

/** How fast the figure's spread changes with the figure, by leaving each value out in turn (jackknife). */
function accelerationOf(values: readonly number[], figure: (sample: readonly number[]) => number): number {
  const without = values.map((_, left) => figure(values.toSpliced(left, 1)));
  const middle = without.reduce((sum, each) => sum + each, 0) / without.length;
  let [squares, cubes] = [0, 0];
  for (const each of without) {
    squares += (middle - each) ** 2;
    cubes += (middle - each) ** 3;
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}
