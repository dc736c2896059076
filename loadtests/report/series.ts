import type { SeriesPoint } from '../swarm/measurement.ts';

/**
 * Widens the period of a series until it has at most `pointsMax` points: counts are added up,
 * percentiles keep the worst second, so that a spike is never smoothed away.
 */
export function joinPoints(series: readonly SeriesPoint[], pointsMax: number): SeriesPoint[] {
  const size = Math.ceil(series.length / pointsMax);
  if (size <= 1) return [...series];
  const joined: SeriesPoint[] = [];
  for (let at = 0; at < series.length; at += size) {
    const [first, ...rest] = series.slice(at, at + size);
    if (first !== undefined) joined.push(rest.reduce(joinTwo, first));
  }
  return joined;
}

/** A second's worth of a count at each point, whatever the period; the last point may be a part of one. */
export function ratesOf(points: readonly SeriesPoint[], pick: (point: SeriesPoint) => number): number[] {
  const usual = Math.max(1, (points[1]?.second ?? 1) - (points[0]?.second ?? 0));
  return points.map((point, index) => pick(point) / Math.max(1, (points[index + 1]?.second ?? point.second + usual) - point.second));
}

function joinTwo(one: SeriesPoint, other: SeriesPoint): SeriesPoint {
  return {
    second: one.second,
    phase: one.phase,
    users: Math.max(one.users, other.users),
    total: one.total + other.total,
    failed: one.failed + other.failed,
    refused: one.refused + other.refused,
    p50Ms: worse(one.p50Ms, other.p50Ms),
    p95Ms: worse(one.p95Ms, other.p95Ms),
    p99Ms: worse(one.p99Ms, other.p99Ms),
  };
}

function worse(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}
