import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import type { Database } from '../platform/database.ts';
import { createBatchedFeedStore } from './batched-store.ts';
import { createFanOutJob } from './fan-out.ts';
import { addUsers, emptyFeed, follow, testPlatform } from './fixture.ts';
import { newestId } from '../platform/keyset.ts';
import type { PostPage } from './schemas.ts';
import { createFeedStore, type FeedStore } from './store.ts';

let test: TestDatabase;
let db: Database;
let plain: FeedStore;
const largeFollowersMin = 1_000;

const batched = (cacheMaxBytes = 1_000_000): FeedStore =>
  createBatchedFeedStore(testPlatform(db), plain, { largeFollowersMin, cacheMaxBytes });
const homeOf = async (store: FeedStore, userId: number, beforeId = newestId, limit = 20): Promise<PostPage> =>
  JSON.parse((await store.home({ userId, beforeId, limit })).toString()) as PostPage;
const timelineOf = async (userId: number): Promise<number[]> =>
  (await db.query<{ post_id: number }>(
    { name: 'test_timeline', text: 'select post_id from timelines where user_id = $1 order by post_id desc' }, [userId],
  )).map((row) => row.post_id);
const pick = (stores: readonly FeedStore[], index: number): FeedStore => stores[index % stores.length] as FeedStore;
const descending = (ids: readonly number[]): number[] => ids.toSorted((a, b) => b - a);
/** What was written; the write id must not have been used for something else. */
function written<Written>(answer: Written | 'key_reused' | undefined): Written {
  if (answer === undefined || answer === 'key_reused') throw new Error(answer === undefined ? 'there is no such post' : 'the key was used before');
  return answer;
}
const makePost = async (store: FeedStore, authorId: number, body = 'hello'): Promise<number> =>
  written(await store.createPost({ authorId, writeId: randomUUID(), body })).row.id;

beforeAll(async () => {
  test = await createTestDatabase();
  db = test.db;
  plain = createFeedStore(db, largeFollowersMin);
  const users = Array.from({ length: 60 }, (_, index): [number, number] => [index + 1, 0]);
  await addUsers(db, [...users, [500, 5_000]]);
});
afterAll(() => test[Symbol.asyncDispose]());
beforeEach(() => emptyFeed(db));

describe('counters', () => {
  it('counts 50 likes sent at once through three stores exactly', async () => {
    const stores = [plain, batched(), batched()];
    const postId = await makePost(plain, 1);
    const likes = Array.from({ length: 50 }, (_, index) => pick(stores, index).like(index + 1, postId, randomUUID()));
    expect((await Promise.all(likes)).every((liked) => written(liked).created)).toBe(true);
    expect(JSON.parse(String(await plain.post(1, postId)))).toMatchObject({ likes: 50, likedByMe: true });
  });

  it('stays exact when likes, unlikes and comments on many posts cross in opposite orders', async () => {
    const stores = [batched(), batched(), plain];
    const posts = await Promise.all(Array.from({ length: 8 }, (_, index) => makePost(plain, index + 1)));
    const work: Promise<unknown>[] = [];
    for (let round = 0; round < 240; round++) {
      const postId = posts[(round * 7) % 8] as number;
      const store = pick(stores, round);
      const userId = (round % 30) + 1;
      if (round % 4 === 3) work.push(store.unlike(userId, postId));
      else if (round % 4 === 2) work.push(store.createComment({ postId, authorId: userId, writeId: randomUUID(), body: 'c' }));
      else work.push(store.like(userId, postId, randomUUID()));
    }
    await Promise.all(work);
    const wrong = await db.query({
      name: 'test_counts',
      text: `select s.* from post_stats s
        where likes <> (select count(*) from post_likes l where l.post_id = s.post_id)
          or comments <> (select count(*) from post_comments c where c.post_id = s.post_id)`,
    });
    expect(wrong).toEqual([]);
  });

  it('answers a repeated like as made by its own key, and as there already to another', async () => {
    const store = batched();
    const postId = await makePost(store, 1);
    const writeId = randomUUID();
    expect(await store.like(2, postId, writeId)).toEqual({ likes: 1, created: true, replayed: false });
    expect(await store.like(2, postId, writeId)).toEqual({ likes: 1, created: true, replayed: true });
    expect(await store.like(2, postId, randomUUID())).toEqual({ likes: 1, created: false, replayed: false });
    expect(await store.unlike(2, postId)).toBe(0);
    expect(await store.unlike(2, postId)).toBe(0);
    expect(await store.like(2, 999_999_999, randomUUID())).toBeUndefined();
  });
});

