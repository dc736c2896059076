import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import { verifyPassword } from '../accounts/password.ts';
import { createPlainWalletStore } from '../wallet/store.ts';
import { conversationsOf, membersOf, messagesUpTo, pairOffsets, planSeed, seededPassword, sentByEach } from './plan.ts';
import { seedDatabase } from './seed.ts';

const users = 500;
let first: TestDatabase;
let second: TestDatabase;

beforeAll(async () => {
  [first, second] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const options = { users, seed: 7 };
  await Promise.all([seedDatabase(createTestHost(), first.url, options), seedDatabase(createTestHost(), second.url, options)]);
});
afterAll(async () => {
  await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
});

let statements = 0;
async function rows<Row extends object>(text: string, database: TestDatabase = first): Promise<Row[]> {
  return await database.db.query<Row>({ name: `seed_test_${++statements}`, text });
}
/** The first column of the first row, of a query that counts what is wrong. */
async function count(text: string, database?: TestDatabase): Promise<number> {
  const [row] = await rows<{ count: number }>(`select count(*) as count from (${text}) wrong`, database);
  return row?.count ?? -1;
}

const tables = [
  'accounts', 'profiles', 'follows', 'posts', 'post_stats', 'post_likes', 'timelines', 'conversations', 'conversation_members',
  'messages', 'wallet_accounts', 'wallet_transfers', 'wallet_entries', 'feed_large_authors', 'seed_info',
];
const digestOf = async (table: string, database: TestDatabase): Promise<string> =>
  (await rows<{ digest: string }>(`select md5(coalesce(string_agg(t::text, E'\\n' order by t::text), '')) as digest from ${table} t`, database))[0]?.digest ?? '';

describe('the same seed', () => {
  it('gives the same rows in every table', async () => {
    for (const table of tables) expect([table, await digestOf(table, first)]).toEqual([table, await digestOf(table, second)]);
  });

  it('replaces what an earlier seed put there, and another seed gives other data', async () => {
    const before = await digestOf('posts', second);
    await seedDatabase(createTestHost(), second.url, { users, seed: 8 });
    expect(await digestOf('posts', second)).not.toBe(before);
    await seedDatabase(createTestHost(), second.url, { users, seed: 7 });
    for (const table of tables) expect([table, await digestOf(table, second)]).toEqual([table, await digestOf(table, first)]);
  });
});

