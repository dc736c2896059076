import { runBench } from '../../core/bench-cli.ts';
import type { MeasuredRow } from '../../core/bench-row.ts';
import type { Host } from '../../core/host.ts';
import { createNodeHost } from '../../core/node-host.ts';
import { spreadOf } from '../../core/statistics.ts';
import { compileMatcher, labelValue } from '../matchers.ts';
import type { Labels, Matcher, SampleSource, SeriesSamples } from '../series.ts';
import { parsePromql } from './parse.ts';
import { queryInstant, queryRange } from './query.ts';

const hourMs = 3_600_000;
const scrapeMs = 5_000;
const bounds = [...Array.from({ length: 19 }, (_, index) => String(0.005 * 1.5 ** index)), '+Inf'];

/** Counters scraped every 5 s for 65 min: histograms of 20 buckets, by instance and route. */
export function histogramSeries(seriesCount: number): SeriesSamples[] {
  const length = (hourMs + 300_000) / scrapeMs + 1;
  const timestampsMs = Float64Array.from({ length }, (_, index) => index * scrapeMs);
  return Array.from({ length: seriesCount }, (_, index) => {
    const bucket = index % bounds.length;
    const labels = { __name__: 'request_duration_seconds_bucket', instance: `i${Math.floor(index / bounds.length) % 10}`, route: `/r${Math.floor(index / bounds.length / 10)}`, le: bounds[bucket] ?? '+Inf' };
    // Each instance starts anew once, at a time of its own.
    const restart = 100 + ((index * 37) % (length - 200));
    const values = Float64Array.from({ length }, (_, at) => (at < restart ? at : at - restart) * (bucket + 1) * (1 + (index % 7)));
    return { labels, timestampsMs, values };
  });
}

/** The part of the metric store that queries see, without its compression: series by name, and spans as views. */
export class ViewSource implements SampleSource {
  readonly #series = new Map<string, SeriesSamples[]>();

  constructor(series: readonly SeriesSamples[]) {
    for (const each of series) {
      const name = labelValue(each.labels, '__name__');
      this.#series.set(name, [...(this.#series.get(name) ?? []), each]);
    }
  }

  select(matchers: readonly Matcher[], { fromMs, toMs }: { fromMs: number; toMs: number }): Promise<readonly SeriesSamples[]> {
    const name = matchers.find((matcher) => matcher.name === '__name__')?.value ?? '';
    const others = matchers.filter((matcher) => matcher.name !== '__name__').map((matcher) => ({ name: matcher.name, isMet: compileMatcher(matcher) }));
    const found = (this.#series.get(name) ?? []).filter(({ labels }) => others.every((other) => other.isMet(labelValue(labels, other.name))));
    return Promise.resolve(found.map(({ labels, timestampsMs, values }) => {
      const from = Math.max(0, Math.ceil(fromMs / scrapeMs));
      const to = Math.floor(toMs / scrapeMs) + 1;
      return { labels, timestampsMs: timestampsMs.subarray(from, to), values: values.subarray(from, to) };
    }));
  }

  series = (): Promise<readonly Labels[]> => Promise.resolve([]);
  labelNames = (): Promise<readonly string[]> => Promise.resolve([]);
  labelValues = (): Promise<readonly string[]> => Promise.resolve([]);
  metadata = (): Promise<readonly []> => Promise.resolve([]);
}

const quantileQuery = 'histogram_quantile(0.99, sum by (le) (rate(request_duration_seconds_bucket[5m])))';

async function timeQuery(host: Host, name: string, runs: number, run: () => Promise<unknown>, must?: MeasuredRow['must']): Promise<MeasuredRow> {
  const timesMs: number[] = [];
  // Three first runs warm up what is compiled and cached for good.
  for (let index = -3; index < runs; index += 1) {
    const startMs = host.clock.monotonicMs();
    await run();
    if (index >= 0) timesMs.push(host.clock.monotonicMs() - startMs);
  }
  const { median, low, high } = spreadOf(timesMs);
  return { group: 'promql', name, unit: 'ms/query', median, low, high, ...(must === undefined ? {} : { must }) };
}

/** What the queries cost that dashboards and rules ask most. */
export async function benchQueries(host: Host, runs = 50): Promise<MeasuredRow[]> {
  const source = new ViewSource(histogramSeries(1_000));
  const range = { startMs: 300_000, endMs: 300_000 + hourMs - 12_000, stepMs: 12_000 };
  const parsed = parsePromql(quantileQuery);
  const large = new ViewSource(histogramSeries(50_000).map(({ labels, timestampsMs, values }) => ({ labels, timestampsMs: timestampsMs.subarray(0, 61), values: values.subarray(0, 61) })));
  const rule = parsePromql('sum by (route) (rate(request_duration_seconds_bucket{le="+Inf"}[2m])) > 0');
  return [
    await timeQuery(host, 'histogram_quantile of sum by (le) of rate, 1,000 series, 1 h at 300 points', runs, () => queryRange(source, parsed, range), { below: 50 }),
    await timeQuery(host, 'rate of 1,000 series, 1 h at 300 points', runs, () => queryRange(source, 'rate(request_duration_seconds_bucket[5m])', range)),
    await timeQuery(host, 'max_over_time of 1,000 series, 1 h at 300 points', runs, () => queryRange(source, 'max_over_time(request_duration_seconds_bucket[5m])', range)),
    await timeQuery(host, 'a ratio of 1,000 series, 1 h at 300 points', runs, () => queryRange(source, 'request_duration_seconds_bucket / on (instance, route, le) request_duration_seconds_bucket', range)),
    await timeQuery(host, 'a rule over 2,500 of 50,000 series', runs, () => queryInstant(large, rule, 300_000)),
    await timeQuery(host, 'sum by (le) of rate over 50,000 series', runs, () => queryInstant(large, 'sum by (le) (rate(request_duration_seconds_bucket[2m]))', 300_000)),
  ];
}

if (import.meta.main) {
  await runBench(createNodeHost(), (host, { quick }) => benchQueries(host, quick ? 5 : 50));
}
