import { once } from 'node:events';
import { PgBoss } from 'pg-boss';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/database.ts';
import type { Database } from '../database.ts';
import type { Job, Platform } from '../domain.ts';
import { deadLetterQueue, declareQueue, handleBatch } from './consumer.ts';
import { startQueues } from './queues.ts';
import { createRelay, traceMember, type Relay } from './relay.ts';

const host = createNodeHost();
const log = pino({ level: 'silent' });
let test: TestDatabase;
beforeEach(async () => {
  test = await createTestDatabase();
});
afterEach(() => test[Symbol.asyncDispose]());

const payload = z.object({ n: z.int() });
const jobOf = (handle: (payloads: readonly { n: number }[]) => Promise<void>, more: Partial<Job<{ n: number }>> = {}): Job<unknown> =>
  ({ topic: 'test.topic', payload, handle, ...more }) as unknown as Job<unknown>;
const emit = (count: number, topic = 'test.topic'): Promise<object[]> =>
  test.db.query({ name: 'emit', text: "insert into platform_outbox (topic, payload) select $2, jsonb_build_object('n', n) from generate_series(1, $1::int) n" }, [count, topic]);
const platform = (): Platform => ({ host, db: test.db, log, metrics: new Registry() });
const count = async (text: string): Promise<number> => (await test.db.query<{ count: number }>({ name: text.slice(0, 60), text }))[0]?.count ?? -1;
const outbox = (): Promise<number> => count('select count(*) from platform_outbox');
const queued = (): Promise<number> => count("select count(*) from pgboss.job where name = 'test.topic'");
const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await holds())) await host.timers.sleep(10);
};

describe('startQueues', () => {
  it('delivers each event of the outbox to its consumer', async () => {
    const seen: number[] = [];
    await emit(120);
    const metrics = new Registry();
    const queues = await startQueues({ ...platform(), metrics }, test.url, [jobOf(async (items) => void seen.push(...items.map((item) => item.n)), { batchSize: 20 })]);
    await until(() => seen.length >= 120);
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
    expect(await outbox()).toBe(0);
    expect(await metrics.metrics()).toContain('queue_depth{queue="outbox"} 0');
    await queues.stop();
  });

  it('tries a failing job again, then lays it with the dead letters, and lets the others through', async () => {
    const done: number[] = [];
    let tries = 0;
    const job = jobOf(async (items) => {
      if (items.some((item) => item.n === 2)) {
        if (items.length === 1) tries++;
        throw new Error('two is bad');
      }
      done.push(...items.map((item) => item.n));
      await Promise.resolve();
    }, { retryLimit: 1 });
    await emit(3);
    const metrics = new Registry();
    const queues = await startQueues({ ...platform(), metrics }, test.url, [job]);
    await until(async () => (await count(`select count(*) from pgboss.job where name = '${deadLetterQueue('test.topic')}'`)) === 1);
    expect(await metrics.metrics()).toContain('queue_dead_letters{queue="test.topic"} 1');
    expect(done.toSorted((a, b) => a - b)).toEqual([1, 3]);
    expect(tries).toBe(2);
    await queues.stop();
  });
});

describe('createRelay', () => {
  let boss: PgBoss;
  const relayOf = (db: Database, batchSize = 500): Relay =>
    createRelay({ host, db, boss, log, metrics: new Registry(), topics: ['test.topic'], onMoved: () => undefined }, { batchSize });
  beforeEach(async () => {
    boss = new PgBoss({ connectionString: test.url, max: 2, schedule: false, supervise: false });
    await boss.start();
    await declareQueue(boss, jobOf(() => Promise.resolve()));
  });
  afterEach(async () => {
    const stopped = once(boss, 'stopped');
    await boss.stop({ graceful: false });
    await stopped;
  });

  it('moves each row once, however many relays run', async () => {
    await emit(300);
    const relays = [relayOf(test.db, 40), relayOf(test.db, 40), relayOf(test.db, 40)];
    const drain = async (relay: Relay): Promise<void> => {
      while ((await relay.moveOnce()).size > 0);
    };
    await Promise.all(relays.map(drain));
    expect([await outbox(), await queued()]).toEqual([0, 300]);
    expect(await count("select count(distinct data) from pgboss.job where name = 'test.topic'")).toBe(300);
  });

  it('loses and doubles nothing when it dies before its commit', async () => {
    await emit(10);
    const dying: Database = {
      ...test.db,
      transaction: (work) => test.db.transaction(async (tx) => {
        await work(tx);
        throw new Error('killed');
      }),
    };
    await expect(relayOf(dying).moveOnce()).rejects.toThrow('killed');
    expect([await outbox(), await queued()]).toEqual([10, 0]);
    await relayOf(test.db).moveOnce();
    expect([await outbox(), await queued()]).toEqual([0, 10]);
  });

  it('hands the trace of a row on with its job, and adds nothing where there is none', async () => {
    await emit(1);
    await test.db.query({ name: 'emit_traced', text: "insert into platform_outbox (topic, payload, traceparent) values ('test.topic', '{\"n\": 2}', 'a trace')" });
    await relayOf(test.db).moveOnce();
    const jobs = await test.db.query({ name: 'jobs', text: "select data from pgboss.job where name = 'test.topic' order by data->'n'" });
    expect(jobs).toEqual([{ data: { n: 1 } }, { data: { n: 2, [traceMember]: 'a trace' } }]);
  });

  it('leaves topics without a consumer here in the outbox', async () => {
    await emit(2, 'other.topic');
    expect(await relayOf(test.db).moveOnce()).toEqual(new Map());
    expect(await outbox()).toBe(2);
  });
});

describe('handleBatch', () => {
  it('takes out the trace that came with a job, so that a strict schema takes the payload', async () => {
    const handled: unknown[] = [];
    const job = jobOf(async (items) => void handled.push(...items), { payload: z.strictObject({ n: z.int() }) });
    const queued = [{ id: 'a', data: { n: 1, [traceMember]: '00-x' } }, { id: 'b', data: { n: 2 } }];
    expect(await handleBatch(job, queued, log)).toEqual([{ id: 'a', status: 'completed' }, { id: 'b', status: 'completed' }]);
    expect(handled).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('sends a payload its schema refuses straight to the dead letters', async () => {
    const handled: unknown[] = [];
    const job = jobOf(async (items) => void handled.push(...items));
    const results = await handleBatch(job, [{ id: 'a', data: { n: 1 } }, { id: 'b', data: { n: 'x' } }], log);
    expect(Object.fromEntries(results.map((result) => [result.id, result.status]))).toEqual({ a: 'completed', b: 'deadletter' });
    expect(handled).toEqual([{ n: 1 }]);
  });
});
