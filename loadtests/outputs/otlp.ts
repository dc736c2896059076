import { z } from 'zod';
import type { Host } from '../../ops/core/host.ts';
import type { TargetPolicy } from '../swarm/guard.ts';
import { createReceiver } from './http-post.ts';
import type { Sink } from './outbox.ts';
import { endOf } from './second.ts';
import type { Second } from './second.ts';
import { AnnexTotals, tagQuantiles } from './annex-totals.ts';
import { boundsS, bucketCounts, sumS, Totals } from './totals.ts';
import type { OperationTotals } from './totals.ts';

const cumulative = 2;
/** Counts of the reply come as strings, as 64-bit numbers do in Protobuf's JSON. */
const replySchema = z.object({
  partialSuccess: z.object({ rejectedDataPoints: z.coerce.number().default(0), errorMessage: z.string().default('') }).optional(),
});
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * Sends each second as OTLP/HTTP metrics in JSON, after the specification of OTLP 1: lower camel case names,
 * enums as numbers, 64-bit numbers as strings. Sums and histograms are cumulative since the start.
 * @param url base of the receiver, to which `/v1/metrics` is added as for OTEL_EXPORTER_OTLP_ENDPOINT
 * @param labels attributes of the resource
 */
export function createOtlp(host: Host, url: URL, policy: TargetPolicy, labels: Readonly<Record<string, string>>, version: string): Sink {
  const where = new URL(url);
  where.pathname = `${where.pathname.replace(/\/+$/, '')}/v1/metrics`;
  const headers = { 'content-type': 'application/json', 'user-agent': `sora/${version}` };
  const receiver = createReceiver({ host, url: where, headers, policy, mayRetry: (status) => retryable.has(status) });
  const totals = new Totals();
  const annex = new AnnexTotals();
  const resource = { attributes: attributesOf({ 'service.name': 'sora-load', 'service.version': version, ...labels }) };
  return {
    encode: (second) => {
      totals.add(second);
      annex.add(second);
      const metrics = [...metricsOf(second, totals.all), ...annexMetrics(annex, second)];
      return Buffer.from(JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name: 'sora.load', version }, metrics }] }] }));
    },
    deliver: async (payload, signal) => requireAllTaken(await receiver.post(payload, signal)),
    release: () => Promise.resolve(receiver.close()),
  };
}

/** A receiver may take a part and say so with a status of 200. */
function requireAllTaken(reply: string): void {
  const { partialSuccess } = replySchema.catch({}).parse(reply === '' ? {} : parseJson(reply));
  if (partialSuccess !== undefined && partialSuccess.rejectedDataPoints > 0) {
    throw new Error(`${partialSuccess.rejectedDataPoints} data points were rejected: ${partialSuccess.errorMessage.slice(0, 200)}`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function metricsOf(second: Second, totals: readonly OperationTotals[]): object[] {
  const span = { startTimeUnixNano: nanos(second.startedAtMs), timeUnixNano: nanos(endOf(second)) };
  const point = (value: number, attributes: Readonly<Record<string, string>>): object => ({ ...span, attributes: attributesOf(attributes), asInt: String(value) });
  const sum = (name: string, unit: string, dataPoints: object[]): object => ({ name, unit, sum: { dataPoints, aggregationTemporality: cumulative, isMonotonic: true } });
  return [
    sum('sora.load.operations', '{operation}', totals.flatMap(({ op, ok, failed, refused }) => [
      point(ok, { op, outcome: 'ok' }), point(failed, { op, outcome: 'failed' }), point(refused, { op, outcome: 'refused' }),
    ])),
    sum('sora.load.requests', '{request}', totals.flatMap(({ op, requests, requestsFailed }) => [
      point(requests - requestsFailed, { op, outcome: 'ok' }), point(requestsFailed, { op, outcome: 'failed' }),
    ])),
    sum('sora.load.bytes', 'By', totals.flatMap(({ op, bytesSent, bytesReceived }) => [
      point(bytesSent, { op, direction: 'sent' }), point(bytesReceived, { op, direction: 'received' }),
    ])),
    {
      name: 'sora.load.response_time', unit: 's',
      histogram: { aggregationTemporality: cumulative, dataPoints: totals.map((total) => ({ ...span, ...histogramPoint(total) })) },
    },
    { name: 'sora.load.users', unit: '{user}', gauge: { dataPoints: [{ timeUnixNano: span.timeUnixNano, asInt: String(second.users) }] } },
  ];
}

/** Tags, checks, late arrivals and names beyond their bounds; each metric only where it has a point. */
function annexMetrics(annex: AnnexTotals, second: Second): object[] {
  const span = { startTimeUnixNano: nanos(second.startedAtMs), timeUnixNano: nanos(endOf(second)) };
  const sums = [...Map.groupBy(annex.counters, ({ name }) => name)].map(([name, points]) => ({
    name: `sora.load.${name}`, unit: points[0]?.unit ?? '1',
    sum: { dataPoints: points.map(({ labels, value }) => ({ ...span, attributes: attributesOf(labels), asInt: String(value) })), aggregationTemporality: cumulative, isMonotonic: true },
  }));
  const quantiles = tagQuantiles(second);
  if (quantiles.length === 0) return sums;
  const dataPoints = quantiles.map(({ labels, value }) => ({ timeUnixNano: span.timeUnixNano, attributes: attributesOf(labels), asDouble: value }));
  return [...sums, { name: 'sora.load.tagged_response_time_quantile', unit: 's', gauge: { dataPoints } }];
}

function histogramPoint({ op, response }: OperationTotals): object {
  return {
    attributes: attributesOf({ op }),
    count: String(response.count),
    sum: sumS(response),
    bucketCounts: bucketCounts(response).map(String),
    explicitBounds: boundsS,
    min: response.min() / 1e6,
    max: response.quantile(1) / 1e6,
  };
}

function attributesOf(values: Readonly<Record<string, string>>): object[] {
  return Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

function nanos(atMs: number): string {
  return (BigInt(Math.round(atMs)) * 1_000_000n).toString();
}
