import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createTestDatabase } from '../../tests/database.ts';
import { createTestHost } from '../core/test-host.ts';
import { openControlDatabase } from './database.ts';
import type { ControlDatabase } from './database.ts';
import { readControlMigrations } from './migrations.ts';

function domain(files: Readonly<Record<string, string>>): string {
  const folder = join(mkdtempSync(join(tmpdir(), 'sora-migrations-')), 'shop/migrations');
  mkdirSync(folder, { recursive: true });
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(folder, name), sql);
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('the migrations of this checkout apply together, once, however many start at once', async () => {
  await using database = await createTestDatabase({ migrate: false });
  await using one = openControlDatabase(createTestHost(), database.url);
  await using other = openControlDatabase(createTestHost(), database.url);
  const applied = await Promise.all([one.migrate(), other.migrate()]);
  const ids = readControlMigrations(createTestHost()).map(({ id }) => id);
  expect(applied.flat()).toEqual(ids);
  expect(ids).toContain('core/event-log/0001-events');
  expect(await one.migrate()).toEqual([]);
});

test('a failed one leaves nothing behind, an edited one and a misnamed one are refused', async () => {
  await using database = await createTestDatabase({ migrate: false });
  await using control = openControlDatabase(createTestHost(), database.url);
  const folder = domain({ '0001-one.sql': 'create table shop_one ()', '0002-two.sql': 'create tabel shop_two ()' });
  await expect(control.migrate([folder])).rejects.toMatchObject({ code: 'migration_failed', message: expect.stringContaining('0002-two failed: syntax error') as string });
  expect((await control.pool.query("select to_regclass('shop_one') as found")).rows).toEqual([{ found: null }]);
  writeFileSync(join(folder, '0002-two.sql'), 'create table shop_two (count bigint)');
  expect(await control.migrate([folder])).toHaveLength(2);
  writeFileSync(join(folder, '0001-one.sql'), 'create table shop_one (count int)');
  await expect(control.migrate([folder])).rejects.toMatchObject({ code: 'migration_changed' });
  await expect(control.migrate([domain({ '1.sql': '' })])).rejects.toMatchObject({ message: expect.stringContaining('misnamed') as string });
});

test('a transaction is repeated where two wait for each other, and its int8 are numbers', async () => {
  await using database = await createTestDatabase({ migrate: false });
  await using control = openControlDatabase(createTestHost(), database.url);
  await control.pool.query('create table pair (id int primary key, count bigint not null)');
  await control.pool.query('insert into pair values (1, 0), (2, 0)');
  const arrivals = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const add = (own: number): Promise<unknown> => control.transaction(async (client) => {
    await client.query('update pair set count = count + 1 where id = $1', [own]);
    arrivals[own - 1]?.resolve();
    await arrivals[2 - own]?.promise;
    await client.query('update pair set count = count + 1 where id = $1', [3 - own]);
  });
  await Promise.all([add(1), add(2)]);
  expect((await control.pool.query('select count from pair order by id')).rows).toEqual([{ count: 2 }, { count: 2 }]);
});

test('a database that cannot be reached is named, with where to look', async () => {
  await using control = openControlDatabase(createTestHost(), 'postgres://nobody@127.0.0.1:1/none');
  await expect(control.transaction(() => Promise.resolve())).rejects.toMatchObject({ code: 'control_database_unreachable', status: 503, hint: expect.stringContaining('control-postgres') as string });
});

test('a query that a server does not answer fails in time, and what comes next has another connection', async () => {
  await using other = await createTestDatabase({ migrate: false });
  await using control = openControlDatabase(createTestHost(), other.url, { queryTimeoutMs: 1_000 });
  const pidOf = async (client: { query: ControlDatabase['pool']['query'] }): Promise<number> => (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? Number.NaN;
  let stopped = Number.NaN;
  // Its process at the server is stopped, as all are when a server hangs: it takes what is sent and answers nothing.
  const hung = control.transaction(async (client) => {
    stopped = await pidOf(client);
    process.kill(stopped, 'SIGSTOP');
    await client.query('select 1');
  });
  try {
    await expect(hung).rejects.toThrow('Query read timeout');
    expect(await control.transaction(pidOf)).not.toBe(stopped);
  } finally {
    process.kill(stopped, 'SIGCONT');
  }
});

test('a connection that breaks in the middle of a transaction, while it is asked nothing, fails that transaction alone', async () => {
  await using other = await createTestDatabase({ migrate: false });
  await using control = openControlDatabase(createTestHost(), other.url);
  const broken = control.transaction(async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const ended = new Promise((resolve) => client.once('end', resolve));
    await control.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await ended;
    await client.query('select 1');
  });
  await expect(broken).rejects.toThrow();
  expect(await control.transaction((client) => client.query('select 1'))).toMatchObject({ rowCount: 1 });
});
