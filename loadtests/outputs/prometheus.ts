import snappy from 'snappyjs';
import type { Host } from '../../ops/core/host.ts';
import { Histogram } from '../swarm/histogram.ts';
import type { TargetPolicy } from '../swarm/guard.ts';
import { createReceiver } from './http-post.ts';
import type { Sink } from './outbox.ts';
import { encodeWriteRequest } from './remote-write.ts';
import type { SeriesSample } from './remote-write.ts';
import { endOf } from './second.ts';
import type { Second } from './second.ts';
import { AnnexTotals, tagQuantiles } from './annex-totals.ts';
import { boundsS, bucketCounts, sumS, Totals } from './totals.ts';

const quantiles = [0.5, 0.95, 0.99] as const;

type Labels = Readonly<Record<string, string>>;

/**
 * Sends each second as remote write 1.0: counters and a classic histogram since the start, quantiles of the
 * last second as gauges. Series that end get a stale marker.
 * @param labels go with every series, such as the run; none may be empty
 */
export function createRemoteWrite(host: Host, url: URL, policy: TargetPolicy, labels: Labels, version: string): Sink {
  const headers = {
    'content-encoding': 'snappy',
    'content-type': 'application/x-protobuf',
    'user-agent': `sora/${version}`,
    'x-prometheus-remote-write-version': '0.1.0',
  };
  // The specification: try again after 5xx, and after no 4xx but 429.
  const receiver = createReceiver({ host, url, headers, policy, mayRetry: (status) => status >= 500 || status === 429 });
  const totals = new Totals();
  const annex = new AnnexTotals();
  let open = new Map<string, SeriesSample>();
  const encode = (samples: readonly SeriesSample[], atMs: number): Buffer => {
    const now = new Map(samples.map((sample) => [JSON.stringify(sample.labels), sample]));
    const ended = [...open].filter(([key]) => !now.has(key)).map(([, sample]): SeriesSample => ({ ...sample, value: 'stale', atMs }));
    open = now;
    return snappy.compress(Buffer.from(encodeWriteRequest([...samples, ...ended])));
  };
  let lastMs = 0;
  return {
    encode: (second) => {
      totals.add(second);
      annex.add(second);
      lastMs = endOf(second);
      return encode([...totalSamples(totals, labels, lastMs), ...momentSamples(second, labels, lastMs), ...annexSamples(annex, second, labels, lastMs)], lastMs);
    },
    ending: () => (open.size === 0 ? undefined : encode([], lastMs + 1)),
    deliver: async (payload, signal) => {
      await receiver.post(payload, signal);
    },
    release: () => Promise.resolve(receiver.close()),
  };
}

/** What has added up since the start. */
function totalSamples(totals: Totals, labels: Labels, atMs: number): SeriesSample[] {
  return totals.all.flatMap((total) => {
    const at = (name: string, value: number, more: Labels = {}): SeriesSample => ({ labels: { __name__: name, ...labels, op: total.op, ...more }, value, atMs });
    const outcomes = (['ok', 'failed', 'refused'] as const).map((outcome) => at('sora_load_operations_total', total[outcome], { outcome }));
    let below = 0;
    const buckets = bucketCounts(total.response).map((count, index) => {
      below += count;
      return at('sora_load_response_time_seconds_bucket', below, { le: String(boundsS[index] ?? '+Inf') });
    });
    return [
      ...outcomes,
      ...buckets,
      at('sora_load_response_time_seconds_sum', sumS(total.response)),
      at('sora_load_response_time_seconds_count', total.response.count),
      at('sora_load_requests_total', total.requests - total.requestsFailed, { outcome: 'ok' }),
      at('sora_load_requests_total', total.requestsFailed, { outcome: 'failed' }),
      at('sora_load_bytes_total', total.bytesSent, { direction: 'sent' }),
      at('sora_load_bytes_total', total.bytesReceived, { direction: 'received' }),
    ];
  });
}

/** Tags, checks, late arrivals and names beyond their bounds. */
function annexSamples(annex: AnnexTotals, second: Second, labels: Labels, atMs: number): SeriesSample[] {
  return [
    ...annex.counters.map((point): SeriesSample => ({ labels: { __name__: `sora_load_${point.name}_total`, ...labels, ...point.labels }, value: point.value, atMs })),
    ...tagQuantiles(second).map((point): SeriesSample => ({ labels: { __name__: `sora_load_${point.name}_seconds`, ...labels, ...point.labels }, value: point.value, atMs })),
  ];
}

/** What was so in this second; what did not happen has no quantile. */
function momentSamples(second: Second, labels: Labels, atMs: number): SeriesSample[] {
  const lateness = Histogram.fromSparse(...second.operations.map((operation) => operation.lateness));
  const ofOperations = second.operations.filter(({ response }) => response.length > 0).flatMap(({ op, response }) => {
    const histogram = Histogram.fromSparse(response);
    return quantiles.map((quantile): SeriesSample => ({
      labels: { __name__: 'sora_load_response_time_quantile_seconds', ...labels, op, quantile: String(quantile) }, value: histogram.quantile(quantile) / 1e6, atMs,
    }));
  });
  return [
    { labels: { __name__: 'sora_load_users', ...labels }, value: second.users, atMs },
    ...(lateness.count === 0 ? [] : [{ labels: { __name__: 'sora_load_lateness_p99_seconds', ...labels }, value: lateness.quantile(0.99) / 1e6, atMs }]),
    ...ofOperations,
  ];
}
