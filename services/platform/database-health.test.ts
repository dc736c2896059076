import { Client } from 'pg';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import { watchDatabase } from './database-health.ts';

let test: TestDatabase;
beforeEach(async () => {
  test = await createTestDatabase({ migrate: false });
});
afterEach(() => test[Symbol.asyncDispose]());

const valueOf = (text: string, name: string): number => Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);

describe('watchDatabase', () => {
  it('tells of sessions that wait for a lock', async () => {
    const metrics = new Registry();
    const host = createTestHost();
    watchDatabase(host, test.db, metrics);
    const clients = [new Client(test.url), new Client(test.url)];
    await Promise.all(clients.map((client) => client.connect()));
    const [holder, waiter] = clients as [Client, Client];
    await holder.query('begin; select pg_advisory_xact_lock(4711)');
    const waiting = waiter.query('select pg_advisory_lock(4711)');
    let text = '';
    for (;;) {
      text = await metrics.metrics();
      if (valueOf(text, 'db_lock_waiters') > 0) break;
      await host.advance(2_000);
    }
    expect(valueOf(text, 'db_up')).toBe(1);
    expect(valueOf(text, 'db_lock_wait_oldest_seconds')).toBeGreaterThan(0);
    expect(valueOf(text, 'db_transaction_oldest_seconds')).toBeGreaterThan(0);
    expect(valueOf(text, 'db_connections')).toBeGreaterThanOrEqual(2);
    expect(valueOf(text, 'db_connections_max')).toBeGreaterThan(2);
    expect(valueOf(text, 'db_deadlocks_total')).toBeGreaterThanOrEqual(0);
    await holder.query('rollback');
    await waiting;
    await Promise.all(clients.map((client) => client.end()));
  });

  it('says that an unreachable database is down, and makes up nothing else', async () => {
    const metrics = new Registry();
    const down = { ...test.db, query: () => Promise.reject(new Error('down')) };
    watchDatabase(createTestHost(), down, metrics);
    const text = await metrics.metrics();
    expect(valueOf(text, 'db_up')).toBe(0);
    expect(valueOf(text, 'db_lock_waiters')).toBe(0);
  });
});
