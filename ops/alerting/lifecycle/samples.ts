/** `ALERTS` and `ALERTS_FOR_STATE`, which every active alert has at every evaluation. */
import type { AlertInstance } from '../alert.ts';
import type { Labels } from '../../metricstore/series.ts';
import type { LifecycleRule, RuleSample } from './state.ts';

/** 1 for each active alert, and the second since when it is active. */
export function samplesOf(rule: LifecycleRule, active: readonly AlertInstance[], nowMs: number): RuleSample[] {
  const atMs = nowMs - rule.queryOffsetMs;
  return active.flatMap((alert) => {
    const labels = { ...rule.labels, ...alert.labels, alertname: rule.name };
    return [
      { labels: { ...labels, __name__: 'ALERTS', alertstate: alert.state }, atMs, value: 1 },
      { labels: { ...labels, __name__: 'ALERTS_FOR_STATE' }, atMs, value: Math.floor(alert.activeAtMs / 1_000) },
    ];
  });
}

/** A marker for each series that was written before and is not now. */
export function markersOf({ queryOffsetMs }: Pick<LifecycleRule, 'queryOffsetMs'>, before: readonly Labels[], now: readonly RuleSample[], nowMs: number): RuleSample[] {
  const written = new Set(now.map(({ labels }) => seriesKey(labels)));
  return before
    .filter((labels) => !written.has(seriesKey(labels)))
    .map((labels) => ({ labels, atMs: nowMs - queryOffsetMs, value: Number.NaN, isStale: true }));
}

/** The same for equal label sets. */
export function seriesKey(labels: Labels): string {
  return JSON.stringify(Object.keys(labels).sort().map((name) => [name, labels[name]]));
}
