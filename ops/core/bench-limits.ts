import { formatFigure } from './bench-figure.ts';
import type { BenchLimit, BenchRow } from './bench-row.ts';

/** How a row stands to its limit; `free` has none. */
export type BenchStanding = 'met' | 'missed' | 'unmeasured' | 'free';

/** Judges the median, which one bad round does not move. A figure that is none has missed. */
export function standingOf(row: BenchRow): BenchStanding {
  if (row.must === undefined) return 'free';
  if ('unmeasured' in row) return 'unmeasured';
  const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY, below = Number.POSITIVE_INFINITY } = row.must;
  const isMet = row.median >= atLeast && row.median <= atMost && (row.median < below || below === Number.POSITIVE_INFINITY);
  return isMet ? 'met' : 'missed';
}

/** `at most 1.50`, `1,615 to 1,785`. */
export function describeLimit({ atLeast, atMost, below }: BenchLimit): string {
  if (atLeast !== undefined && atMost !== undefined) return `${formatFigure(atLeast)} to ${formatFigure(atMost)}`;
  const bounds: readonly (readonly [string, number | undefined])[] = [['at least', atLeast], ['at most', atMost], ['below', below]];
  return bounds.flatMap(([words, bound]) => (bound === undefined ? [] : [`${words} ${formatFigure(bound)}`])).join(', ');
}

/** One line for a row that missed its limit or was not measured; undefined for all others. */
export function complaintOf(row: BenchRow): string | undefined {
  const what = `${row.group}, ${row.name}`;
  if ('unmeasured' in row) return row.must === undefined ? undefined : `not judged: ${what} must be ${describeLimit(row.must)} (${row.unit}): ${row.unmeasured}`;
  if (row.must === undefined || standingOf(row) !== 'missed') return undefined;
  return `missed: ${what} is ${formatFigure(row.median)} and must be ${describeLimit(row.must)} (${row.unit})`;
}