describe('the data is consistent', () => {
  it('has exact counters of follows, likes and messages', async () => {
    expect(await count('select from profiles p where followers_count <> (select count(*) from follows where followee_id = p.user_id)')).toBe(0);
    expect(await count('select from profiles p where following_count <> (select count(*) from follows where follower_id = p.user_id)')).toBe(0);
    expect(await count('select from post_stats s where likes <> (select count(*) from post_likes where post_id = s.post_id)')).toBe(0);
    expect(await count('select from post_likes')).toBeGreaterThan(users);
    expect(await count(`select from conversation_members m where (sent_count, read_message_id) is distinct from (
      (select count(*) from messages x where x.conversation_id = m.conversation_id and x.sender_id = m.user_id),
      (select max(id) from messages x where x.conversation_id = m.conversation_id))`)).toBe(0);
    expect(await count('select from messages x where not exists (select from conversation_members m where (m.conversation_id, m.user_id) = (x.conversation_id, x.sender_id))')).toBe(0);
    expect(await count('select from messages x join conversations c on c.id = x.conversation_id where x.created_at < c.created_at')).toBe(0);
  });

  it('has a ledger that passes the audit', async () => {
    const audit = await createPlainWalletStore(first.db).audit();
    expect(audit).toMatchObject({ balanced: true, mismatchCount: 0, negativeCount: 0, brokenTransferCount: 0, transfersChecked: users });
    expect(await count('select from wallet_accounts where id <= 500 and balance = 10000')).toBe(users);
  });

  it('has the 64 newest posts of a user and of those followed in the timeline', async () => {
    expect(await count(`
      select a.id from accounts a where role = 'user' and
        array(select post_id from timelines where user_id = a.id order by post_id) is distinct from
        array(select id from (select p.id from posts p where p.author_id = a.id or p.author_id in
          (select followee_id from follows where follower_id = a.id) order by p.id desc limit 64) n order by id)`)).toBe(0);
  });

  it('spreads followers on a power law, with a floor and a head', async () => {
    const [row] = await rows<{ mean: string; most: number; median: number }>(`select avg(followers_count) as mean, max(followers_count) as most,
      percentile_cont(0.5) within group (order by followers_count)::float8 as median from profiles where user_id <= ${users}`);
    expect(Number(row?.mean)).toBeCloseTo(20, -1);
    expect(row?.most ?? 0).toBeGreaterThan(4 * (row?.median ?? 0));
  });

  it('puts sequences beyond the seeded ids and leaves every index in place', async () => {
    const [added] = await rows<{ id: number }>(`insert into posts (author_id, write_id, body) values (1, gen_random_uuid(), 'new') returning id`, second);
    expect(added?.id).toBe(users * 10 + 1);
    await rows(`delete from posts where id = ${users * 10 + 1} returning id`, second);
    await using plain = await createTestDatabase();
    const indexes = `select indexdef from pg_indexes where schemaname = 'public' order by indexdef`;
    expect(await rows(indexes)).toEqual(await rows(indexes, plain));
    const constraints = `select conrelid::regclass::text as t, conname, pg_get_constraintdef(oid) as d from pg_constraint where connamespace = 'public'::regnamespace order by 1, 2`;
    expect(await rows(constraints)).toEqual(await rows(constraints, plain));
  });

  it('gives every account one real hash of the documented password, and an admin', async () => {
    const found = await rows<{ hash: string; role: string; email: string; id: number }>(`select password_hash as hash, role, email, id from accounts order by id desc limit 2`);
    expect(found.map(({ role, email, id }) => [role, email, id])).toEqual([['admin', 'admin@seed.avalo.test', 501], ['user', 'user500@seed.avalo.test', 500]]);
    expect(await verifyPassword(found[1]?.hash ?? '', seededPassword)).toBe(true);
    expect(await count('select distinct password_hash from accounts')).toBe(1);
  });
});

describe('what scenarios may rely on', () => {
  it('knows the members and counts of every conversation without asking the database', async () => {
    const found = await rows<{ id: number; low: number; high: number; by: number; sent: number }>(
      'select c.id, user_low as low, user_high as high, created_by as by, (select min(sent_count) from conversation_members m where m.conversation_id = c.id) as sent from conversations c order by id',
    );
    expect(found).toHaveLength(planSeed({ users, seed: 7 }).conversations);
    for (const { id, low, high, by, sent } of found) {
      const { first: begun, second: other } = membersOf(users, id);
      expect([Math.min(begun, other), Math.max(begun, other), begun, sentByEach(id)]).toEqual([low, high, by, sent]);
    }
    expect(await count('select from messages')).toBe(messagesUpTo(found.length));
    for (const user of [1, 2, 250, 500]) {
      const own = await rows<{ id: number; peer: number }>(`select conversation_id as id, peer_id as peer from conversation_members where user_id = ${user} order by 1`);
      expect(own).toEqual(conversationsOf(users, user).map(({ id, peerId }) => ({ id, peer: peerId })).toSorted((a, b) => a.id - b.id));
    }
  });

  it('joins no pair twice and nobody with himself, however few users there are', () => {
    for (let few = 1; few <= 40; few++) {
      const pairs = Array.from({ length: pairOffsets(few).length * few }, (_, index) => membersOf(few, index + 1));
      const keys = pairs.map(({ first: a, second: b }) => `${Math.min(a, b)}-${Math.max(a, b)}`);
      expect(new Set(keys).size).toBe(keys.length);
      expect(pairs.every(({ first: a, second: b }) => a !== b)).toBe(true);
    }
  });

  it('seeds a single user as well', async () => {
    await using one = await createTestDatabase();
    expect(await seedDatabase(createTestHost(), one.url, { users: 1, seed: 1 })).toMatchObject({ users: 1, posts: 10, conversations: 0, adminId: 2 });
    expect(await count('select from timelines', one)).toBe(10);
    expect(await count(`select from seed_info where state = 'complete'`, one)).toBe(1);
  });
});
