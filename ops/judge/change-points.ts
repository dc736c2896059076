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
 * 2014, arxiv.org/abs/1306.4933): splits the series where the energy distance between what is before and a part that
 * follows is largest, tests that by shuffling within the segment as the paper does, and goes on within both sides until
 * none is significant. Unlike the paper it tests each segment by itself, so one without a change does not end the search
 * in the others.
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
    const bestSplit = splitSearch(values.length, leastSide);
    const split = bestSplit(values);
    if (split.energy <= 0) continue;
    const p = permutationP(values, { bestSplit, energy: split.energy, permutations, significance, uniform });
    if (p > significance) continue;
    const at = from + split.at;
    found.push({ at, p });
    open.push([from, at], [at, to]);
  }
  return found.toSorted((a, b) => a.at - b.at);
}

interface Split {
  readonly at: number;
  /** 0 where no split has more. */
  readonly energy: number;
}

type SplitSearch = (values: Float64Array) => Split;

/**
 * The split with the largest scaled energy distance, mn/(m+n) · (2·mean distance across − mean within each side), of
 * the m values before it (to τ) and the n from it to any later end (κ), as in the paper and in `splitPoint` of R's `ecp`.
 * Searching the end too finds a change that comes and goes, which the rest of the series would dilute. Both parts hold
 * at least `leastSide`; what is after the end, any number. O(n²): the sum of distances within values[at, end) is that
 * within values[at + 1, end) and one row more, and what is across is the sum within both parts less those within each.
 * @returns a search in series of that size, which keeps its tables from one to the next
 */
function splitSearch(size: number, leastSide: number): SplitSearch {
  const heads = new Float64Array(size + 1);
  const within = new Float64Array(size + 1);
  // A multiplication takes a fraction of a division's time, in the innermost loop.
  const inverse = Float64Array.from({ length: size + 1 }, (_, count) => 1 / count);
  return (values) => {
    sumHeads(values, heads);
    within.fill(0);
    let best: Split = { at: 0, energy: 0 };
    for (let at = size - 1; at >= leastSide; at--) {
      addRow(values, at, within);
      const energy = bestEnergy({ at, leastSide, heads, within, inverse });
      if (energy > best.energy) best = { at, energy };
    }
    return best;
  };
}

/** Sets heads[end] to the sum of distances within values[0, end). */
function sumHeads(values: Float64Array, heads: Float64Array): void {
  let sum = 0;
  for (let last = 0; last < values.length; last++) {
    const value = values[last] ?? 0;
    for (let i = 0; i < last; i++) sum += Math.abs((values[i] ?? 0) - value);
    heads[last + 1] = sum;
  }
}

/** Takes within[end] from the sum of distances within values[at + 1, end) to that within values[at, end). */
function addRow(values: Float64Array, at: number, within: Float64Array): void {
  const value = values[at] ?? 0;
  let row = 0;
  for (let end = at + 2; end <= values.length; end++) {
    row += Math.abs((values[end - 1] ?? 0) - value);
    within[end] = (within[end] ?? 0) + row;
  }
}

interface SplitSums {
  readonly at: number;
  readonly leastSide: number;
  /** Sums of distances from the start to each end. */
  readonly heads: Float64Array;
  /** Sums of distances from `at` to each end. */
  readonly within: Float64Array;
  readonly inverse: Float64Array;
}

/** The largest energy of a split there, over all ends: 2/(m+n) · (across − left·n/(m−1) − right·m/(n−1)). */
function bestEnergy({ at, leastSide, heads, within, inverse }: SplitSums): number {
  const left = heads[at] ?? 0;
  const leftRatio = left / (at - 1);
  let best = 0;
  for (let end = at + leastSide; end < heads.length; end++) {
    const right = within[end] ?? 0;
    const across = (heads[end] ?? 0) - left - right;
    const energy = 2 * (inverse[end] ?? 0) * (across - leftRatio * (end - at) - right * at * (inverse[end - at - 1] ?? 0));
    if (energy > best) best = energy;
  }
  return best;
}

interface PermutationTest {
  readonly bestSplit: SplitSearch;
  readonly energy: number;
  readonly permutations: number;
  readonly significance: number;
  readonly uniform: Uniform;
}

/**
 * The share of random orders, with the one found among them, whose best split is at least as large. Ends once that share
 * cannot be significant any more, with what it is at least: the verdict is that of all orders, and a segment without a
 * change takes some 20 orders, not 999 (Besag and Clifford, "Sequential Monte Carlo p-values", 1991, stop likewise).
 */
function permutationP(values: Float64Array, { bestSplit, energy, permutations, significance, uniform }: PermutationTest): number {
  const order = Float64Array.from(values);
  let asLarge = 1;
  for (let round = 0; round < permutations && asLarge / (permutations + 1) <= significance; round++) {
    shuffle(order, uniform);
    // Sums in another order differ in their last bits.
    if (bestSplit(order).energy >= energy * (1 - 1e-9)) asLarge++;
  }
  return asLarge / (permutations + 1);
}
