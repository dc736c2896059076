import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { assertNever } from '../../ops/core/error.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import type { Database } from '../platform/database.ts';
import { createBatchedFeedStore } from './batched-store.ts';
import { createFanOutJob } from './fan-out.ts';
import { addUsers, emptyFeed, follow, testPlatform } from './fixture.ts';
import { decodeCursor, newestId } from '../platform/keyset.ts';
import type { PostPage } from './schemas.ts';
import { createFeedStore, type FeedStore } from './store.ts';

/**
 * The plain and the batched store, each on a database of its own, get the same random commands: the
 * plain one by one, the batched in waves sent at once through two stores with caches of their own,
 * as two api processes would. All answers and all final timelines must agree.
 */

const users = [1, 2, 3, 4];
/** User 4 is a large account: pulled, not fanned out. */
const largeFollowersMin = 100;
const writeId = (key: number): string => `00000000-0000-4000-8000-00000000000${key}`;

interface World {
  readonly db: Database;
  readonly stores: readonly FeedStore[];
  /** Ids of posts by the order of their making, the same in both worlds. */
  readonly ids: number[];
}

interface Item {
  readonly user: number;
  /** Position among the posts made, cut to those there are. */
  readonly post: number;
  readonly key: number;
}

type Kind = 'create' | 'like' | 'unlike' | 'comment' | 'edit' | 'delete' | 'follow' | 'fanOut' | 'home' | 'post' | 'comments';

const item = fc.record({ user: fc.constantFrom(...users), post: fc.nat(9), key: fc.nat(9) });
const wave = (kind: Kind, countMax: number) => fc.record({ kind: fc.constant(kind), items: fc.array(item, { minLength: 1, maxLength: countMax }) });
const waves = fc.array(
  fc.oneof(
    wave('create', 6), wave('like', 8), wave('unlike', 6), wave('comment', 6), wave('home', 5), wave('post', 4),
    // One at a time: their order matters.
    wave('edit', 1), wave('delete', 1), wave('follow', 1), wave('fanOut', 1), wave('comments', 3),
  ),
  { minLength: 5, maxLength: 30 },
);

/** Replaces ids by their order and leaves out times. */
function named(world: World, page: PostPage): unknown {
  return page.items.map((post) => ({ ...post, id: world.ids.indexOf(post.id), createdAt: '' }));
}

async function pagesOf(world: World, store: FeedStore, user: number, limit: number): Promise<unknown> {
  const pages: unknown[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const beforeId = cursor === '' ? newestId : decodeCursor(cursor);
    const page = JSON.parse((await store.home({ userId: user, beforeId, limit })).toString()) as PostPage;
    pages.push(named(world, page));
    cursor = page.nextCursor;
  }
  return pages;
}

async function run(world: World, store: FeedStore, kind: Kind, { user, post, key }: Item): Promise<unknown> {
  const postId = world.ids[post % Math.max(1, world.ids.length)] ?? 999_999;
  switch (kind) {
    case 'create': {
      // A third of the repeats of a key come with another text.
      const made = await store.createPost({ authorId: user, writeId: writeId(key), body: `by ${user} "${key}" ñ${post % 3}` });
      return made === 'key_reused' ? made : { id: made.row.id, body: made.row.body, created: made.created };
    }
    case 'like': {
      const liked = await store.like(user, postId, writeId(key));
      // Likes sent at once all answer the count after them.
      return typeof liked === 'object' ? { created: liked.created, replayed: liked.replayed } : liked;
    }
    case 'unlike':
      return (await store.unlike(user, postId)) === undefined;
    case 'comment': {
      const made = await store.createComment({ postId, authorId: user, writeId: writeId(key), body: `c${post}` });
      return made === undefined || made === 'key_reused' ? made : { created: made.created, body: made.row.body, post: world.ids.indexOf(made.row.postId) };
    }
    case 'edit':
      return await store.editPost(user, postId, `edited ${key}`);
    case 'delete':
      return await store.deletePost(user, postId);
    case 'follow':
      return user === (post % 4) + 1 ? undefined : await follow(world.db, [user], (post % 4) + 1);
    case 'fanOut':
      return await createFanOutJob(world.db, { stepSize: 2 }).handle([{ postIds: world.ids }]);
    case 'home':
      return await pagesOf(world, store, user, (key % 4) + 1);
    case 'post': {
      const json = await store.post(user, postId);
      return json === undefined ? 'missing' : named(world, { items: [JSON.parse(json.toString())], nextCursor: null });
    }
    case 'comments':
      return (await store.comments(postId, newestId, 5))?.map(({ authorId, body }) => ({ authorId, body }));
    default:
      return assertNever(kind);
  }
}

/** Answers of a wave of creations, with ids replaced; takes new ids down in the order of their making. */
function note(world: World, answers: unknown[]): unknown[] {
  const made = answers as ({ id: number; body: string; created: boolean } | 'key_reused')[];
  const ids = new Set(made.flatMap((each) => (each === 'key_reused' ? [] : [each.id])));
  world.ids.push(...[...ids].filter((id) => !world.ids.includes(id)).toSorted((a, b) => a - b));
  return made.map((each) => (each === 'key_reused' ? each : { ...each, id: world.ids.indexOf(each.id) }));
}

let tests: TestDatabase[] = [];
beforeAll(async () => {
  tests = await Promise.all([createTestDatabase(), createTestDatabase()]);
  for (const { db } of tests) await addUsers(db, users.map((id) => [id, id === 4 ? 1_000 : 0]));
});
afterAll(async () => {
  await Promise.all(tests.map((test) => test[Symbol.asyncDispose]()));
});

it('gives the same results batched as plain', async () => {
  const [plainDb, batchedDb] = tests.map((test) => test.db) as [Database, Database];
  await fc.assert(
    fc.asyncProperty(waves, async (commands) => {
      await Promise.all([emptyFeed(plainDb), emptyFeed(batchedDb)]);
      const plain: World = { db: plainDb, stores: [createFeedStore(plainDb, largeFollowersMin)], ids: [] };
      const behind = createFeedStore(batchedDb, largeFollowersMin);
      // One cache holds all, the other about three posts.
      const stores = [1_000_000, 1_000].map((cacheMaxBytes) =>
        createBatchedFeedStore(testPlatform(batchedDb), behind, { largeFollowersMin, cacheMaxBytes }));
      const batched: World = { db: batchedDb, stores, ids: [] };
      const final = { kind: 'home' as const, items: users.map((user) => ({ user, post: 0, key: 3 })) };
      let turn = 0;
      for (const { kind, items: unsorted } of [...commands, final, final]) {
        // A batch writes in order of author and key; so does the plain store, to make ids comparable.
        const items = kind === 'create' || kind === 'comment' ? unsorted.toSorted((a, b) => a.user - b.user || a.key - b.key) : unsorted;
        const expected: unknown[] = [];
        for (const each of items) expected.push(await run(plain, plain.stores[0] as FeedStore, kind, each));
        const store = stores[turn++ % 2] as FeedStore;
        const answers = await Promise.all(items.map((each) => run(batched, store, kind, each)));
        if (kind === 'create') expect(note(batched, answers)).toEqual(note(plain, expected));
        else expect(answers).toEqual(expected);
      }
    }),
    { numRuns: 25, interruptAfterTimeLimit: 20_000 },
  );
});
