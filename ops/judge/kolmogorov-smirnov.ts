import { ascending } from './sort.ts';

/** Whether two samples have the same distribution, whatever differs: middle, spread or shape. */
export interface KolmogorovSmirnov {
  /** The largest distance between the two empirical distributions, 0 to 1. */
  readonly distance: number;
  /** Two-sided. 1 where a sample is empty. */
  readonly p: number;
  readonly method: 'exact' | 'asymptotic';
}

/** Up to so many pairs the exact distribution is counted: SciPy's `ks_2samp` draws the line at samples of 10,000. */
const exactPairsMax = 10_000;

/**
 * The two-sample Kolmogorov-Smirnov test. Exact up to 10,000 pairs, by counting lattice paths (Hodges, "The significance
 * probability of the Smirnov two-sample test", 1958); above it asymptotic, with Kolmogorov's series and Stephens'
 * correction for size (1970). With ties both are conservative: the p is too large, never too small.
 */
export function kolmogorovSmirnov(control: readonly number[], experiment: readonly number[]): KolmogorovSmirnov {
  const [m, n] = [control.length, experiment.length];
  if (m === 0 || n === 0) return { distance: 0, p: 1, method: 'exact' };
  // In units of 1/(m·n), so that equal distances are equal whole numbers.
  const steps = largestGap(ascending(control), ascending(experiment));
  const distance = steps / (m * n);
  if (m * n <= exactPairsMax) return { distance, p: exactP(m, n, steps), method: 'exact' };
  const size = Math.sqrt((m * n) / (m + n));
  return { distance, p: kolmogorovTail((size + 0.12 + 0.11 / size) * distance), method: 'asymptotic' };
}

function largestGap(a: readonly number[], b: readonly number[]): number {
  const [m, n] = [a.length, b.length];
  let [i, j, most] = [0, 0, 0];
  while (i < m && j < n) {
    const value = Math.min(a[i] ?? Number.NaN, b[j] ?? Number.NaN);
    while (i < m && a[i] === value) i++;
    while (j < n && b[j] === value) j++;
    most = Math.max(most, Math.abs(i * n - j * m));
  }
  return most;
}

/** The share of orders in which the two distributions come at least so far apart: 1 minus that of paths that stay inside. */
function exactP(m: number, n: number, steps: number): number {
  if (steps === 0) return 1;
  // inside[j]: probability that a random order has i of one and j of the other at its (i+j)th value, and stayed inside.
  const inside = new Float64Array(n + 1);
  for (let i = 0; i <= m; i++) {
    for (let j = 0; j <= n; j++) {
      if (Math.abs(i * n - j * m) >= steps) inside[j] = 0;
      else if (i === 0 && j === 0) inside[j] = 1;
      else {
        // Of the paths to (i, j), which there are C(i+j, i) of, a share i/(i+j) comes from (i-1, j).
        const before = i === 0 ? 0 : (inside[j] ?? 0) * (i / (i + j));
        inside[j] = before + (j === 0 ? 0 : (inside[j - 1] ?? 0) * (j / (i + j)));
      }
    }
  }
  return Math.min(1, Math.max(0, 1 - (inside[n] ?? 0)));
}

/** P(K > x) of Kolmogorov's distribution: 2 Σ (−1)^(k−1) exp(−2k²x²), which converges at once for x above 0.2. */
export function kolmogorovTail(x: number): number {
  if (x < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k++) {
    const term = Math.exp(-2 * k * k * x * x);
    sum += k % 2 === 1 ? term : -term;
    if (term < 1e-18) break;
  }
  return Math.min(1, Math.max(0, 2 * sum));
}
