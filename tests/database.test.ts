import { expect, test } from 'vitest';
import { createTestDatabase } from './database.ts';

test('each test database is migrated, alone, and gone afterwards', async () => {
  const first = await createTestDatabase();
  await using second = await createTestDatabase();
  const count = { name: 'count_outbox', text: 'select count(*)::int as rows from platform_outbox' };
  const insert = { name: 'insert_outbox', text: "insert into platform_outbox (topic, payload) values ('x', '{}')" };
  await first.db.query(insert);
  expect(await first.db.query(count)).toEqual([{ rows: 1 }]);
  expect(await second.db.query(count)).toEqual([{ rows: 0 }]);
  await first[Symbol.asyncDispose]();
  const name = new URL(first.url).pathname.slice(1);
  const find = { name: 'find_database', text: 'select datname from pg_database where datname = $1' };
  expect(await second.db.query(find, [name])).toEqual([]);
});

test('without migrations the database is empty', async () => {
  await using empty = await createTestDatabase({ migrate: false });
  const tables = { name: 'tables', text: "select tablename from pg_tables where schemaname = 'public'" };
  expect(await empty.db.query(tables)).toEqual([]);
});
