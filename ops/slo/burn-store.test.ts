/** Burn rules over the store that ships: what raw samples and buckets answer together is what raw samples alone would. */
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { createTestDatabase } from '../../tests/database.ts';
import { openControlDatabase } from '../control/database.ts';
import { createNodeHost } from '../core/node-host.ts';
import { createTestHost } from '../core/test-host.ts';
import type { TestHost } from '../core/test-host.ts';
import { queryInstant } from '../metricstore/promql/query.ts';
import type { SampleSource } from '../metricstore/series.ts';
import { createMetricStore } from '../metricstore/store.ts';
import type { MetricStore } from '../metricstore/store.ts';
import { badRateSeries, burnRulesOf, totalRateSeries } from './burn-rules.ts';
import { loadSlos } from './open-slo.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const originMs = Date.UTC(2026, 0, 1);
const [slo = expect.fail('no objective')] = loadSlos(createNodeHost().files, resolve(import.meta.dirname, '../../alerts/slo'));

/** Rates as rules record them every 15 s: a fault from 3 to 2.5 h before the end, another in the last 40 min, and one failure now and then. */
function record(store: MetricStore, fromMs: number, toMs: number, endMs: number): void {
  for (let atMs = fromMs; atMs < toMs; atMs += 15_000) {
    const agoMs = endMs - atMs;
    const isFault = agoMs < 40 * minuteMs || (agoMs > 2.5 * hourMs && agoMs < 3 * hourMs);
    const total = 40 + 10 * Math.sin(atMs / hourMs);
    store.append([
      { labels: { __name__: totalRateSeries, slo: slo.name }, atMs, value: total },
      { labels: { __name__: badRateSeries, slo: slo.name }, atMs, value: isFault ? total / 8 : atMs % hourMs < 5 * minuteMs ? 1 / 300 : 0 },
    ]);
  }
}

async function settle<Result>(work: Promise<Result>, host: TestHost): Promise<Result> {
  const state = { isDone: false };
  const done = work.finally(() => (state.isDone = true));
  while (!state.isDone) {
    await new Promise((turn) => setImmediate(turn));
    await host.advance(0);
  }
  return await done;
}

async function ask(source: SampleSource, query: string, atMs: number): Promise<number | undefined> {
  const { value } = await queryInstant(source, query, atMs);
  return value.type === 'vector' ? value.samples[0]?.value : undefined;
}

it('give windows of 6 h and a day their weight, also after a restart', async () => {
  await using test = await createTestDatabase({ migrate: false });
  const host = createTestHost(originMs);
  await using database = openControlDatabase(host, test.url);
  await database.migrate([join(import.meta.dirname, '../metricstore/migrations')]);
  const endMs = originMs + 26 * hourMs;
  const open = async (): Promise<MetricStore> => {
    const opened = createMetricStore({ host, database, onError: (problem) => expect.fail(problem) });
    await settle(opened.open(), host);
    return opened;
  };
  const store = await open();
  const raw = createMetricStore({ host, raw: { retentionMs: 100 * hourMs } });
  while (host.clock.nowMs() < endMs) {
    const fromMs = host.clock.nowMs();
    for (const each of [store, raw]) record(each, fromMs, fromMs + 30 * minuteMs, endMs);
    await host.advance(30 * minuteMs);
    await settle(store.write(), host);
    await settle(store.write(), host);
  }
  const recorded = burnRulesOf(slo).flatMap(({ record: name, expr }) => (name?.startsWith('slo:error_ratio') === true ? [expr] : []));
  const bad = burnRulesOf(slo).flatMap(({ annotations }) => annotations?.['impact'] ?? []);
  expect([recorded.length, bad.length]).toEqual([6, 3]);
  const compare = async (source: SampleSource, digits: number): Promise<void> => {
    for (const query of [...recorded, ...bad]) {
      const expected = await ask(raw, query, endMs);
      expect(expected, query).toBeGreaterThan(0);
      expect((await ask(source, query, endMs) ?? 0) / (expected ?? 1), query).toBeCloseTo(1, query.includes(':1m]') ? digits : 9);
    }
  };
  await compare(store, 9);
  await settle(store.close(), host);
  const restarted = await open();
  expect(restarted.raw.oldestMs).toBeGreaterThan(endMs - hourMs);
  // Within a bucket the minutes are not known one by one.
  await compare(restarted, 2);
  await settle(restarted.close(), host);
});
