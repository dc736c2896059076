import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writer } from 'protobufjs/minimal.js';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findReferences } from '../../tests/go-tools.ts';
import { createNodeHost } from '../core/node-host.ts';
import { goTools } from '../core/tools.ts';
import { queryRange } from './promql/query.ts';
import { randomSeries, seriesSpan, sourceOf } from './reference/random-series.ts';
import { startPrometheus } from './reference/prometheus.ts';
import type { ReferencePrometheus } from './reference/prometheus.ts';
import { createRemoteSource, joinSources, selectorOf } from './remote-source.ts';
import { decodeReadResponse } from './remote/read-protocol.ts';
import { MemorySource } from './memory-source.ts';
import type { Matcher, SampleSource, SeriesSamples } from './series.ts';

const host = createNodeHost();
const { prometheus, promtool } = goTools;
const references = await findReferences(host, { prometheus, promtool });
const isHere = typeof references !== 'string';
const series = randomSeries(11);
const names = [...new Set(series.map(({ labels }) => labels['__name__'] ?? ''))].sort();
const span = { fromMs: seriesSpan.endMs - 600_000, toMs: seriesSpan.endMs };
const named = (value: string): Matcher => ({ name: '__name__', operator: '=', value });
const sorted = (found: readonly SeriesSamples[]): unknown => found.map(({ labels, timestampsMs, values }) => [JSON.stringify(Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1))), [...timestampsMs], [...values]]).sort((one, other) => (String(one[0]) < String(other[0]) ? -1 : 1));

