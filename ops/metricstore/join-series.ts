/** Joins the samples of one series that two places have. */
import { labelsKey, normaliseLabels } from './raw-store/series-index.ts';
import type { Labels, SeriesSamples } from './series.ts';

/** Alike for label sets that are. */
export const keyOfLabels = (labels: Labels): string => labelsKey(normaliseLabels(labels));

/** Series of both: of each what `recent` has, and before its first sample there what `old` has. */
export function joinSeries(old: readonly SeriesSamples[], recent: readonly SeriesSamples[]): SeriesSamples[] {
  const byKey = new Map(old.map((series) => [keyOfLabels(series.labels), series]));
  for (const series of recent) {
    const key = keyOfLabels(series.labels);
    const before = byKey.get(key);
    byKey.set(key, before === undefined ? series : concat(before, series));
  }
  return [...byKey.values()];
}

function concat(old: SeriesSamples, recent: SeriesSamples): SeriesSamples {
  const beginMs = recent.timestampsMs[0] ?? Number.POSITIVE_INFINITY;
  const from = old.timestampsMs.findIndex((atMs) => atMs >= beginMs);
  const kept = from < 0 ? old.timestampsMs.length : from;
  const timestampsMs = new Float64Array(kept + recent.timestampsMs.length);
  const values = new Float64Array(timestampsMs.length);
  timestampsMs.set(old.timestampsMs.subarray(0, kept));
  timestampsMs.set(recent.timestampsMs, kept);
  values.set(old.values.subarray(0, kept));
  values.set(recent.values, kept);
  if (old.stale === undefined && recent.stale === undefined) return { labels: recent.labels, timestampsMs, values };
  const stale = new Uint8Array(timestampsMs.length);
  if (old.stale !== undefined) stale.set(old.stale.subarray(0, kept));
  if (recent.stale !== undefined) stale.set(recent.stale, kept);
  return { labels: recent.labels, timestampsMs, values, stale };
}
