import { tracingOf } from '../../ops/telemetry/tracing.ts';
import { Batcher } from '../platform/batcher.ts';
import { settleInParts } from '../platform/idempotency.ts';
import type { Platform } from '../platform/domain.ts';
import type { Statement } from '../platform/database.ts';
import { HomeReader } from './home-reader.ts';
import {
  commentOf, jsonOf, newPostOf, repeatedComment, repeatedPost, seenPostOf, sharedSql,
  type CommentRow, type Created, type FeedStore, type HomeQuery, type KeyReused, type Liked, type NewComment, type NewPost, type PostRow,
  type SeenRow,
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
  like: { name: 'feed_like', repeatable: true, text: 'select ord, created, likes, replayed, reused from feed_like($1, $2, $3)' },
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

const keysOf = (item: NewPost): [string] => [`${item.authorId} ${item.writeId}`];
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

  const makePosts = async (items: readonly NewPost[]): Promise<(Created<Post> | KeyReused)[]> => {
    const made = await db.query<PostRow>(sql.createPosts, [
      items.map((item) => item.authorId), items.map((item) => item.writeId), items.map((item) => item.body), options.largeFollowersMin,
      // One outbox row serves the whole batch, so it continues the batch's span.
      tracing.active()?.traceparent ?? null,
    ]);
    // The body is ours already; sending it back would only cost.
    const answerMade = (row: PostRow, item: NewPost): Post => newPostOf({ ...row, body: item.body });
    return await claim(items, made, answerMade, sharedSql.findPosts, repeatedPost) as (Created<Post> | KeyReused)[];
  };
  const createPosts = new Batcher<NewPost, Created<Post> | KeyReused>(host, { name: 'feed create post' }, (items) => settleInParts(items, keysOf, makePosts));

  const makeComments = async (items: readonly NewComment[]): Promise<(Created<Comment> | KeyReused | undefined)[]> => {
    const made = await db.query<CommentRow>(sql.createComments, [
      items.map((item) => item.postId), items.map((item) => item.authorId),
      items.map((item) => item.writeId), items.map((item) => item.body),
    ]);
    return await claim(items, made, commentOf, sharedSql.findComments, repeatedComment);
  };
  const createComments = new Batcher<NewComment, Created<Comment> | KeyReused | undefined>(host, { name: 'feed create comment' }, (items) => settleInParts(items, keysOf, makeComments));

  /**
   * Answers each item with the row made for it, or with what `answerFound` says of the row an earlier try
   * made; undefined where there is neither. The second statement has a newer snapshot than the first, so it
   * sees rows made by calls that ran at once.
   */
  const claim = async <Row extends PostRow, Found extends PostRow, Item extends NewPost, Answer>(
    items: readonly Item[],
    made: readonly Row[],
    answerMade: (row: Row, item: Item) => Answer,
    find: Statement,
    answerFound: (row: Found, item: Item) => Created<Answer> | KeyReused,
  ): Promise<(Created<Answer> | KeyReused | undefined)[]> => {
    const fresh = new Map(made.map((row) => [keyOf(row), row]));
    const open = items.filter((item) => !fresh.has(keysOf(item)[0]));
    const rows = open.length === 0 ? [] : await db.query<Found>(find, [open.map((item) => item.authorId), open.map((item) => item.writeId)]);
    const found = new Map(rows.map((row) => [keyOf(row), row]));
    return items.map((item) => {
      const [key] = keysOf(item);
      const own = fresh.get(key);
      if (own !== undefined) return { row: answerMade(own, item), created: true };
      const earlier = found.get(key);
      return earlier === undefined ? undefined : answerFound(earlier, item);
    });
  };

  type Like = PostKey & { readonly writeId: string };
  const makeLikes = async (items: readonly Like[]): Promise<(Liked | KeyReused | undefined)[]> => {
    const rows = await db.query<Liked & { ord: number; reused: boolean }>(sql.like, [
      items.map((item) => item.userId), items.map((item) => item.postId), items.map((item) => item.writeId),
    ]);
    return byOrd(items.length, rows, ({ likes, created, replayed, reused }) => (reused ? 'key_reused' : { likes, created, replayed }));
  };
  const likes = new Batcher<Like, Liked | KeyReused | undefined>(host, { name: 'feed like' }, (items) =>
    settleInParts(items, (item) => [`${item.userId} ${item.writeId}`], makeLikes));

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
