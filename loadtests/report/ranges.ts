import type { Histogram } from '../swarm/histogram.ts';
import type { Summary } from './summary-schema.ts';

/** Upper bounds of the ranges, ms; the last range has none. */
export const rangeBoundsMs: readonly number[] = [100, 250, 500, 1_000];

/** Response times in a few ranges, those of failed operations apart, at the precision of the histograms. */
export function rangesOf(all: Histogram, failed: Histogram): Summary['ranges'] {
  const allCounts = countWithin(all);
  const failedCounts = countWithin(failed);
  return [...rangeBoundsMs, null].map((toMs, index) => {
    const failedHere = failedCounts[index] ?? 0;
    return { toMs, ok: (allCounts[index] ?? 0) - failedHere, failed: failedHere };
  });
}

function countWithin(histogram: Histogram): number[] {
  const above = [histogram.count, ...rangeBoundsMs.map((toMs) => histogram.countAbove(toMs * 1_000)), 0];
  return above.slice(0, -1).map((count, index) => count - (above[index + 1] ?? 0));
}
