import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../tests/database.ts';
import type { TestDatabase } from '../../tests/database.ts';
import { openControlDatabase } from '../control/database.ts';
import type { ControlDatabase } from '../control/database.ts';
import { createTestHost } from '../core/test-host.ts';
import type { TestHost } from '../core/test-host.ts';
import { queryInstant } from './promql/query.ts';
import type { Matcher, SampleSource } from './series.ts';
import { watchMetricStore } from './store-metrics.ts';
import { createMetricStore } from './store.ts';
import type { MetricStore, MetricStoreOptions } from './store.ts';

const originMs = Date.UTC(2026, 0, 1);
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const named = (value: string): Matcher[] => [{ name: '__name__', operator: '=', value }];

let test: TestDatabase;
let database: ControlDatabase;
let problems: string[];

beforeEach(async () => {
  test = await createTestDatabase({ migrate: false });
  database = openControlDatabase(createTestHost(), test.url);
  await database.migrate([join(import.meta.dirname, 'migrations')]);
  problems = [];
});

afterEach(async () => {
  await database.close();
  await test[Symbol.asyncDispose]();
  expect(problems).toEqual([]);
});

function make(host: TestHost, options: Partial<MetricStoreOptions> = {}): MetricStore {
  return createMetricStore({ host, database, onError: (problem) => problems.push(problem), ...options });
}

/** Scrapes every `stepMs` over a span: a counter that is reset every 1,000 s, a gauge, and a series that ends within an hour. */
function fill(store: MetricStore, fromMs: number, toMs: number, stepMs = 10_000): void {
  for (let atMs = fromMs; atMs <= toMs; atMs += stepMs) {
    const at = (atMs - originMs) / 1_000;
    const samples = [
      { labels: { __name__: 'hits_total', path: '/' }, atMs, value: (at % 1_000) * 3 },
      { labels: { __name__: 'depth' }, atMs, value: (at * 7) % 31 },
      { labels: { __name__: 'brief', 'a.b': 'ü"\\' }, atMs, value: 1, isStale: atMs > originMs + hourMs },
    ];
    store.append(atMs > originMs + hourMs + stepMs ? samples.slice(0, 2) : samples);
  }
}

/** As every minute; what was begun before may be of an earlier time. */
async function write(store: MetricStore, host: TestHost): Promise<void> {
  await settle(store.write(), host);
  await settle(store.write(), host);
}

async function run(host: TestHost, store: MetricStore, untilMs: number, stepMs?: number): Promise<void> {
  while (host.clock.nowMs() < untilMs) {
    const fromMs = host.clock.nowMs() + 1;
    await host.advance(10 * minuteMs);
    fill(store, Math.ceil(fromMs / 10_000) * 10_000, host.clock.nowMs(), stepMs);
    store.raw.expire(host.clock.nowMs());
    await write(store, host);
  }
}

/** Lets work that waits for its turn have it. */
async function settle<Result>(work: Promise<Result>, host: TestHost): Promise<Result> {
  const state = { isDone: false };
  const done = work.finally(() => (state.isDone = true));
  while (!state.isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    await host.advance(0);
  }
  return done;
}

async function ask(source: SampleSource, query: string, atMs: number): Promise<number | undefined> {
  const { value } = await queryInstant(source, query, atMs);
  return value.type === 'vector' ? value.samples[0]?.value : undefined;
}

