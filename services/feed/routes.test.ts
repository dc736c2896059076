import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import type { Domain, Platform } from '../platform/domain.ts';
import { createFeed } from './domain.ts';
import { addUsers, call, testPlatform } from './fixture.ts';
import { commentSchema, likeSchema, postPageSchema, postSchema, type PostPage } from './schemas.ts';

let test: TestDatabase;
let platform: Platform;
let feed: Domain;

beforeAll(async () => {
  test = await createTestDatabase();
  platform = testPlatform(test.db);
  feed = createFeed(platform);
  await addUsers(test.db, [[1, 0], [2, 0]]);
  await feed.warmUp?.();
});
afterAll(() => test[Symbol.asyncDispose]());

const replayed = { 'idempotent-replayed': 'true' };
const reused = { status: 409, code: 'idempotency_key_reused' };

it('answers with the declared bodies and statuses, from post to comment', async () => {
  const writeId = randomUUID();
  const made = await call(feed.routes, 'createPost', { userId: 1, writeId, body: { body: 'first' } });
  expect(made.status).toBe(201);
  const post = postSchema.parse(made.body);
  expect(await call(feed.routes, 'createPost', { userId: 1, writeId, body: { body: 'first' } })).toEqual({ status: 201, headers: replayed, body: post });
  await expect(call(feed.routes, 'createPost', { userId: 1, writeId, body: { body: 'other' } })).rejects.toMatchObject(reused);

  const params = { postId: post.id };
  const like = { userId: 2, params, writeId: randomUUID() };
  const liked = await call(feed.routes, 'likePost', like);
  expect(liked.status).toBe(201);
  expect(likeSchema.parse(liked.body)).toEqual({ liked: true, likes: 1, created: true });
  expect(await call(feed.routes, 'likePost', like)).toEqual({ status: 201, headers: replayed, body: liked.body });
  expect(await call(feed.routes, 'likePost', { ...like, writeId: randomUUID() })).toMatchObject({ status: 200, body: { created: false } });

  const comment = { userId: 2, params, writeId: randomUUID(), body: { body: 'well said' } };
  const commented = await call(feed.routes, 'createComment', comment);
  expect(commented.status).toBe(201);
  expect(commentSchema.parse(commented.body)).toMatchObject({ postId: post.id, authorId: 2 });
  expect(await call(feed.routes, 'createComment', comment)).toEqual({ status: 201, headers: replayed, body: commented.body });
  await expect(call(feed.routes, 'createComment', { ...comment, body: { body: 'said otherwise' } })).rejects.toMatchObject(reused);
  expect(await call(feed.routes, 'listComments', { userId: 1, params })).toEqual({ status: 200, body: { items: [commented.body], nextCursor: null } });

  const edited = await call(feed.routes, 'editPost', { userId: 1, params, body: { body: 'second' } });
  expect(edited).toEqual({ status: 200, body: { ...post, body: 'second', likes: 1, comments: 1 } });
  await expect(call(feed.routes, 'editPost', { userId: 2, params, body: { body: 'x' } })).rejects.toMatchObject({ status: 403, code: 'not_author' });
  const home = await call(feed.routes, 'getFeed', { userId: 1 });
  expect(postPageSchema.parse(home.body)).toEqual({ items: [edited.body], nextCursor: null });

  expect(await call(feed.routes, 'unlikePost', { userId: 2, params })).toMatchObject({ status: 200, body: { liked: false, likes: 0 } });
  expect(await call(feed.routes, 'deletePost', { userId: 1, params })).toMatchObject({ status: 204 });
  for (const operation of ['getPost', 'deletePost', 'likePost', 'unlikePost', 'listComments']) {
    await expect(call(feed.routes, operation, { userId: 1, params, writeId: randomUUID() })).rejects.toMatchObject({ status: 404, code: 'post_not_found' });
  }
});

it('pages through a timeline without gap or repeat, and counts hits and misses', async () => {
  const ids: number[] = [];
  for (let index = 0; index < 7; index++) {
    const made = await call(feed.routes, 'createPost', { userId: 2, writeId: randomUUID(), body: { body: `post ${index}` } });
    ids.unshift((made.body as { id: number }).id);
  }
  for (let round = 0; round < 2; round++) {
    const seen: number[] = [];
    let cursor: string | null = null;
    do {
      const page: PostPage = postPageSchema.parse(
        (await call(feed.routes, 'getFeed', { userId: 2, query: { limit: '3', ...(cursor === null ? {} : { cursor }) } })).body);
      seen.push(...page.items.map((post) => post.id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(ids);
  }
  const valueOf = async (name: string): Promise<number> =>
    (await platform.metrics.getSingleMetric(name)?.get())?.values[0]?.value ?? 0;
  expect(await valueOf('feed_post_cache_hits_total')).toBeGreaterThanOrEqual(7);
  expect(await valueOf('feed_post_cache_misses_total')).toBeGreaterThanOrEqual(7);
});

it('refuses a cursor that is none of ours', async () => {
  await expect(call(feed.routes, 'getFeed', { userId: 1, query: { cursor: 'bm9uc2Vuc2U' } })).rejects.toMatchObject({ status: 400, code: 'invalid_cursor' });
});
