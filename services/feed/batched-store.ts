import { Batcher } from '../platform/batcher.ts';
import type { Platform } from '../platform/domain.ts';
import type { Statement } from '../platform/database.ts';
import { encodeCursor, headOf, joinPage, parseRef, tailOf, type PostRef } from './rules.ts';
import { PostCache } from './post-cache.ts';
import {
  commentOf, newPostOf, sharedSql,
  type CommentRow, type Created, type FeedStore, type HomeQuery, type Liked, type NewComment, type NewPost, type PostRow,
} from './store.ts';
import type { Comment, Post } from './schemas.ts';

const sql = {
  home: { name: 'feed_home', repeatable: true, text: 'select ord, items, liked from feed_home($1, $2, $3)' },
  posts: { name: 'feed_posts', repeatable: true, text: 'select ord, item, liked from feed_posts($1, $2)' },
  texts: { name: 'feed_texts', repeatable: true, text: 'select id, author_id, body, created_at, version from feed_texts($1)' },
  newest: {
    name: 'feed_newest_texts',
    repeatable: true,
    text: `select p.id, p.author_id, p.body, p.created_at, s.version from posts p join post_stats s on s.post_id = p.id
      where p.id < $1 and not s.deleted order by p.id desc limit $2`,
  },
  createPosts: {
    name: 'feed_create_posts',
    repeatable: true,
    text: 'select id, author_id, write_id, created_at from feed_create_posts($1, $2, $3, $4)',
  },
  like: { name: 'feed_like', repeatable: true, text: 'select ord, created, likes from feed_like($1, $2, $3)' },
  unlike: { name: 'feed_unlike', repeatable: true, text: 'select ord, likes from feed_unlike($1, $2)' },
  createComments: {
    name: 'feed_create_comments',
    repeatable: true,
    text: 'select id, post_id, author_id, write_id, body, created_at from feed_create_comments($1, $2, $3, $4)',
  },
} as const satisfies Record<string, Statement>;

interface TextRow {
  readonly id: number;
  readonly author_id: number;
  readonly body: string;
  readonly created_at: Date;
  readonly version: number;
}

interface PostKey {
  readonly userId: number;
  readonly postId: number;
}

export interface BatchedFeedOptions {
  readonly largeFollowersMin: number;
  readonly cacheMaxBytes: number;
}

const keyOf = (row: { author_id: number; write_id: string }): string => `${row.author_id} ${row.write_id}`;
const warmUpStep = 5_000;

/**
 * The fast store: requests that arrive together share one statement, hence one round trip and, for
 * writes, one transaction and one commit. Of posts the database names ids, versions, counts and
 * flags; their text comes from the cache. Edits and deletions are rare and go the plain way.
 */
