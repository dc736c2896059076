import protobuf from 'protobufjs';
import snappy from 'snappyjs';
import { describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { localOnly } from '../swarm/guard.ts';
import { createReceiver } from './http-post.ts';
import { operationOf, secondOf, startReceiver, startedAtMs } from './fixture.ts';
import { createOtlp } from './otlp.ts';
import type { Sink } from './outbox.ts';
import { TryLater } from './outbox.ts';
import { createRemoteWrite } from './prometheus.ts';
import type { Second } from './second.ts';

/** The messages as the specification of remote write 1.0 prints them. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message WriteRequest { repeated TimeSeries timeseries = 1; }
  message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
  message Label { string name = 1; string value = 2; }
  message Sample { double value = 1; int64 timestamp = 2; }
`);

const host = createNodeHost();

interface DecodedSeries { readonly labels: { name: string; value: string }[]; readonly samples: { value: number; timestamp: string }[] }

function decode(body: Buffer): { text: string; names: string[]; value: number; timestamp: number }[] {
  const type = root.lookupType('WriteRequest');
  const message = type.toObject(type.decode(snappy.uncompress(body)), { longs: String }) as { timeseries: DecodedSeries[] };
  return message.timeseries.map(({ labels, samples }) => ({
    text: labels.map(({ name, value }) => `${name}=${value}`).join(' '), names: labels.map(({ name }) => name),
    value: samples[0]?.value ?? 0, timestamp: Number(samples[0]?.timestamp),
  }));
}

async function send(sink: Sink, ...seconds: readonly Second[]): Promise<void> {
  for (const second of seconds) await sink.deliver(sink.encode(second), new AbortController().signal);
}

const one = secondOf(0, operationOf('feed', [2_000, 2_000, 40_000], { failed: 1 }));
const two = secondOf(1, operationOf('feed', []));
const labels = { run: 'r1', scenario: 'hello' };

describe('remote write', () => {
  it('sends what the specification asks for, and counters that grow', async () => {
    await using receiver = await startReceiver((reply) => void reply.writeHead(204).end());
    const sink = createRemoteWrite(host, new URL('/api/v1/write', receiver.url), localOnly, labels, '1.2.3');
    await send(sink, one, secondOf(1, operationOf('feed', [500])));
    await sink.release();
    const [first, second] = receiver.received;
    expect(first?.path).toBe('/api/v1/write');
    expect(first?.headers).toMatchObject({
      'content-encoding': 'snappy', 'content-type': 'application/x-protobuf', 'user-agent': 'sora/1.2.3', 'x-prometheus-remote-write-version': '0.1.0',
    });
    const series = decode(first?.body ?? Buffer.alloc(0));
    for (const { names, timestamp } of series) {
      expect(names).toEqual([...new Set(names)].toSorted());
      expect(timestamp).toBe(startedAtMs + 1_000);
    }
    expect(new Set(series.map(({ text }) => text)).size).toBe(series.length);
    const find = (all: ReturnType<typeof decode>, text: string): number | undefined => all.find((entry) => entry.text === text)?.value;
    const bucket = (le: string): string => `__name__=sora_load_response_time_seconds_bucket le=${le} op=feed run=r1 scenario=hello`;
    expect([find(series, bucket('0.001')), find(series, bucket('0.0025')), find(series, bucket('0.05')), find(series, bucket('+Inf'))]).toEqual([0, 2, 3, 3]);
    expect(find(series, '__name__=sora_load_operations_total op=feed outcome=failed run=r1 scenario=hello')).toBe(1);
    expect(find(series, '__name__=sora_load_response_time_seconds_sum op=feed run=r1 scenario=hello')).toBeCloseTo(0.044, 4);
    expect(find(series, '__name__=sora_load_response_time_quantile_seconds op=feed quantile=0.5 run=r1 scenario=hello')).toBeCloseTo(0.002, 5);
    expect(find(series, '__name__=sora_load_users run=r1 scenario=hello')).toBe(40);
    expect(find(decode(second?.body ?? Buffer.alloc(0)), bucket('+Inf'))).toBe(4);
  });

  it('marks series that end as stale: a quantile that has no value, and everything at the end', async () => {
    await using receiver = await startReceiver();
    const sink = createRemoteWrite(host, new URL('/write', receiver.url), localOnly, labels, '1');
    await send(sink, one, two);
    await sink.deliver(sink.ending?.() ?? Buffer.alloc(0), new AbortController().signal);
    await sink.release();
    const stale = (body: Buffer | undefined): string[] => {
      // The marker's bytes, as a double would not keep them apart from another NaN.
      expect(snappy.uncompress(body ?? Buffer.alloc(0)).includes(Buffer.from('09020000000000f07f', 'hex'))).toBe(true);
      return decode(body ?? Buffer.alloc(0)).filter(({ value }) => Number.isNaN(value)).map(({ text }) => text);
    };
    const quiet = stale(receiver.received[1]?.body);
    expect(quiet).toHaveLength(4);
    expect(quiet.every((text) => /quantile_seconds|lateness/.test(text))).toBe(true);
    const last = decode(receiver.received[2]?.body ?? Buffer.alloc(0));
    expect(stale(receiver.received[2]?.body)).toHaveLength(last.length);
    expect(last.length).toBeGreaterThan(20);
    expect(last.every(({ timestamp }) => timestamp > startedAtMs + 2_000)).toBe(true);
  });

  it('tries again after 5xx and 429, waits as told, and gives up what the receiver calls wrong', async () => {
    const statuses = [500, 599, 429, 400];
    await using receiver = await startReceiver((reply, count) => void reply.writeHead(statuses[count - 1] ?? 200, { 'retry-after': '7' }).end('out of order sample'));
    const sink = createRemoteWrite(host, new URL('/write', receiver.url), localOnly, labels, '1');
    for (const status of [500, 599, 429]) {
      await expect(send(sink, one)).rejects.toMatchObject({ name: 'TryLater', afterMs: 7_000, message: `answered ${status} out of order sample` });
    }
    const refused: unknown = await send(sink, one).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Error);
    expect(refused).not.toBeInstanceOf(TryLater);
    await sink.release();
  });

  it('sends user and password as a header and not in the address', async () => {
    await using receiver = await startReceiver();
    const url = new URL('/write', receiver.url);
    url.username = 'anna';
    url.password = 'open sesame';
    const sink = createRemoteWrite(host, url, localOnly, labels, '1');
    await send(sink, one);
    await sink.release();
    expect(receiver.received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('anna:open sesame').toString('base64')}`);
  });
});

describe('OTLP', () => {
  it('sends metrics in the published JSON encoding', async () => {
    await using receiver = await startReceiver((reply) => void reply.end('{}'));
    const sink = createOtlp(host, receiver.url, localOnly, labels, '1.2.3');
    await send(sink, one);
    await sink.release();
    const [request] = receiver.received;
    expect([request?.path, request?.headers['content-type']]).toEqual(['/v1/metrics', 'application/json']);
    const { resourceMetrics } = JSON.parse(request?.body.toString() ?? '') as { resourceMetrics: { resource: object; scopeMetrics: { metrics: { name: string }[] }[] }[] };
    expect(resourceMetrics[0]?.resource).toEqual({ attributes: [
      { key: 'service.name', value: { stringValue: 'sora-load' } }, { key: 'service.version', value: { stringValue: '1.2.3' } },
      { key: 'run', value: { stringValue: 'r1' } }, { key: 'scenario', value: { stringValue: 'hello' } },
    ] });
    const metric = (name: string): unknown => resourceMetrics[0]?.scopeMetrics[0]?.metrics.find((each) => each.name === name);
    const op = { key: 'op', value: { stringValue: 'feed' } };
    const span = { startTimeUnixNano: `${startedAtMs}000000`, timeUnixNano: `${startedAtMs + 1_000}000000` };
    expect(metric('sora.load.operations')).toMatchObject({
      unit: '{operation}',
      sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [
        { ...span, attributes: [op, { key: 'outcome', value: { stringValue: 'ok' } }], asInt: '2' }, { asInt: '1' }, { asInt: '0' },
      ] },
    });
    expect(metric('sora.load.response_time')).toMatchObject({
      unit: 's',
      histogram: { aggregationTemporality: 2, dataPoints: [{
        ...span, attributes: [op], count: '3', bucketCounts: ['0', '2', '0', '0', '0', '1', '0', '0', '0', '0', '0', '0', '0', '0', '0'],
        explicitBounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30], min: 0.002,
      }] },
    });
    expect(metric('sora.load.users')).toEqual({ name: 'sora.load.users', unit: '{user}', gauge: { dataPoints: [{ timeUnixNano: span.timeUnixNano, asInt: '40' }] } });
  });

  it('counts as not taken what the receiver rejects with a status of 200, and does not repeat it', async () => {
    await using receiver = await startReceiver((reply) => void reply.end('{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"too old"}}'));
    const sink = createOtlp(host, receiver.url, localOnly, labels, '1');
    const error: unknown = await send(sink, one).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: '3 data points were rejected: too old' });
    expect(error).not.toBeInstanceOf(TryLater);
    await sink.release();
  });

  it('does not repeat after 500, which the specification does not list', async () => {
    await using receiver = await startReceiver((reply, count) => void reply.writeHead(count === 1 ? 500 : 503).end());
    const sink = createOtlp(host, receiver.url, localOnly, labels, '1');
    expect(await send(sink, one).catch((thrown: unknown) => thrown)).not.toBeInstanceOf(TryLater);
    expect(await send(sink, one).catch((thrown: unknown) => thrown)).toBeInstanceOf(TryLater);
    await sink.release();
  });

});

describe('the way to a receiver', () => {
  const post = async (url: URL, ...addresses: string[]): Promise<unknown> => {
    const receiver = createReceiver({ host, url, headers: {}, policy: localOnly, mayRetry: () => true, resolve: () => Promise.resolve(addresses) });
    try {
      return await receiver.post(Buffer.from('x'), new AbortController().signal).catch((error: unknown) => error);
    } finally {
      receiver.close();
    }
  };

  it('is refused at the moment of connecting when its name leads off this machine', async () => {
    const error = await post(new URL('http://metrics.test:4318'), '192.0.2.7');
    expect(error).toMatchObject({ message: 'metrics.test resolves to 192.0.2.7, which is not this machine' });
    expect(error).not.toBeInstanceOf(TryLater);
  });

  it('is open by a name that means this machine', async () => {
    await using receiver = await startReceiver((reply) => void reply.end('taken'));
    const url = new URL(receiver.url);
    url.hostname = 'metrics.test';
    expect(await post(url, '127.0.0.1')).toBe('taken');
    expect(await post(url, '192.0.2.7', '127.0.0.1')).toBe('taken');
  });

  it('may open later when nobody listens', async () => {
    const receiver = await startReceiver();
    await receiver[Symbol.asyncDispose]();
    expect(await post(receiver.url, '127.0.0.1')).toBeInstanceOf(TryLater);
  });

  it('is tried again when no reply comes within 10 s', async () => {
    await using silent = await startReceiver(() => undefined);
    const moved = createTestHost();
    const receiver = createReceiver({ host: moved, url: silent.url, headers: {}, policy: localOnly, mayRetry: () => true });
    const failed = receiver.post(Buffer.from('x'), new AbortController().signal).catch((error: unknown) => error);
    await silent.waitFor(1);
    await moved.advance(10_000);
    expect(await failed).toMatchObject({ name: 'TryLater', message: 'no reply within 10 s' });
    receiver.close();
  });

  it('follows no redirect', async () => {
    await using receiver = await startReceiver((reply) => void reply.writeHead(307, { location: 'http://192.0.2.7/' }).end());
    const sink = createOtlp(host, receiver.url, localOnly, labels, '1');
    await expect(send(sink, one)).rejects.toThrow('answered 307');
    expect(receiver.received).toHaveLength(1);
    await sink.release();
  });
});
