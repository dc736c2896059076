import { seededUniform, shuffle } from './random.ts';
import type { Uniform } from './random.ts';

/** A place in a series from where on the values differ from those before. */
export interface ChangePoint {
  /** Index of the first value after the change. */
  readonly at: number;
  /** Of the permutation test, from 1/(permutations + 1) up. */
  readonly p: number;
}

export interface ChangePointOptions {
  /** Changes with a larger p are none. Default 0.01. */
  readonly significance?: number;
  /** Orders drawn for each test. Default 999; at most 9,999. */
  readonly permutations?: number;
  /** The same seed finds the same changes. Default 1. */
  readonly seed?: number;
  /** Fewest values on either side of a change, at least 2. Default 3. */
  readonly leastSide?: number;
}

/** Longer series are refused: distances take memory and time by the square of it. */
export const seriesMax = 2_000;
const permutationsMax = 9_999;

/**
 * E-Divisive (Matteson and James, "A nonparametric approach for multiple change point analysis of multivariate data",
 * 2014, arxiv.org/abs/1306.4933): splits the series where the energy distance between both sides is largest, tests that
 * by shuffling within the segment as the paper does, and goes on within both sides until none is significant.
 * @returns the changes in order of time
 * @throws RangeError for more than 2,000 values
 */
export function findChangePoints(series: readonly number[], options: ChangePointOptions = {}): ChangePoint[] {
  if (series.length > seriesMax) throw new RangeError(`a series of ${series.length} values is longer than ${seriesMax}`);
  const { significance = 0.01, seed = 1 } = options;
  const leastSide = Math.max(2, options.leastSide ?? 3);
  const permutations = Math.min(permutationsMax, options.permutations ?? 999);
  const uniform = seededUniform(seed);
  const found: ChangePoint[] = [];
  const open: [from: number, to: number][] = [[0, series.length]];
  for (let segment = open.pop(); segment !== undefined; segment = open.pop()) {
    const [from, to] = segment;
    const values = Float64Array.from(series.slice(from, to));
    const split = bestSplit(values, leastSide);
    if (split === undefined || split.energy <= 0) continue;
    const p = permutationP(values, split.energy, { leastSide, permutations, uniform });
    if (p > significance) continue;
    const at = from + split.at;
    found.push({ at, p });
    open.push([from, at], [at, to]);
  }
  return found.toSorted((a, b) => a.at - b.at);
}

interface Split {
  readonly at: number;
  readonly energy: number;
}

/**
 * The split with the largest scaled energy distance, mn/(m+n) · (2·mean distance across − mean within each side), in
 * O(n²): moving the border by one value changes the three sums by that value's distances only.
 */
function bestSplit(values: Float64Array, leastSide: number): Split | undefined {
  const size = values.length;
  let [left, across, right] = [0, 0, 0];
  for (let i = 0; i < size; i++) for (let j = i + 1; j < size; j++) right += distance(values, i, j);
  let best: Split | undefined;
  for (let at = 1; at <= size - leastSide; at++) {
    let [toLeft, toRight] = [0, 0];
    for (let i = 0; i < size; i++) {
      if (i < at - 1) toLeft += distance(values, i, at - 1);
      else toRight += distance(values, i, at - 1);
    }
    left += toLeft;
    right -= toRight;
    across += toRight - toLeft;
    const [m, n] = [at, size - at];
    if (m < leastSide) continue;
    const energy = ((m * n) / (m + n)) * ((2 * across) / (m * n) - (2 * left) / (m * (m - 1)) - (2 * right) / (n * (n - 1)));
    if (best === undefined || energy > best.energy) best = { at, energy };
  }
  return best;
}

const distance = (values: Float64Array, i: number, j: number): number => Math.abs((values[i] ?? 0) - (values[j] ?? 0));

/** The share of random orders, with the one found among them, whose best split is at least as large. */
function permutationP(values: Float64Array, energy: number, options: { leastSide: number; permutations: number; uniform: Uniform }): number {
  const order = Float64Array.from(values);
  let asLarge = 1;
  for (let round = 0; round < options.permutations; round++) {
    shuffle(order, options.uniform);
    const split = bestSplit(order, options.leastSide);
    // Sums in another order differ in their last bits.
    if (split !== undefined && split.energy >= energy * (1 - 1e-9)) asLarge++;
  }
  return asLarge / (options.permutations + 1);
}
