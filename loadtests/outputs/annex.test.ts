import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import snappy from 'snappyjs';
import { afterAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { localOnly } from '../swarm/guard.ts';
import { CheckBook } from '../swarm/journey/checks.ts';
import { TagBook } from '../swarm/journey/tags.ts';
import type { WorkerHealth, WorkerTick } from '../swarm/measurement.ts';
import { startedAtMs, startReceiver } from './fixture.ts';
import { openJsonLines } from './json-lines.ts';
import { createOtlp } from './otlp.ts';
import type { Sink } from './outbox.ts';
import { createRemoteWrite } from './prometheus.ts';
import { SecondCollector } from './second.ts';
import type { Second } from './second.ts';

const host = createNodeHost();
const folder = mkdtempSync(join(tmpdir(), 'sora-annex-'));
afterAll(() => rmSync(folder, { recursive: true }));

const health = (worker: number): WorkerHealth => ({
  worker, pid: 1, cpuUs: 0, coreShareMax: 0, rssBytes: 0, rssAtStartBytes: 0, loopDelayP99Ms: 0, usersStarted: 0, usersActive: 0, unsent: 0, arrivalsQueued: 2 + worker,
  namesBeyond: { operations: 1, tags: 0, checks: 0 },
});

/** A worker that did something for two shops in a second, with a check each time. */
function tickOf(worker: number, second: number, values: readonly string[] = ['north', 'south']): WorkerTick {
  const [tags, checks] = [new TagBook(['feed']), new CheckBook(['feed'])];
  for (const [index, value] of values.entries()) {
    const tagged = tags.add(undefined, 'shop', value);
    const failed = index === 1;
    tags.operation(tagged, 0, 1, failed ? 'failed' : 'ok', { response: 2_000, service: 1_000, poolWait: 1, lateness: 1 });
    tags.request(tagged, 0, 1, failed, 1_000, 10, 20);
    checks.count('is open', 0, 1, !failed);
  }
  return { worker, second, operations: [], tags: tags.take(), checks: checks.take(), health: health(worker), errors: [], slowest: [] };
}

function secondsOf(...ticks: readonly (readonly WorkerTick[])[]): Second[] {
  const collector = new SecondCollector();
  for (const tick of ticks.flat()) collector.add(tick);
  return ticks.map((_, second) => collector.close({ second, phase: 'hold', users: 4, workers: [health(0), health(1)] }, startedAtMs));
}

const seconds = secondsOf([tickOf(0, 0), tickOf(1, 0)], [tickOf(0, 1)]);

async function writeAll(sink: Sink): Promise<void> {
  for (const second of seconds) await sink.deliver(sink.encode(second), new AbortController().signal);
  await sink.release();
}

describe('a second', () => {
  it('adds up tags and checks over workers, and knows what came late', () => {
    const [first, second] = seconds;
    expect(first?.tags?.map(({ name, value, total, failed, requests, requestsFailed }) => [name, value, total, failed, requests, requestsFailed])).toEqual([
      ['shop', 'north', 2, 0, 2, 0], ['shop', 'south', 2, 2, 2, 2],
    ]);
    expect(first?.checks).toEqual([{ name: 'is open', op: 'feed', total: 4, failed: 2 }]);
    expect([first?.arrivalsQueued, first?.namesBeyond, second?.tags?.length]).toEqual([5, { operations: 2, tags: 0, checks: 0 }, 2]);
  });

  it('keeps 500 tags apart, and counts the rest as one', () => {
    const many = Array.from({ length: 6 }, (_, worker) => tickOf(worker, 0, Array.from({ length: 100 }, (_unused, value) => `v${worker}-${value}`)));
    const [second] = secondsOf(many);
    expect(second?.tags).toHaveLength(501);
    expect(second?.tags?.find(({ name }) => name === '(other)')).toMatchObject({ value: '(other)', total: 100 });
  });

  it('is without them where journeys neither tag nor check', () => {
    const collector = new SecondCollector();
    collector.add({ worker: 0, second: 0, operations: [], health: health(0), errors: [], slowest: [] });
    expect(collector.close({ second: 0, phase: 'hold', users: 1 }, 0)).toEqual({ startedAtMs: 0, second: 0, phase: 'hold', users: 1, operations: [] });
  });
});

describe('the outputs', () => {
  it('as JSON lines hold tags and checks', async () => {
    const path = join(folder, 'seconds.ndjson');
    await writeAll(await openJsonLines(host, path));
    const [line] = readFileSync(path, 'utf8').split('\n');
    expect(JSON.parse(line ?? '')).toMatchObject({
      tags: [{ name: 'shop', value: 'north', total: 2, responseMs: { p50: 2 }, requestDurationMs: { p50: 1 } }, { value: 'south', failed: 2 }],
      checks: [{ name: 'is open', op: 'feed', total: 4, failed: 2 }], arrivalsQueued: 5, namesBeyond: { operations: 2 },
    });
  });

  it('as remote write hold them as counters that grow', async () => {
    await using receiver = await startReceiver();
    await writeAll(createRemoteWrite(host, new URL('/write', receiver.url), localOnly, { run: 'r1' }, '1'));
    const text = Buffer.from(snappy.uncompress(receiver.received[1]?.body ?? Buffer.alloc(0))).toString('latin1');
    for (const name of ['sora_load_tagged_operations_total', 'sora_load_tagged_requests_total', 'sora_load_checks_total', 'sora_load_arrivals_queued_total', 'sora_load_names_beyond_total', 'sora_load_tagged_response_time_quantile_seconds']) {
      expect(text).toContain(name);
    }
  });

  it('as OTLP hold them as sums since the start', async () => {
    await using receiver = await startReceiver();
    await writeAll(createOtlp(host, receiver.url, localOnly, { run: 'r1' }, '1'));
    interface Metric { readonly name: string; readonly sum?: { readonly dataPoints: { readonly asInt: string; readonly attributes: { readonly value: { readonly stringValue: string } }[] }[] } }
    const body = JSON.parse(receiver.received[1]?.body.toString() ?? '') as { resourceMetrics: { scopeMetrics: { metrics: Metric[] }[] }[] };
    const metrics = body.resourceMetrics[0]?.scopeMetrics[0]?.metrics ?? [];
    const points = (name: string): Record<string, string> =>
      Object.fromEntries((metrics.find((metric) => metric.name === name)?.sum?.dataPoints ?? []).map(({ asInt, attributes }) => [attributes.map(({ value }) => value.stringValue).join(' '), asInt]));
    expect(points('sora.load.tagged_operations')).toEqual({
      'shop north ok': '3', 'shop north failed': '0', 'shop north refused': '0', 'shop south ok': '0', 'shop south failed': '3', 'shop south refused': '0',
    });
    expect(points('sora.load.checks')).toEqual({ 'is open feed passed': '3', 'is open feed failed': '3' });
    expect(points('sora.load.arrivals_queued')).toEqual({ '': '5' });
    expect(metrics.some(({ name }) => name === 'sora.load.tagged_response_time_quantile')).toBe(true);
  });
});