/** Passes on to a server, but answers remote read with 404. */
async function withoutRemoteRead(target: string): Promise<string> {
  const proxy = createServer((request, response) => {
    if (request.url === '/api/v1/read') {
      response.writeHead(404).end();
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      void fetch(`${target}${request.url}`, { method: request.method ?? 'GET', ...(body.length > 0 ? { body, headers: { 'content-type': request.headers['content-type'] ?? '' } } : {}) })
        .then(async (reply) => response.writeHead(reply.status).end(await reply.text()));
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

describe.skipIf(!isHere)(`reading from a real Prometheus${isHere ? '' : ` (skipped: ${references})`}`, () => {
  let reference: ReferencePrometheus;
  let local: SampleSource;
  beforeAll(async () => {
    if (typeof references === 'string') return;
    local = sourceOf(series);
    reference = await startPrometheus(host, { prometheus: references.prometheus.path, promtool: references.promtool.path }, series);
  });
  afterAll(async () => reference?.[Symbol.asyncDispose]());

  test.each(['with remote read', 'without it'])('%s it gives the samples and names that were stored', async (kind) => {
    const remote = createRemoteSource({ host, url: kind === 'without it' ? await withoutRemoteRead(reference.url) : reference.url });
    for (const matchers of [[named(names[0] ?? '')], [named(names[1] ?? ''), { name: 'job', operator: '=~' as const, value: 'a|"b\\\\.' }], [{ name: '__name__', operator: '!~' as const, value: `${names[2]}|x` }, { name: 'job', operator: '!=' as const, value: '' }]]) {
      expect(sorted(await remote.select(matchers, span))).toEqual(sorted(await local.select(matchers, span)));
    }
    expect(await remote.labelNames([], span)).toEqual(await local.labelNames([], span));
    expect(await remote.labelValues('__name__', [], span)).toEqual(names);
    expect(await remote.labelValues('job', [[named(names[0] ?? '')]], span)).toEqual(await local.labelValues('job', [[named(names[0] ?? '')]], span));
    expect((await remote.series([[named(names[0] ?? '')]], span)).length).toBe((await local.series([[named(names[0] ?? '')]], span)).length);
    expect(await remote.metadata('nothing')).toEqual([]);
    const query = `sum by (job) (rate(${names[0]}[2m])) or ${names[1]} offset 1m`;
    const steps = { startMs: span.fromMs, endMs: span.toMs, stepMs: 30_000 };
    expect((await queryRange(remote, query, steps)).value).toEqual((await queryRange(local, query, steps)).value);
  });
});

test('markers at which series end are told from other numbers that are none', () => {
  const writer = Writer.create();
  const sample = (bits: bigint, atMs: number): void => {
    writer.uint32(18).fork().uint32(9).fixed32(Number(bits & 0xffff_ffffn)).fixed32(Number(bits >> 32n)).uint32(16).int64(atMs).ldelim();
  };
  writer.uint32(10).fork().uint32(10).fork();
  writer.uint32(10).fork().uint32(10).string('__name__').uint32(18).string('up').ldelim();
  sample(0x3ff0_0000_0000_0000n, 1_000);
  sample(0x7ff0_0000_0000_0002n, 2_000);
  sample(0x7ff8_0000_0000_0001n, 3_000);
  writer.uint32(34).fork().uint32(8).int64(1).ldelim();
  writer.ldelim().ldelim();
  const [found] = decodeReadResponse(writer.finish());
  expect(found?.labels).toEqual({ __name__: 'up' });
  expect([...(found?.timestampsMs ?? [])]).toEqual([1_000, 2_000, 3_000]);
  expect([...(found?.values ?? [])]).toEqual([1, Number.NaN, Number.NaN]);
  expect([...(found?.stale ?? [])]).toEqual([0, 1, 0]);
  expect(() => decodeReadResponse(Uint8Array.from([10, 200, 1, 10]))).toThrow('no message of that protocol');
});

test('a server that cannot be reached or refuses is named without its password', async () => {
  const nobody = createRemoteSource({ host, url: 'http://me:secret@127.0.0.1:1' });
  await expect(nobody.select([named('up')], span)).rejects.toMatchObject({ code: 'remote_unreachable', status: 503, message: expect.not.stringContaining('secret') as string });
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(request.url === '/api/v1/read' ? 400 : 422).end(JSON.stringify({ status: 'error', errorType: 'execution', error: 'too much' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await expect(createRemoteSource({ host, url: `http://me:secret@${url}` }).select([named('up')], span)).rejects.toMatchObject({ code: 'remote_refused', message: expect.stringContaining('status 400') as string });
  await expect(createRemoteSource({ host, url: `http://${url}`, token: 't' }).labelNames([], span)).rejects.toMatchObject({ message: expect.stringContaining('execution: too much') as string });
  expect(seen).toEqual([`Basic ${Buffer.from('me:secret').toString('base64')}`, 'Bearer t']);
});

test('of series that two sources have, those of the first count', async () => {
  const one = new MemorySource();
  const other = new MemorySource();
  one.add({ __name__: 'ALERTS', alertname: 'A' }, 1_000, 1);
  other.add({ __name__: 'ALERTS', alertname: 'A' }, 1_000, 2);
  other.add({ __name__: 'up' }, 1_000, 3);
  const joined = joinSources(one, other);
  const all = { fromMs: 0, toMs: 2_000 };
  expect((await joined.select([{ name: '__name__', operator: '!=', value: '' }], all)).map(({ values }) => [...values])).toEqual([[1], [3]]);
  expect(await joined.labelValues('__name__', [], all)).toEqual(['ALERTS', 'up']);
  expect(await joined.labelNames([], all)).toEqual(['__name__', 'alertname']);
  expect(await joined.series([], all)).toHaveLength(2);
});

test('before the first sample of our own, those of the other place count', async () => {
  const ours = new MemorySource();
  const theirs = new MemorySource();
  const labels = { __name__: 'slo:bad_events:rate5m', slo: 'api' };
  for (let atMs = 0; atMs <= 10_000; atMs += 1_000) theirs.add(labels, atMs, 1);
  theirs.addStale(labels, 3_500);
  for (let atMs = 6_500; atMs <= 10_500; atMs += 1_000) ours.add(labels, atMs, 2);
  const [found] = await joinSources(ours, theirs).select([named('slo:bad_events:rate5m')], { fromMs: 2_000, toMs: 20_000 });
  expect([...(found?.timestampsMs ?? [])]).toEqual([2_000, 3_000, 3_500, 4_000, 5_000, 6_000, 6_500, 7_500, 8_500, 9_500, 10_500]);
  expect([...(found?.stale ?? [])]).toEqual([0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect(found?.values.at(-1)).toBe(2);
});

test('selectors are written as PromQL', () => {
  expect(selectorOf([named('up'), { name: 'http.status', operator: '!~', value: 'a"\\d' }])).toBe('{__name__="up","http.status"!~"a\\"\\\\d"}');
});