export function createBatchedFeedStore(platform: Platform, plain: FeedStore, options: BatchedFeedOptions): FeedStore {
  const { host, db } = platform;
  const cache = new PostCache(options.cacheMaxBytes, platform.metrics);

  /** The texts of all `refs`: cached ones, and the rest in one statement. Posts deleted meanwhile are missing. */
  const headsOf = async (refs: Iterable<PostRef>): Promise<(ref: PostRef) => Buffer | undefined> => {
    const missing = new Set<number>();
    let count = 0;
    for (const ref of refs) {
      count++;
      if (cache.get(ref.id, ref.version) === undefined) missing.add(ref.id);
    }
    cache.tally(count - missing.size, missing.size);
    if (missing.size === 0) return (ref) => cache.get(ref.id, ref.version);
    // Kept apart from the cache, which may be too small to hold them until the page is made.
    const loaded = new Map<number, Buffer>();
    for (const row of await db.query<TextRow>(sql.texts, [[...missing]])) loaded.set(row.id, remember(row));
    return (ref) => loaded.get(ref.id) ?? cache.get(ref.id, ref.version);
  };
  const remember = (row: TextRow): Buffer => {
    const head = headOf({ id: row.id, authorId: row.author_id, body: row.body, createdAt: row.created_at });
    cache.set(row.id, row.version, head);
    return head;
  };

  const home = new Batcher<HomeQuery, Buffer>(host, { name: 'feed home' }, async (queries) => {
    const rows = await db.query<{ ord: number; items: string | null; liked: string | null }>(sql.home, [
      queries.map((query) => query.userId),
      queries.map((query) => query.beforeId),
      queries.map((query) => query.limit + 1),
    ]);
    const pages: PostRef[][] = queries.map(() => []);
    const likes: (string | null)[] = queries.map(() => null);
    for (const row of rows) {
      pages[row.ord - 1] = row.items === null ? [] : row.items.split(',').map(parseRef);
      likes[row.ord - 1] = row.liked;
    }
    const cursors = queries.map((query, index) => cutRefs(pages[index] ?? [], query.limit));
    const head = await headsOf(pages.flat());
    return pages.map((refs, index) => assemble(refs, head, likes[index] ?? null, cursors[index] ?? null));
  });

  const posts = new Batcher<PostKey, Buffer | undefined>(host, { name: 'feed post' }, async (keys) => {
    const rows = await db.query<{ ord: number; item: string; liked: boolean }>(sql.posts, [
      keys.map((key) => key.userId),
      keys.map((key) => key.postId),
    ]);
    const refs = rows.map((row) => parseRef(row.item));
    const head = await headsOf(refs);
    const answers: (Buffer | undefined)[] = keys.map(() => undefined);
    rows.forEach((row, index) => {
      const ref = refs[index] as PostRef;
      const text = head(ref);
      if (text !== undefined) answers[row.ord - 1] = Buffer.concat([text, Buffer.from(tailOf(ref, row.liked), 'latin1')]);
    });
    return answers;
  });

  const createPosts = new Batcher<NewPost, Created<Post>>(host, { name: 'feed create post' }, async (items) => {
    const made = await db.query<PostRow>(sql.createPosts, [
      items.map((item) => item.authorId), items.map((item) => item.writeId), items.map((item) => item.body), options.largeFollowersMin,
    ]);
    // The body is ours already; sending it back would only cost.
    return await claim(items, made, (row, item) => newPostOf({ ...row, body: item.body }), sharedSql.findPosts, newPostOf);
  });

  const createComments = new Batcher<NewComment, Created<Comment> | undefined>(host, { name: 'feed create comment' }, async (items) => {
    const made = await db.query<CommentRow>(sql.createComments, [
      items.map((item) => item.postId), items.map((item) => item.authorId),
      items.map((item) => item.writeId), items.map((item) => item.body),
    ]);
    return await claim<CommentRow, NewComment, Comment>(items, made, commentOf, sharedSql.findComments, commentOf);
  });

  /**
   * Answers each item with the row made for it, or with the row an earlier try made. The second
   * statement has a newer snapshot than the first, so it sees rows made by calls that ran at once.
   */
  const claim = async <Row extends PostRow, Item extends NewPost, Answer>(
    items: readonly Item[],
    made: readonly Row[],
    answerMade: (row: Row, item: Item) => Answer,
    find: Statement,
    answerFound: (row: Row) => Answer,
  ): Promise<Created<Answer>[]> => {
    const fresh = new Map(made.map((row) => [keyOf(row), row]));
    const answers: (Created<Answer> | undefined)[] = items.map((item) => {
      const key = `${item.authorId} ${item.writeId}`;
      const row = fresh.get(key);
      if (row === undefined) return undefined;
      fresh.delete(key);
      return { row: answerMade(row, item), created: true };
    });
    const open = items.filter((_, index) => answers[index] === undefined);
    if (open.length > 0) {
      const rows = await db.query<Row>(find, [open.map((item) => item.authorId), open.map((item) => item.writeId)]);
      const found = new Map(rows.map((row) => [keyOf(row), row]));
      items.forEach((item, index) => {
        const row = found.get(`${item.authorId} ${item.writeId}`);
        if (answers[index] === undefined && row !== undefined) answers[index] = { row: answerFound(row), created: false };
      });
    }
    return answers as Created<Answer>[];
  };

  const likes = new Batcher<PostKey & { writeId: string }, Liked | undefined>(host, { name: 'feed like' }, async (items) => {
    const rows = await db.query<Liked & { ord: number }>(sql.like, [
      items.map((item) => item.userId), items.map((item) => item.postId), items.map((item) => item.writeId),
    ]);
    return byOrd(items.length, rows, ({ likes, created }) => ({ likes, created }));
  });

  const unlikes = new Batcher<PostKey, number | undefined>(host, { name: 'feed unlike' }, async (items) => {
    const rows = await db.query<{ ord: number; likes: number }>(sql.unlike, [
      items.map((item) => item.userId), items.map((item) => item.postId),
    ]);
    return byOrd(items.length, rows, (row) => row.likes);
  });

  return {
    createPost: (post) => createPosts.add(post),
    post: (userId, postId) => posts.add({ userId, postId }),
    home: (query) => home.add(query),
    async editPost(authorId, postId, body) {
      const outcome = await plain.editPost(authorId, postId, body);
      // Not needed for correctness (the version has moved on), but the memory is free at once.
      if (outcome === 'changed') cache.delete(postId);
      return outcome;
    },
    async deletePost(authorId, postId) {
      const outcome = await plain.deletePost(authorId, postId);
      if (outcome === 'changed') cache.delete(postId);
      return outcome;
    },
    like: (userId, postId, writeId) => likes.add({ userId, postId, writeId }),
    unlike: (userId, postId) => unlikes.add({ userId, postId }),
    createComment: (comment) => createComments.add(comment),
    comments: (postId, beforeId, limit) => plain.comments(postId, beforeId, limit),
    async warmUp(countMax) {
      let beforeId = Number.MAX_SAFE_INTEGER;
      let count = 0;
      while (count < countMax && !cache.full) {
        const rows = await db.query<TextRow>(sql.newest, [beforeId, Math.min(warmUpStep, countMax - count)]);
        for (const row of rows) {
          if (cache.full) break;
          remember(row);
          count++;
        }
        const last = rows.at(-1);
        if (last === undefined) break;
        beforeId = last.id;
      }
      return count;
    },
  };
}

/** Cuts `refs` to `limit`; the cursor of the next page, if there is one. */
function cutRefs(refs: PostRef[], limit: number): string | null {
  if (refs.length <= limit) return null;
  refs.length = limit;
  const last = refs.at(-1);
  return last === undefined ? null : encodeCursor(last.id);
}

function assemble(
  refs: readonly PostRef[],
  headOf: (ref: PostRef) => Buffer | undefined,
  liked: string | null,
  nextCursor: string | null,
): Buffer {
  const likedIds = liked === null ? undefined : new Set(liked.split(',').map(Number));
  const heads: Buffer[] = [];
  const tails: string[] = [];
  for (const ref of refs) {
    const head = headOf(ref);
    if (head === undefined) continue;
    heads.push(head);
    tails.push(tailOf(ref, likedIds?.has(ref.id) ?? false));
  }
  return joinPage(heads, tails, nextCursor);
}

function byOrd<Row extends { readonly ord: number }, Answer>(
  count: number,
  rows: readonly Row[],
  answer: (row: Row) => Answer,
): (Answer | undefined)[] {
  const answers: (Answer | undefined)[] = Array.from({ length: count }, () => undefined);
  for (const row of rows) answers[row.ord - 1] = answer(row);
  return answers;
}
