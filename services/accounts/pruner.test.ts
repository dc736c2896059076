import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import type { Platform } from '../platform/domain.ts';
import { createSessionsPruner } from './pruner.ts';

const host = createNodeHost();
let test: TestDatabase;
let platform: Platform;
beforeAll(async () => {
  test = await createTestDatabase();
  platform = { host, db: test.db, log: pino({ level: 'silent' }), metrics: new Registry() };
  await test.db.query({ name: 'test_account', text: "insert into accounts (id, email, password_hash) values (1, 'a@example.org', 'x')" });
});
afterAll(() => test[Symbol.asyncDispose]());
beforeEach(async () => {
  await test.db.query({ name: 'test_clear', text: 'delete from account_sessions' });
});

/** A session with tokens that expired so many hours ago; negative ones are yet to. */
async function addSession(number: number, hoursAgo: readonly number[]): Promise<void> {
  const id = `00000000-0000-0000-0000-${String(number).padStart(12, '0')}`;
  await test.db.query({ name: 'test_session', text: 'insert into account_sessions (id, account_id) values ($1, 1)' }, [id]);
  await test.db.query({
    name: 'test_tokens',
    text: `insert into account_refresh_tokens (token_hash, session_id, expires_at)
      select sha256(convert_to($1::text || h, 'UTF8')), $1::uuid, now() - make_interval(hours => h) from unnest($2::int[]) h`,
  }, [id, hoursAgo]);
}
const left = async (): Promise<[sessions: number[], tokens: number]> => {
  const sessions = await test.db.query<{ n: number }>({ name: 'test_left', text: 'select right(id::text, 12)::int as n from account_sessions order by 1' });
  const tokens = await test.db.query({ name: 'test_left_tokens', text: 'select 1 from account_refresh_tokens' });
  return [sessions.map((row) => row.n), tokens.length];
};

it('deletes what has been expired for a day, and only sessions that nothing can continue', async () => {
  await addSession(1, [48, 25]);
  await addSession(2, [48, 23]);
  await addSession(3, [48, -5]);
  expect(await createSessionsPruner(platform).runOnce()).toBe(4);
  expect(await left()).toEqual([[2, 3], 2]);
  expect(await createSessionsPruner(platform).runOnce()).toBe(0);
});

it('takes the oldest first, a bounded number a pass', async () => {
  await addSession(1, [26]);
  await addSession(2, [50]);
  await addSession(3, [40]);
  const pruner = createSessionsPruner(platform, { passMax: 2 });
  expect(await pruner.runOnce()).toBe(2);
  expect(await left()).toEqual([[1], 1]);
});

it('goes on at once after a full pass, rests after another, and stops when told', async () => {
  for (const number of [1, 2, 3, 4]) await addSession(number, [48]);
  const delaysMs: number[] = [];
  const after: typeof host.timers.after = (delayMs, run) => {
    delaysMs.push(delayMs);
    return host.timers.after(Math.min(delayMs, 1), run);
  };
  const pruner = createSessionsPruner({ ...platform, host: { ...host, timers: { ...host.timers, after } } }, { passMax: 1 });
  pruner.start();
  await expect.poll(() => delaysMs.slice(0, 6)).toEqual([60_000, 0, 0, 0, 0, 60_000]);
  await pruner.stop();
  expect(await left()).toEqual([[], 0]);
  const before = delaysMs.length;
  await addSession(5, [48]);
  expect((await left())[0]).toEqual([5]);
  expect(delaysMs).toHaveLength(before);
});
