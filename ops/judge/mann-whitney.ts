import { normalTail } from './normal.ts';
import { rank, tieTerm } from './ranks.ts';

/** What the test found of whether `experiment` tends to be above `control`. */
export interface MannWhitney {
  /** U of the experiment: pairs in which its value is the larger, ties as half. */
  readonly u: number;
  /** Two-sided. 1 where either side is empty or all values are equal. */
  readonly p: number;
  /** Of the normal approximation with corrections for ties and continuity; positive where the experiment is above. */
  readonly z: number;
  readonly method: 'exact' | 'normal';
}

/** Above this size of either side the normal approximation is taken: R's `wilcox.test` has the same limit of 50. */
export const exactMax = 49;

/**
 * The Mann-Whitney U test (Mann and Whitney, "On a test of whether one of two random variables is stochastically
 * larger than the other", 1947). Exact where both sides are below 50 and no two values are equal, else the normal
 * approximation with tie and continuity correction, as R's `wilcox.test`. Values must be finite.
 */
export function mannWhitney(control: readonly number[], experiment: readonly number[]): MannWhitney {
  const m = experiment.length;
  const n = control.length;
  const { ranks, ties } = rank([...experiment, ...control]);
  const u = ranks.subarray(0, m).reduce((sum, each) => sum + each, 0) - (m * (m + 1)) / 2;
  const z = zOf(u, m, n, tieTerm(ties));
  if (m === 0 || n === 0) return { u, p: 1, z: 0, method: 'normal' };
  if (ties.length === 0 && m <= exactMax && n <= exactMax) return { u, p: exactP(u, m, n), z, method: 'exact' };
  return { u, p: Math.min(1, 2 * normalTail(Math.abs(z))), z, method: 'normal' };
}

/**
 * U in standard deviations from its mean, half a pair nearer to it (continuity). 0 where all values are equal.
 * @param ties sum of t³ − t over groups of equal values
 */
export function zOf(u: number, m: number, n: number, ties: number): number {
  const all = m + n;
  const variance = ((m * n) / 12) * (all + 1 - (all > 1 ? ties / (all * (all - 1)) : 0));
  const off = u - (m * n) / 2;
  return variance <= 0 ? 0 : (off - Math.sign(off) * 0.5) / Math.sqrt(variance);
}

/** Twice the probability of a U as far out as this one, counted over all orders of the values. */
function exactP(u: number, m: number, n: number): number {
  const probabilities = uDistribution(m, n);
  const outer = Math.min(u, m * n - u);
  let tail = 0;
  for (let each = 0; each <= outer; each++) tail += probabilities[each] ?? 0;
  return Math.min(1, 2 * tail);
}

/**
 * P(U = u) of every u from 0 to m·n without ties. The largest value belongs to either side, which gives the recurrence
 * of Mann and Whitney: p(u; m, n) = m/(m+n) · p(u − n; m − 1, n) + n/(m+n) · p(u; m, n − 1).
 */
export function uDistribution(m: number, n: number): Float64Array {
  let rows: Float64Array[] = Array.from({ length: n + 1 }, () => Float64Array.of(1));
  for (let a = 1; a <= m; a++) {
    const next: Float64Array[] = [Float64Array.of(1)];
    for (let b = 1; b <= n; b++) {
      const row = new Float64Array(a * b + 1);
      const above = rows[b];
      const left = next[b - 1];
      for (let u = 0; u <= a * b; u++) row[u] = (a * (above?.[u - b] ?? 0) + b * (left?.[u] ?? 0)) / (a + b);
      next.push(row);
    }
    rows = next;
  }
  return rows[n] ?? Float64Array.of(1);
}
