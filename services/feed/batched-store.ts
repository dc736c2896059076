import { tracingOf } from '../../ops/telemetry/tracing.ts';
import { Batcher } from '../platform/batcher.ts';
import type { Platform } from '../platform/domain.ts';
import type { Statement } from '../platform/database.ts';
import { HomeReader } from './home-reader.ts';
import {
  commentOf, jsonOf, newPostOf, seenPostOf, sharedSql,
  type CommentRow, type Created, type FeedStore, type HomeQuery, type Liked, type NewComment, type NewPost, type PostRow, type SeenRow,
} from './store.ts';
import type { Comment, Post } from './schemas.ts';

const sql = {
  posts: {
    name: 'feed_posts',
    repeatable: true,
    text: 'select ord, id, author_id, body, created_at, likes, comments, liked from feed_posts($1, $2)',
  },
  createPosts: {
    name: 'feed_create_posts',
    repeatable: true,
    text: 'select id, author_id, write_id, created_at from feed_create_posts($1, $2, $3, $4, $5)',
  },
  like: { name: 'feed_like', repeatable: true, text: 'select ord, created, likes from feed_like($1, $2, $3)' },
  unlike: { name: 'feed_unlike', repeatable: true, text: 'select ord, likes from feed_unlike($1, $2)' },
  createComments: {
    name: 'feed_create_comments',
    repeatable: true,
    text: 'select id, post_id, author_id, write_id, body, created_at from feed_create_comments($1, $2, $3, $4)',
  },
} as const satisfies Record<string, Statement>;

interface PostKey {
  readonly userId: number;
  readonly postId: number;
}

export interface BatchedFeedOptions {
  readonly largeFollowersMin: number;
  readonly cacheMaxBytes: number;
}

const keyOf = (row: { author_id: number; write_id: string }): string => `${row.author_id} ${row.write_id}`;

/**
 * The fast store: requests that arrive together share one statement, hence one round trip and, for
 * writes, one transaction and one commit; the posts of timelines come from a cache (HomeReader).
 * Edits, deletions and lists of comments are rare and go the plain way.
 */
export function createBatchedFeedStore(platform: Platform, plain: FeedStore, options: BatchedFeedOptions): FeedStore {
  const { host, db } = platform;
  const tracing = tracingOf(host);
  const reader = new HomeReader(db, options.cacheMaxBytes, platform.metrics);
  const home = new Batcher<HomeQuery, Buffer>(host, { name: 'feed home' }, (queries) => reader.read(queries));

  const posts = new Batcher<PostKey, Buffer | undefined>(host, { name: 'feed post' }, async (keys) => {
    const rows = await db.query<SeenRow & { ord: number }>(sql.posts, [keys.map((key) => key.userId), keys.map((key) => key.postId)]);
    return byOrd(keys.length, rows, (row) => jsonOf(seenPostOf(row)));
  });

  const createPosts = new Batcher<NewPost, Created<Post>>(host, { name: 'feed create post' }, async (items) => {
    const made = await db.query<PostRow>(sql.createPosts, [
      items.map((item) => item.authorId), items.map((item) => item.writeId), items.map((item) => item.body), options.largeFollowersMin,
      // One outbox row serves the whole batch, so it continues the batch's span.
      tracing.active()?.traceparent ?? null,
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
    ...plain,
    createPost: (post) => createPosts.add(post),
    post: (userId, postId) => posts.add({ userId, postId }),
    home: (query) => home.add(query),
    like: (userId, postId, writeId) => likes.add({ userId, postId, writeId }),
    unlike: (userId, postId) => unlikes.add({ userId, postId }),
    createComment: (comment) => createComments.add(comment),
    warmUp: (countMax) => reader.warmUp(countMax),
  };
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