describe('posts', () => {
  it('makes one post of a write sent ten times at once over two stores', async () => {
    const stores = [batched(), batched()];
    const writeId = randomUUID();
    const made = (await Promise.all(
      Array.from({ length: 10 }, (_, index) => pick(stores, index).createPost({ authorId: 3, writeId, body: 'once' })),
    )).map(written);
    expect(new Set(made.map((each) => each.row.id)).size).toBe(1);
    expect(made.filter((each) => each.created)).toHaveLength(1);
    expect((await homeOf(pick(stores, 0), 3)).items).toHaveLength(1);
  });

  it('fails a bad item alone', async () => {
    const store = batched();
    const results = await Promise.allSettled([
      store.createPost({ authorId: 1, writeId: randomUUID(), body: 'good' }),
      store.createPost({ authorId: 1, writeId: 'no uuid', body: 'bad' }),
      store.createPost({ authorId: 2, writeId: randomUUID(), body: 'good' }),
    ]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('never serves a text that another process has edited or deleted', async () => {
    const [here, there] = [batched(), batched()];
    const postId = await makePost(here, 1, 'first');
    expect((await homeOf(here, 1)).items[0]?.body).toBe('first');
    expect((await homeOf(there, 1)).items[0]?.body).toBe('first');
    expect(await there.editPost(1, postId, 'sécond "quoted"')).toBe('changed');
    expect((await homeOf(here, 1)).items[0]?.body).toBe('sécond "quoted"');
    expect(await there.editPost(2, postId, 'stolen')).toBe('not_author');
    expect(await there.deletePost(1, postId)).toBe('changed');
    expect((await homeOf(here, 1)).items).toEqual([]);
    expect(await here.post(1, postId)).toBeUndefined();
    expect(await here.editPost(1, postId, 'late')).toBe('not_found');
  });

  it('warms the newest posts and stops at the cache limit', async () => {
    for (let index = 0; index < 10; index++) await makePost(plain, 1, 'x'.repeat(200));
    expect(await batched().warmUp(4)).toBe(4);
    const count = await batched(2_000).warmUp(100);
    expect(count).toBeGreaterThan(1);
    expect(count).toBeLessThan(10);
  });
});

describe('a key that comes back', () => {
  it.each([['plain', () => plain], ['batched', batched]])('is refused by the %s store with another text or post, and repeats the first answer with the same', async (_name, make) => {
    const store = make();
    const [one, two] = [await makePost(store, 1), await makePost(store, 1)];
    const post = { authorId: 2, writeId: randomUUID(), body: 'first ñ' };
    const first = written(await store.createPost(post));
    expect(await store.createPost(post)).toEqual({ ...first, created: false });
    expect(await store.createPost({ ...post, body: 'other' })).toBe('key_reused');

    const like = randomUUID();
    const crossed = await Promise.all([store.like(3, one, like), store.like(3, two, like)]);
    expect(crossed.filter((liked) => liked === 'key_reused')).toHaveLength(1);
    expect(crossed).toContainEqual({ likes: 1, created: true, replayed: false });
    const [own, other] = crossed[0] === 'key_reused' ? [two, one] : [one, two];
    expect(await store.like(4, other, like)).toMatchObject({ created: true, replayed: false });
    expect(await store.like(3, other, randomUUID())).toMatchObject({ likes: 2, created: true });
    expect(await store.like(3, other, like)).toBe('key_reused');
    expect(await store.like(3, own, like)).toMatchObject({ created: true, replayed: true });

    const comment = { postId: one, authorId: 3, writeId: randomUUID(), body: 'c' };
    const commented = written(await store.createComment(comment));
    expect(await store.createComment(comment)).toEqual({ ...commented, created: false });
    expect(await store.createComment({ ...comment, body: 'd' })).toBe('key_reused');
    expect(await store.createComment({ ...comment, postId: two })).toBe('key_reused');
  });

  it('knows the text a post was made with after edits and its deletion', async () => {
    const store = batched();
    const post = { authorId: 2, writeId: randomUUID(), body: 'as written' };
    const first = written(await store.createPost(post));
    for (const body of ['edited', 'edited again', undefined]) {
      expect(body === undefined ? await store.deletePost(2, first.row.id) : await store.editPost(2, first.row.id, body)).toBe('changed');
      for (const each of [store, plain]) {
        expect(await each.createPost(post)).toEqual({ ...first, created: false });
        expect(await each.createPost({ ...post, body: body ?? '' })).toBe('key_reused');
      }
    }
  });
});

describe('fan-out', () => {
  it('announces posts in the outbox, fills timelines in steps, twice without change', async () => {
    const followers = Array.from({ length: 30 }, (_, index) => index + 10);
    await follow(db, followers, 1);
    await follow(db, [11, 12], 2);
    const store = batched();
    const ids = await Promise.all([makePost(store, 1), makePost(store, 2), makePost(store, 1)]);
    const events = await db.query<{ payload: { postIds: number[] } }>(
      { name: 'test_outbox', text: "select payload from platform_outbox where topic = 'feed.fan_out'" });
    expect(new Set(events.flatMap((event) => event.payload.postIds))).toEqual(new Set(ids));

    const job = createFanOutJob(db, { stepSize: 7 });
    const payloads = events.map((event) => job.payload.parse(event.payload));
    await job.handle(payloads);
    await Promise.all([job.handle(payloads), job.handle(payloads)]);
    expect(await timelineOf(11)).toEqual(descending(ids));
    expect(await timelineOf(39)).toEqual(descending([ids[0], ids[2]]));
    expect(await timelineOf(1)).toHaveLength(2);
    expect(await timelineOf(5)).toEqual([]);
  });

  it('trims a timeline to its newest rows', async () => {
    await follow(db, [20], 1);
    const job = createFanOutJob(db, { timelineMax: 5, trimEvery: 1 });
    const ids: number[] = [];
    for (let index = 0; index < 9; index++) ids.push(await makePost(plain, 1));
    await job.handle([{ postIds: ids.slice(0, 4) }, { postIds: ids.slice(4) }]);
    expect(await timelineOf(20)).toEqual(ids.slice(4).toReversed());
  });

  it('merges the posts of large accounts when a timeline is read', async () => {
    await follow(db, [30], 500);
    await follow(db, [30], 1);
    const store = batched();
    const small = await makePost(store, 1);
    const large = [await makePost(store, 500), await makePost(store, 500)];
    const last = await makePost(store, 1);
    await createFanOutJob(db).handle([{ postIds: [small, ...large, last] }]);
    expect(await timelineOf(30)).toEqual([last, small]);
    const first = await homeOf(store, 30, newestId, 3);
    expect(first.items.map((post) => post.id)).toEqual([last, large[1], large[0]]);
    expect(first).toEqual(await homeOf(plain, 30, newestId, 3));
    const rest = await homeOf(store, 30, large[0], 3);
    expect(rest).toMatchObject({ items: [{ id: small }], nextCursor: null });
    expect((await homeOf(store, 500)).items.map((post) => post.id)).toEqual(large.toReversed());
  });
});
