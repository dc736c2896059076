import type { ThresholdResult } from '../thresholds.ts';

/** A result as a summary keeps it. */
type Judged = Pick<ThresholdResult, 'measured' | 'limit' | 'ok'> & { readonly operator: string };

/**
 * The missed first, the furthest beyond its limit foremost; then those that nothing was measured for; then
 * the met, the nearest to its limit foremost.
 */
export function worstFirst<Result extends Judged>(results: readonly Result[]): Result[] {
  return results.toSorted((a, b) => rankOf(a.ok) - rankOf(b.ok) || compareDown(strainOf(a), strainOf(b)));
}

const rankOf = (ok: boolean | null): number => (ok === false ? 0 : ok === null ? 1 : 2);
/** Two infinite strains are as bad as each other. */
const compareDown = (a: number, b: number): number => (a === b ? 0 : b - a);

/** How much of its limit a figure takes up: above 1 is beyond it. An equality is either met, 0, or missed without measure. */
export function strainOf({ measured, operator, limit, ok }: Judged): number {
  if (measured === null) return 0;
  if (operator.startsWith('<')) return ratioOf(measured, limit);
  if (operator.startsWith('>')) return ratioOf(limit, measured);
  return ok === false ? Number.POSITIVE_INFINITY : 0;
}

/** What a limit of 0 allows is none, so that any is infinitely much; none of it is at the limit. */
function ratioOf(taken: number, allowed: number): number {
  if (allowed > 0) return Math.max(0, taken) / allowed;
  if (taken === allowed) return 1;
  return taken > allowed ? Number.POSITIVE_INFINITY : 0;
}
