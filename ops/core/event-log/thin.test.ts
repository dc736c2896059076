import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTestDatabase } from '../../../tests/database.ts';
import type { TestDatabase } from '../../../tests/database.ts';
import { openControlDatabase } from '../../control/database.ts';
import type { ControlDatabase } from '../../control/database.ts';
import { createTestHost } from '../test-host.ts';
import type { EventDetails } from './event.ts';
import { createEventLog } from './log.ts';
import type { PostgresEventLog } from './log.ts';
import { startThinning, thinEventLog } from './thin.ts';

const dayMs = 86_400_000;
let testDatabase: TestDatabase;
let database: ControlDatabase;
let log: PostgresEventLog;

beforeAll(async () => {
  testDatabase = await createTestDatabase({ migrate: false });
  database = openControlDatabase(createTestHost(), testDatabase.url);
  await database.migrate([`${import.meta.dirname}/migrations`]);
  log = createEventLog(database.pool);
});
afterAll(async () => {
  await database.close();
  await testDatabase[Symbol.asyncDispose]();
});
beforeEach(() => database.pool.query(`begin; set local sora.thinning = 'on'; truncate event_log; commit`));

const notification = (receiver: string): EventDetails => ({ kind: 'notification', phase: 'sent', notificationId: 'n', groupKey: 'g', receiver, integration: 'webhook', reason: 'new', fingerprints: [] });
const load = (phase: 'started' | 'renewed'): EventDetails => ({ kind: 'load-run', phase, runId: 'r', scenario: 's', summary: '' });
const config: EventDetails = { kind: 'config', subject: 's', summary: 'x' };
const append = (...events: readonly (readonly [number, EventDetails])[]): Promise<void> => log.append(events.map(([day, details]) => ({ atMs: day * dayMs, actor: 'sora', details })));
const days = async (): Promise<number[]> => (await log.read({})).map(({ atMs }) => atMs / dayMs);

test('rows can be neither changed nor deleted', async () => {
  await append([1, config]);
  for (const statement of ["update event_log set actor = 'eve'", 'delete from event_log', 'truncate event_log', "begin; set local sora.thinning = 'on'; update event_log set actor = 'eve'"]) {
    await expect(database.pool.query(statement), statement).rejects.toThrow('the event log is append-only');
    await database.pool.query('rollback');
  }
  expect(await days()).toEqual([1]);
});

test('what the switch says goes after a day, renewals after two, what is told often after 90, everything after 400', async () => {
  await append([998.5, notification('dead-mans-switch')], [999.5, notification('dead-mans-switch')], [997, load('started')], [997, load('renewed')], [999, load('renewed')], [909, notification('critical')], [911, notification('critical')], [599, config], [601, config]);
  expect(await thinEventLog(database.pool, 1_000 * dayMs)).toEqual({ 'dead-mans-switch': 1, 'renewal': 1, 'notification': 1, 'rule-health': 0, 'process': 0, 'pending': 0, 'old': 1, 'surplus': 0 });
  expect(await days()).toEqual([999.5, 997, 999, 911, 601]);
});

test('of too many the oldest go, in bounded parts', async () => {
  await append(...Array.from({ length: 30 }, (_, day) => [day, config] as const));
  expect(await thinEventLog(database.pool, 40 * dayMs, { rowsMax: 20, batchSize: 3, batchesMax: 2 })).toMatchObject({ surplus: 6 });
  expect(await thinEventLog(database.pool, 40 * dayMs, { rowsMax: 20, batchSize: 3, batchesMax: 2 })).toMatchObject({ surplus: 4 });
  expect(await days()).toEqual(Array.from({ length: 20 }, (_, index) => index + 10));
});

test('passes come by the hour and are counted', async () => {
  const host = createTestHost(1_000 * dayMs);
  const metrics = new Registry();
  await append([1, config]);
  const stop = startThinning({ host, pool: database.pool, metrics, onError: (error) => expect.fail(String(error)) });
  await expect.poll(() => metrics.metrics()).toContain('sora_event_log_thinned_total{what="old"} 1');
  await append([2, config]);
  await host.advance(3_600_000);
  await stop();
  expect(await metrics.metrics()).toContain('sora_event_log_thinned_total{what="old"} 2');
});
