import { quote } from '../promql/literals.ts';
import type { Labels, SeriesSamples } from '../series.ts';

/**
 * Writes samples in OpenMetrics with their times, each metric as of unknown type, so that nothing is said of its name.
 * Series of one metric stand together, as the format wants it. Markers of staleness are left out: it has none.
 */
export function renderOpenMetrics(series: readonly SeriesSamples[]): string {
  const byName = Map.groupBy(series, ({ labels }) => labels['__name__'] ?? '');
  const families = [...byName].map(([name, members]) => `# TYPE ${name} unknown\n${members.map(renderSeries).join('')}`);
  return `${families.join('')}# EOF\n`;
}

function renderSeries({ labels, timestampsMs, values, stale }: SeriesSamples): string {
  const metric = renderMetric(labels);
  let text = '';
  for (const [index, value] of values.entries()) {
    if (stale?.[index] !== 1) text += `${metric} ${renderValue(value)} ${((timestampsMs[index] ?? 0) / 1_000).toFixed(3)}\n`;
  }
  return text;
}

function renderMetric({ __name__: name = '', ...labels }: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${quote(value)}`);
  return `${name}{${pairs.join(',')}}`;
}

function renderValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
}
