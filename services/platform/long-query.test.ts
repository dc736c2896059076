import { afterAll, beforeAll, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import type { Database } from './database.ts';
import { queryAtLength } from './long-query.ts';
import { createPostgresDatabase } from './postgres.ts';

let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase({ migrate: false });
  db = createPostgresDatabase({ host: createNodeHost(), url: test.url, poolSize: 1, statementTimeoutMs: 100 });
});
afterAll(async () => {
  await db.close();
  await test[Symbol.asyncDispose]();
});

const slow = { name: 'test_slow', text: 'select pg_sleep(0.3)::text as slept', repeatable: true };

it('outlasts the limit of the connection, keeps its own, and leaves the connection as it was', async () => {
  expect(await queryAtLength(db, slow, [], 10_000)).toHaveLength(1);
  await expect(db.query(slow)).rejects.toMatchObject({ code: '57014' });
  await expect(queryAtLength(db, slow, [], 50)).rejects.toMatchObject({ code: '57014' });
});

it('tries once more where its connection broke', async () => {
  const [mine] = await db.query<{ pid: number }>({ name: 'test_pid', text: 'select pg_backend_pid() as pid' });
  await test.db.query({ name: 'test_kill', text: 'select pg_terminate_backend($1, 1000)' }, [mine?.pid]);
  expect(await queryAtLength(db, { name: 'test_one', text: 'select 1 as one', repeatable: true })).toEqual([{ one: 1 }]);
});
