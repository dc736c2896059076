import * as fc from 'fast-check';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import type { Host } from '../../ops/core/host.ts';
import { cutAtRepeats } from '../platform/idempotency.ts';
import type { Reply, RequestContext, Route } from '../platform/route.ts';
import { createFastProfilesStore } from './fast-store.ts';
import { createProfileRoutes } from './routes.ts';
import { profileChange, type Profile } from './schemas.ts';
import { createPlainProfilesStore, createProfilesSql, followKeysOf, profileMaker, type FollowChange, type ProfilesStore } from './store.ts';

const host = createNodeHost();
let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test[Symbol.asyncDispose]());

const users = [1, 2, 3, 4];
const reset = async (): Promise<void> => {
  await test.db.query({ name: 'clear', text: 'truncate profiles, follows' });
  for (const userId of users) await profileMaker.create(test.db, { userId, handle: `user${userId}`, displayName: `User ${userId}` });
};
beforeEach(reset);

const fastStore = (with_: Host = host): ProfilesStore => createFastProfilesStore(with_, test.db, new Registry());
const read = async (store: ProfilesStore, userId: number): Promise<Profile> => JSON.parse(String(await store.readJson(userId))) as Profile;
const uuidOf = (index: number): string => `aaaaaaaa-0000-0000-0000-${String(index).padStart(12, '0')}`;

async function call(routes: readonly Route[], operationId: string, context: object): Promise<Reply> {
  const found = routes.find((each) => each.operationId === operationId);
  if (found === undefined) throw new Error(`no operation ${operationId}`);
  return await found.handle(context as RequestContext<unknown, unknown, unknown>);
}

/** Whether every profile's counters equal its rows. */
async function countersAreRight(): Promise<boolean> {
  const wrong = await test.db.query({
    name: 'wrong',
    text: `select user_id from profiles p where followers_count <> (select count(*) from follows where followee_id = p.user_id)
           or following_count <> (select count(*) from follows where follower_id = p.user_id)`,
  });
  return wrong.length === 0;
}

type Step = { kind: 'follow'; from: number; to: number; wanted: boolean; write: number } | { kind: 'read'; user: number } | { kind: 'price'; user: number; price: number };
const user = fc.constantFrom(...users, 99);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('follow' as const), from: fc.constantFrom(...users), to: user, wanted: fc.boolean(), write: fc.nat(20) }).filter((each) => each.from !== each.to),
  fc.record({ kind: fc.constant('read' as const), user }),
  fc.record({ kind: fc.constant('price' as const), user, price: fc.nat(1_000_000) }),
);

async function perform(store: ProfilesStore, each: Step): Promise<unknown> {
  if (each.kind === 'read') return (await store.readJson(each.user))?.toString();
  if (each.kind === 'price') return store.update(each.user, { chatPrice: each.price });
  return store.follow({ followerId: each.from, followeeId: each.to, wanted: each.wanted, writeId: each.wanted ? uuidOf(each.write) : null });
}

