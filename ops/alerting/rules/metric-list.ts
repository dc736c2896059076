/** `alerts/metrics.json`: the metrics that the stack's processes export, so that rules are checked without a stack. */
import { z } from 'zod';
import { invalidConfig } from '../../core/error.ts';
import type { Labels, MetricMetadata } from '../../metricstore/series.ts';

const schema = z.strictObject({
  schema: z.literal('sora.metrics/v1'),
  /** Names of labels over all series; null where the metric had none when the list was written, as a counter that never counted. */
  metrics: z.record(z.string(), z.strictObject({ type: z.string(), labels: z.array(z.string()).nullable() })),
});

export type MetricList = z.infer<typeof schema>;

/** Series that the control plane makes itself, whatever is scraped. */
export const builtInMetrics: ReadonlySet<string> = new Set([
  'up', 'scrape_duration_seconds', 'scrape_samples_scraped', 'scrape_samples_post_metric_relabeling', 'scrape_series_added',
  'ALERTS', 'ALERTS_FOR_STATE', 'sora_rule_group_last_evaluation_timestamp_seconds',
]);

/** @throws SoraError 104 for a file of another form */
export function parseMetricList(text: string, file: string): MetricList {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidConfig(`${file} is not JSON`, 'write it anew from a running stack: sora rules metrics', error);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalidConfig(`${file}: ${z.prettifyError(parsed.error)}`, 'write it anew from a running stack: sora rules metrics');
  return parsed.data;
}

/**
 * The list of what a stack exports. Names of histograms and summaries are those of their series.
 * @param before a list to which this is added: what was once exported and is missing now stays, as not every process
 *   is up at every time
 */
export function metricListOf(metadata: readonly MetricMetadata[], series: readonly Labels[], before?: MetricList): MetricList {
  const metrics = new Map(Object.entries(before?.metrics ?? {}));
  for (const { name, type } of metadata) {
    for (const each of seriesNames(name, type)) if (!metrics.has(each)) metrics.set(each, { type, labels: null });
  }
  for (const labels of series) {
    const { __name__: name = '', ...rest } = labels;
    if (builtInMetrics.has(name)) continue;
    const known = metrics.get(name) ?? { type: 'unknown', labels: null };
    metrics.set(name, { ...known, labels: [...new Set([...(known.labels ?? []), ...Object.keys(rest)])].sort() });
  }
  return { schema: 'sora.metrics/v1', metrics: Object.fromEntries([...metrics].sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** Names that the series of a metric have. */
export function seriesNames(name: string, type: MetricMetadata['type']): string[] {
  if (type === 'histogram' || type === 'gaugehistogram') return [`${name}_bucket`, `${name}_count`, `${name}_sum`];
  return type === 'summary' ? [name, `${name}_count`, `${name}_sum`] : [name];
}

/** As it is kept: a line a metric, so that a change reads well. */
export function renderMetricList({ metrics }: MetricList): string {
  const lines = Object.entries(metrics).map(([name, metric]) => `    ${JSON.stringify(name)}: ${JSON.stringify(metric)}`);
  return `{\n  "schema": "sora.metrics/v1",\n  "metrics": {\n${lines.join(',\n')}\n  }\n}\n`;
}
