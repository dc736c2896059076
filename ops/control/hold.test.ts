import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase } from '../../tests/database.ts';
import type { TestDatabase } from '../../tests/database.ts';
import { createEventLog } from '../core/event-log/log.ts';
import { createTestHost } from '../core/test-host.ts';
import { openControlDatabase } from './database.ts';
import type { ControlDatabase } from './database.ts';
import { takeHold } from './hold.ts';

let testDatabase: TestDatabase;
let database: ControlDatabase;
const cleanups: (() => unknown)[] = [];
beforeEach(async () => {
  testDatabase = await createTestDatabase({ migrate: false });
  database = openControlDatabase(createTestHost(), testDatabase.url);
  await database.migrate();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await database.close();
  await testDatabase[Symbol.asyncDispose]();
});

function start() {
  const host = createTestHost();
  const heard: string[] = [];
  const taken = takeHold({ host, url: testDatabase.url, onWait: () => heard.push('waits'), onLost: () => heard.push('lost'), onTaken: (why) => heard.push(`taken: ${why}`) }).then(async (hold) => {
    await hold.sign();
    cleanups.push(() => hold.release());
    return hold;
  });
  /** Moves time until something holds. */
  const until = (look: () => boolean): Promise<void> => expect.poll(async () => {
    await host.advance(1_000);
    return look();
  }, { timeout: 10_000 }).toBe(true);
  return { host, heard, taken, until };
}

/** Ends the connection that holds the database, and not that of another which waits for it. */
const cut = () => database.pool.query(`select pg_terminate_backend(pid) from pg_stat_activity join pg_locks using (pid) where datname = current_database() and application_name = 'sora-control-hold' and locktype = 'advisory'`);

test('a second control plane waits until the first has given the database back', async () => {
  const first = start();
  const held = await first.taken;
  expect(held.isHeld()).toBe(true);
  const second = start();
  let isSecondHeld = false;
  void second.taken.then(() => (isSecondHeld = true));
  await second.until(() => second.heard.length > 0);
  await second.host.advance(60_000);
  expect([isSecondHeld, second.heard]).toEqual([false, ['waits']]);
  await held.release();
  await second.until(() => isSecondHeld);
  expect(first.heard).toEqual([]);
});

test('one whose connection broke writes nothing until it has the database again, and goes on where nobody else had it', async () => {
  const { heard, taken, until } = start();
  const hold = await taken;
  const write = hold.guard(database.transaction);
  await write((client) => client.query('select 1'));
  await cut();
  await expect.poll(() => heard).toEqual(['lost']);
  expect(hold.isHeld()).toBe(false);
  await expect(write((client) => client.query('select 1'))).rejects.toMatchObject({ code: 'control_database_unheld', status: 503 });
  await until(() => hold.isHeld());
  await write((client) => client.query('select 1'));
  expect(heard).toEqual(['lost']);
});

test('one whose database was taken meanwhile learns of it, for what it remembers is no longer so', async () => {
  const first = start();
  const hold = await first.taken;
  const second = start();
  let isSecondHeld = false;
  void second.taken.then(() => (isSecondHeld = true));
  await second.until(() => second.heard.length > 0);
  await cut();
  await expect.poll(() => first.heard).toEqual(['lost']);
  await second.until(() => isSecondHeld);
  await first.until(() => first.heard.length > 1);
  expect(first.heard[1]).toMatch(/^taken: /);
  expect(hold.isHeld()).toBe(false);
});

test('holding the database hinders nothing that is written into it', async () => {
  const { taken } = start();
  const write = (await taken).guard(database.transaction);
  const log = createEventLog(database.pool);
  await write((client) => log.appendWith(client, [{ atMs: 1, actor: 'ada', details: { kind: 'login', role: 'admin' } }]));
  await database.migrate();
});