describe('profiles', () => {
  it('answers the same batched and cached as plain, step by step', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        const results: unknown[][] = [];
        for (const store of [createPlainProfilesStore(test.db), fastStore()]) {
          await reset();
          const answers: unknown[] = [];
          for (const each of steps) answers.push(await perform(store, each));
          results.push(answers);
        }
        expect(results[1]).toEqual(results[0]);
      }),
      { numRuns: 25 },
    );
  });

  it('settles a batch as the same changes one by one, also where pairs repeat', async () => {
    const many = createProfilesSql(test.db);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const changes = steps.flatMap((each): FollowChange[] =>
          each.kind === 'follow' ? [{ followerId: each.from, followeeId: each.to, wanted: each.wanted, writeId: each.wanted ? uuidOf(each.write) : null }] : []);
        await reset();
        const singly = [];
        for (const change of changes) singly.push(...(await many.settleFollows([change])));
        await reset();
        expect(await many.settleFollows(changes)).toEqual(singly);
        expect(await countersAreRight()).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('keeps counters right under concurrency over several processes', async () => {
    const stores = [fastStore(), fastStore(), fastStore(), createPlainProfilesStore(test.db)];
    const random = fc.sample(step, { numRuns: 400, seed: 7 });
    await Promise.all(random.map((each, index) => perform(stores[index % stores.length] as ProfilesStore, each)));
    expect(await countersAreRight()).toBe(true);
  });

  it('takes a follow repeated under its own id as made, under another as unchanged', async () => {
    const store = fastStore();
    const change = { followerId: 1, followeeId: 2, wanted: true, writeId: uuidOf(1) };
    expect(await store.follow(change)).toBe('followed');
    expect(await store.follow(change)).toBe('replayed');
    expect(await store.follow({ ...change, writeId: uuidOf(2) })).toBe('unchanged');
    expect(await store.follow({ ...change, followeeId: 99 })).toBe('missing');
    expect(await store.follow({ ...change, followeeId: 3 })).toBe('reused');
    expect(await store.follow({ ...change, followerId: 4, followeeId: 3 })).toBe('followed');
    expect(await read(store, 2)).toMatchObject({ followersCount: 1, followingCount: 0 });
  });

  it('shows changes of this process at once and of others within a second', async () => {
    let nowMs = 0;
    const [here, there] = [fastStore({ ...host, clock: { nowMs: () => nowMs, monotonicMs: () => nowMs } }), createPlainProfilesStore(test.db)];
    expect((await read(here, 1)).chatPrice).toBe(10);
    await here.update(1, { chatPrice: 20 });
    expect((await read(here, 1)).chatPrice).toBe(20);
    await there.update(1, { chatPrice: 30 });
    nowMs = 999;
    expect((await read(here, 1)).chatPrice).toBe(20);
    nowMs = 1_001;
    expect((await read(here, 1)).chatPrice).toBe(30);
  });

  it('does not keep a read that a change overtook', async () => {
    const blocked = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const slowDb = {
      ...test.db,
      query: (async (statement: { name: string; text: string }, values?: readonly unknown[]) => {
        const rows = await test.db.query(statement, values);
        if (statement.name === 'profiles_read_many') {
          begun.resolve();
          await blocked.promise;
        }
        return rows;
      }) as typeof test.db.query,
    };
    const store = createFastProfilesStore(host, slowDb, new Registry());
    const old = read(store, 1);
    await begun.promise;
    await store.update(1, { bio: 'new' });
    blocked.resolve();
    expect((await old).bio).toBe('');
    expect((await read(store, 1)).bio).toBe('new');
  });

  it('refuses a handle that is taken', async () => {
    await expect(profileMaker.create(test.db, { userId: 9, handle: 'user1', displayName: 'x' })).rejects.toMatchObject({ status: 409, code: 'handle_taken' });
  });
});

describe('profileChange', () => {
  it('refuses text that the database cannot hold', () => {
    for (const change of [{ displayName: 'a\0b' }, { bio: 'a\0b' }]) expect(profileChange.safeParse(change).success).toBe(false);
    expect(profileChange.safeParse({ displayName: 'ab', bio: 'ab' }).success).toBe(true);
  });
});

describe('followKeysOf', () => {
  it('keeps a pair, and a key of a user, from occurring twice in a call', () => {
    const change = (followerId: number, followeeId: number, writeId: string | null): FollowChange => ({ followerId, followeeId, wanted: writeId !== null, writeId });
    const changes = [change(2, 1, null), change(3, 1, 'k'), change(2, 1, 'k'), change(2, 4, 'k'), change(3, 4, 'k2')];
    expect(cutAtRepeats(changes, followKeysOf).map((part) => part.length)).toEqual([2, 1, 2]);
  });
});

describe('the routes', () => {
  it('mark a repeated follow, and refuse a key that followed another', async () => {
    const routes = createProfileRoutes(fastStore());
    const follow = (userId: number) => call(routes, 'follow', { userId: 1, writeId: uuidOf(7), params: { userId } });
    const body = { following: true, changed: true };
    expect(await follow(2)).toEqual({ status: 200, body });
    expect(await follow(2)).toEqual({ status: 200, headers: { 'idempotent-replayed': 'true' }, body });
    await expect(follow(3)).rejects.toMatchObject({ status: 409, code: 'idempotency_key_reused' });
    expect(await read(fastStore(), 3)).toMatchObject({ followersCount: 0 });
  });
});
