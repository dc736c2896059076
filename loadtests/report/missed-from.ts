import type { SeriesPoint } from '../swarm/measurement.ts';
import { ratioOf } from './hold.ts';
import { compare } from './thresholds.ts';
import type { Threshold } from './thresholds.ts';

/**
 * The first second of the hold that by itself missed the threshold. Undefined where no second did, and
 * where the series does not tell: it holds p50, p95, p99 and counts over all operations, once a second.
 */
export function missedFromS(threshold: Threshold, series: readonly SeriesPoint[]): number | undefined {
  if (Object.keys(threshold.tags).length > 0) return undefined;
  return series.find((point) => {
    if (point.phase !== 'hold') return false;
    const measured = measuredAt(point, threshold);
    return measured !== null && !compare(measured, threshold.operator, threshold.limit);
  })?.second;
}

/** What a second says of a threshold's figure; null where it says nothing. */
function measuredAt(point: SeriesPoint, { metric, aggregation, percentile }: Threshold): number | null {
  const isRate = aggregation === 'rate' && point.total > 0;
  switch (metric) {
    case 'response_time':
      return percentileAt(point, aggregation === 'med' ? 50 : percentile);
    case 'operation_failed':
      return isRate ? ratioOf(point.failed, point.total) : null;
    case 'operation_refused':
      return isRate ? ratioOf(point.refused, point.total) : null;
    default:
      return null;
  }
}

function percentileAt(point: SeriesPoint, percentile: number | undefined): number | null {
  if (percentile === 50) return point.p50Ms;
  if (percentile === 95) return point.p95Ms;
  return percentile === 99 ? point.p99Ms : null;
}