describe('the metric store', () => {
  it('loses at most the last 20 s when its process is killed, also a young one', async () => {
    const host = createTestHost(originMs);
    const store = make(host);
    await settle(store.open(), host);
    fill(store, originMs, originMs + 10_000, 1_000);
    await host.advance(15_000);
    const journal = async (): Promise<number> => (await database.pool.query('select 1 from metricstore_journal')).rowCount ?? 0;
    while ((await journal()) === 0) await host.advance(0);
    const restartedHost = createTestHost(originMs + 20_000);
    const restarted = make(restartedHost);
    await settle(restarted.open(), restartedHost);
    expect(await ask(restarted, 'count_over_time(depth[1m])', originMs + 20_000)).toBe(11);
  });

  it('answers over raw samples and buckets as over raw samples alone', async () => {
    const host = createTestHost(originMs);
    const store = make(host);
    await settle(store.open(), host);
    await run(host, store, originMs + hourMs);
    expect(store.completeFromMs).toBe(-Infinity);
    await run(host, store, originMs + 5 * hourMs);
    expect(store.completeFromMs).toBe(originMs + 3 * hourMs);
    expect(store.raw.oldestMs).toBe(originMs + 3 * hourMs);
    const raw = createMetricStore({ host, raw: { retentionMs: 100 * hourMs } });
    fill(raw, originMs + 10_000, originMs + 5 * hourMs);
    const nowMs = originMs + 5 * hourMs;
    for (const [query, atMs] of [
      ['increase(hits_total[1h])', originMs + 2 * hourMs], ['increase(hits_total[4h])', nowMs], ['rate(hits_total[40m])', originMs + 200 * minuteMs],
      ['max_over_time(depth[4h])', nowMs], ['min_over_time(depth[4h])', nowMs], ['avg_over_time(depth[2h])', originMs + 3 * hourMs],
      ['avg_over_time(depth[4h])', nowMs], ['sum_over_time(depth[4h])', nowMs], ['count_over_time(depth[4h])', nowMs], ['avg_over_time(depth[4h])', nowMs - 20 * minuteMs],
      ['hits_total', originMs + 90 * minuteMs], ['hits_total', nowMs], ['brief', originMs + 55 * minuteMs],
    ] as const) {
      const expected = await ask(raw, query, atMs);
      expect(expected, query).toBeDefined();
      expect(await ask(store, query, atMs), query).toBeCloseTo(expected ?? 0, 6);
    }
    // The marker of its end is kept, so it is not seen for 5 min more.
    expect(await ask(store, 'brief', originMs + 62 * minuteMs)).toBeUndefined();
    expect(await store.labelValues('a.b', [], { fromMs: originMs, toMs: nowMs })).toEqual(['ü"\\']);
    expect(await store.labelNames([], { fromMs: originMs, toMs: nowMs })).toEqual(['__name__', 'a.b', 'path']);
    expect(await store.labelNames([[{ name: 'a.b', operator: '=', value: 'ü"\\' }]], { fromMs: originMs, toMs: nowMs })).toEqual(['__name__', 'a.b']);
    expect(await store.labelNames([], { fromMs: originMs + 4 * hourMs, toMs: nowMs })).toEqual(['__name__', 'path']);
    await settle(store.close(), host);
  });

  it('merges rows as they age and drops what is older than it keeps', async () => {
    const host = createTestHost(originMs);
    const store = make(host, { longTerm: { retentionMs: 20 * hourMs } });
    await settle(store.open(), host);
    await run(host, store, originMs + 37 * hourMs, 60_000);
    const { rows } = await database.pool.query<{ hours: string | number; count: number }>('select (to_ms - from_ms) / 3600000.0 as hours, count(*)::int as count from metricstore_chunk where shard = (select shard from metricstore_chunk limit 1) group by 1');
    const counts = new Map(rows.map(({ hours, count }) => [Number(Number(hours).toFixed(2)), count]));
    expect([...counts.keys()].every((hours) => [12, 2, 0.08].includes(hours))).toBe(true);
    expect(counts.get(12)).toBe(2);
    const { rows: oldest } = await database.pool.query<{ from_ms: string | number }>('select min(from_ms) as from_ms from metricstore_chunk');
    expect(Number(oldest[0]?.from_ms)).toBe(originMs + 12 * hourMs);
    // The series that ended is forgotten a day after its buckets.
    expect(await ask(store, 'increase(hits_total[10h])', originMs + 24 * hourMs)).toBeGreaterThan(0);
    await settle(store.close(), host);
  });

  it('reads a row once, and again only where it gave way to a larger one', async () => {
    const host = createTestHost(originMs);
    let bytesRead = 0;
    // What the database gives is counted; all else goes through.
    const pool = new Proxy(database.pool, {
      get: (target, key) => (key !== 'query' ? Reflect.get(target, key) as unknown : async (...asked: [string]) => {
        const answer = await target.query<{ body?: Buffer | null }>(...asked);
        for (const { body } of answer.rows) bytesRead += body?.length ?? 0;
        return answer;
      }),
    });
    const store = make(host, { database: { pool, transaction: (work) => database.transaction(work) } });
    await settle(store.open(), host);
    await run(host, store, originMs + 5 * hourMs);
    const askBoth = async (): Promise<number> => {
      const fresh = make(host);
      await fresh.longTerm?.open();
      const span = { fromMs: originMs, toMs: host.clock.nowMs() };
      bytesRead = 0;
      const found = await store.longTerm?.select(named('depth'), span);
      expect(found).toEqual(await fresh.longTerm?.select(named('depth'), span));
      return bytesRead;
    };
    expect(await askBoth()).toBeGreaterThan(0);
    expect(await askBoth()).toBe(0);
    await run(host, store, originMs + 5.5 * hourMs);
    const newRows = await askBoth();
    expect(newRows).toBeGreaterThan(0);
    // Rows of 5 min become one of 2 h.
    await run(host, store, originMs + 6.5 * hourMs);
    await askBoth();
    expect(await askBoth()).toBe(0);
    const small = make(host, { longTerm: { cacheBytesMax: 1 } });
    await small.longTerm?.open();
    expect(await small.longTerm?.select(named('depth'), { fromMs: originMs, toMs: host.clock.nowMs() })).toEqual(await store.longTerm?.select(named('depth'), { fromMs: originMs, toMs: host.clock.nowMs() }));
    await settle(store.close(), host);
  });

  it('goes on after a stop with the samples of the last half hour, and after a kill -9 without the last', async () => {
    const host = createTestHost(originMs);
    const store = make(host);
    await settle(store.open(), host);
    fill(store, originMs + 10_000, originMs + 50 * minuteMs);
    await host.advance(50 * minuteMs);
    await write(store, host);
    fill(store, originMs + 50 * minuteMs + 10_000, originMs + 50 * minuteMs + 10_000);
    await host.advance(14_000);
    // As a process does that is killed, this one leaves without a word.
    const killedHost = createTestHost(host.clock.nowMs());
    const killed = make(killedHost);
    await settle(killed.open(), killedHost);
    const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
    const timesOf = async (of: MetricStore): Promise<number[]> => [...((await of.raw.select(named('depth'), all))[0]?.timestampsMs ?? [])];
    expect((await timesOf(killed)).at(-1)).toBe(originMs + 50 * minuteMs - 10_000);
    await settle(store.close(), host);
    const restarted = make(host);
    await settle(restarted.open(), host);
    expect((await timesOf(restarted)).at(-1)).toBe(originMs + 50 * minuteMs + 10_000);
    const since = { fromMs: originMs + 21 * minuteMs, toMs: host.clock.nowMs() };
    expect(await restarted.raw.select(named('depth'), since)).toEqual(await store.raw.select(named('depth'), since));
    expect((await restarted.raw.select(named('brief'), since)).length).toBe(1);
    // Buckets go on where they were, and none is written twice.
    const progressMs = restarted.longTerm?.progressMs;
    expect(progressMs).toBe(originMs + 45 * minuteMs);
    fill(restarted, originMs + 51 * minuteMs, originMs + 61 * minuteMs);
    await host.advance(11 * minuteMs);
    await write(restarted, host);
    expect(restarted.longTerm?.progressMs).toBe(originMs + 60 * minuteMs);
    const { rows } = await database.pool.query<{ count: number }>('select count(distinct from_ms)::int as count from metricstore_chunk');
    expect(rows[0]?.count).toBe(12);
    await settle(restarted.close(), host);
  });

  it('keeps no more bytes of buckets than allowed, the newest first', async () => {
    const host = createTestHost(originMs);
    const store = make(host, { longTerm: { bytesMax: 2_000 } });
    await settle(store.open(), host);
    await run(host, store, originMs + 6 * hourMs);
    expect(await store.longTerm?.bytes()).toBeLessThanOrEqual(2_000);
    expect(store.longTerm?.droppedEarly).toBeGreaterThan(0);
    expect(await ask(store, 'depth', originMs + 5 * hourMs)).toBeDefined();
    await settle(store.close(), host);
  });

  it('counts series that the catalogue has no place for, and label texts that the database cannot hold', async () => {
    const host = createTestHost(originMs);
    const store = make(host, { catalogueMax: 1 });
    await settle(store.open(), host);
    store.append([{ labels: { __name__: 'a' }, atMs: originMs + 1, value: 1 }, { labels: { __name__: 'b' }, atMs: originMs + 1, value: 1 }, { labels: { __name__: 'c', x: 'nul\0' }, atMs: originMs + 1, value: 1 }]);
    await host.advance(6 * minuteMs);
    await write(store, host);
    expect(store.catalogue?.refused).toBeGreaterThanOrEqual(2);
    const registry = new Registry();
    watchMetricStore(registry, store);
    await registry.metrics();
    expect(await registry.metrics()).toMatch(/sora_store_refused_total\{reason="catalogue"\} [2-9][^]*sora_store_samples_total 3\n/);
    expect((await store.longTerm?.series([], { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }))?.length).toBe(1);
    await settle(store.close(), host);
  });

  it('goes on in memory while the database is away, and says so', async () => {
    const host = createTestHost(originMs);
    const store = make(host);
    await settle(store.open(), host);
    fill(store, originMs + 10_000, originMs + 10 * minuteMs);
    await database.pool.query('alter table metricstore_series rename to hidden');
    await host.advance(10 * minuteMs);
    await write(store, host);
    const { failures } = store;
    expect(failures).toBe(problems.length);
    expect(problems.splice(0)).toEqual(expect.arrayContaining([expect.stringContaining('could not write the journal'), expect.stringContaining('could not write buckets')]));
    expect(await ask(store, 'depth', originMs + 10 * minuteMs)).toBeDefined();
    await database.pool.query('alter table hidden rename to metricstore_series');
    await write(store, host);
    expect(store.longTerm?.progressMs).toBe(originMs + 5 * minuteMs);
    expect(store.failures).toBe(failures);
    await settle(store.close(), host);
  });
});
