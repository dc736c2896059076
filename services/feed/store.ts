import { createHash } from 'node:crypto';
import type { Database, Statement } from '../platform/database.ts';
import { cutIds } from './rules.ts';
import type { Comment, Post } from './schemas.ts';

export interface NewPost {
  readonly authorId: number;
  readonly writeId: string;
  readonly body: string;
}

export interface NewComment extends NewPost {
  readonly postId: number;
}

export interface HomeQuery {
  readonly userId: number;
  /** Only posts with ids below; `newestId` for the first page. */
  readonly beforeId: number;
  readonly limit: number;
}

export interface Liked {
  readonly likes: number;
  /** Whether the like in place is the one of this write id, made now or by an earlier try. */
  readonly created: boolean;
  /** Whether it was an earlier try that made it. */
  readonly replayed: boolean;
}

/** `created` is false where an earlier try had made it. */
export interface Created<Row> {
  readonly row: Row;
  readonly created: boolean;
}

/** The user's write id has written something else: another text, or to another post. Nothing was written. */
export type KeyReused = 'key_reused';

/** What an author's change of a post came to. */
export type ChangeOutcome = 'changed' | 'not_found' | 'not_author';

/**
 * All SQL of the feed. Two implementations give the same results: `createFeedStore` says plainly
 * what is meant, `createBatchedFeedStore` is the fast one; both may run at once. Text, counts and
 * like flags of a page are those of the moment the database answered, cached or not (see PostCache).
 */
export interface FeedStore {
  /** Makes a post once per (author, write id) and hands its fan-out to the workers. */
  createPost(post: NewPost): Promise<Created<Post> | KeyReused>;
  /** The post's JSON as `userId` sees it; undefined where there is none. */
  post(userId: number, postId: number): Promise<Buffer | undefined>;
  /**
   * A page of the home timeline as JSON, newest first: what was fanned out, the user's own, and
   * pulled posts. Deleted posts leave gaps: a page may hold fewer than `limit`; only `nextCursor`
   * null says that it is the last.
   */
  home(query: HomeQuery): Promise<Buffer>;
  editPost(authorId: number, postId: number, body: string): Promise<ChangeOutcome>;
  deletePost(authorId: number, postId: number): Promise<ChangeOutcome>;
  /** Undefined where there is no such post. */
  like(userId: number, postId: number, writeId: string): Promise<Liked | KeyReused | undefined>;
  /** The likes left; undefined where there is no such post. */
  unlike(userId: number, postId: number): Promise<number | undefined>;
  /** Undefined where there is no such post. */
  createComment(comment: NewComment): Promise<Created<Comment> | KeyReused | undefined>;
  /** Newest first, one more than `limit` where there are more; undefined where there is no such post. */
  comments(postId: number, beforeId: number, limit: number): Promise<Comment[] | undefined>;
  /** Fills the cache with the newest posts, at most `countMax`; answers how many. */
  warmUp(countMax: number): Promise<number>;
}

export interface PostRow {
  readonly id: number;
  readonly author_id: number;
  readonly write_id: string;
  readonly body: string;
  readonly created_at: Date;
}

export interface CommentRow extends PostRow {
  readonly post_id: number;
}

/** A post found by its write id. */
export interface WrittenPostRow extends PostRow {
  /** Of the text as it was first written; null where that is not known any more. */
  readonly written_sha256: Buffer | null;
}

/** Answers a write whose write id made a post before: with that post as it was made, if it is the same write. */
export function repeatedPost(row: WrittenPostRow, { body }: NewPost): Created<Post> | KeyReused {
  const isSame = row.written_sha256 === null || row.written_sha256.equals(createHash('sha256').update(body).digest());
  return isSame ? { row: newPostOf({ ...row, body }), created: false } : 'key_reused';
}

/** The same for a comment. */
export function repeatedComment(row: CommentRow, { postId, body }: NewComment): Created<Comment> | KeyReused {
  return row.post_id === postId && row.body === body ? { row: commentOf(row), created: false } : 'key_reused';
}

export function commentOf(row: CommentRow): Comment {
  return { id: row.id, postId: row.post_id, authorId: row.author_id, body: row.body, createdAt: row.created_at.toISOString() };
}

/** A post nobody has reacted to yet. */
export function newPostOf(row: PostRow): Post {
  return {
    id: row.id, authorId: row.author_id, body: row.body, createdAt: row.created_at.toISOString(),
    likes: 0, comments: 0, likedByMe: false,
  };
}

const postColumns = `p.id, p.author_id, p.body, p.created_at, s.likes, s.comments,
  exists (select from post_likes l where l.user_id = $1 and l.post_id = p.id) as liked`;

const sql = {
  createPost: {
    name: 'feed_plain_create_post',
    repeatable: true,
    text: `insert into posts (author_id, write_id, body, pulled)
      select $1, $2, $3, coalesce((select followers_count > $4 from profiles where user_id = $1), false)
      on conflict (author_id, write_id) do nothing returning id, author_id, write_id, body, created_at, pulled`,
  },
  findPosts: {
    name: 'feed_find_written_posts',
    repeatable: true,
    text: `select p.id, p.author_id, p.write_id, p.body, p.created_at, coalesce(p.written_sha256,
        case when p.edited_at is null and p.deleted_at is null then sha256(convert_to(p.body, 'UTF8')) end) as written_sha256
      from unnest($1::bigint[], $2::uuid[]) i(author_id, write_id)
      join posts p on p.author_id = i.author_id and p.write_id = i.write_id`,
  },
  createStats: { name: 'feed_plain_create_stats', text: 'insert into post_stats (post_id) values ($1)' },
  addOwn: { name: 'feed_plain_add_own', text: 'insert into timelines (user_id, post_id) values ($1, $2)' },
  addLarge: {
    name: 'feed_plain_add_large',
    text: `insert into feed_large_authors (author_id, last_post_id) values ($1, $2)
      on conflict (author_id) do update set last_post_id = greatest(feed_large_authors.last_post_id, $2)`,
  },
  announce: {
    name: 'feed_plain_announce',
    text: `insert into platform_outbox (topic, payload) values ('feed.fan_out', jsonb_build_object('postIds', jsonb_build_array($1::bigint)))`,
  },
  post: {
    name: 'feed_plain_post',
    repeatable: true,
    text: `select ${postColumns} from posts p join post_stats s on s.post_id = p.id where p.id = $2 and not s.deleted`,
  },
  homeIds: {
    name: 'feed_plain_home_ids',
    repeatable: true,
    text: `select u.id from (
        select post_id as id from timelines where user_id = $1
        union
        select q.id from posts q where q.pulled and q.author_id in (
          select a.author_id from follows f join feed_large_authors a on a.author_id = f.followee_id
          where f.follower_id = $1 order by a.last_post_id desc limit 20)
      ) u where u.id < $2 order by u.id desc limit $3`,
  },
  posts: {
    name: 'feed_plain_posts',
    repeatable: true,
    text: `select ${postColumns} from posts p join post_stats s on s.post_id = p.id
      where p.id = any ($2) and not s.deleted order by p.id desc`,
  },
  change: { name: 'feed_change_post', text: 'select feed_change_post($1, $2, $3) as changed' },
  exists: {
    name: 'feed_post_exists',
    repeatable: true,
    text: 'select 1 as found from post_stats where post_id = $1 and not deleted',
  },
  lock: { name: 'feed_plain_lock', text: 'select feed_lock_stats()' },
  stats: { name: 'feed_plain_stats', text: 'select likes from post_stats where post_id = $1 and not deleted' },
  note: { name: 'feed_plain_note', text: 'select feed_note_changes(array[$1::bigint])' },
  insertLike: {
    name: 'feed_plain_insert_like',
    text: 'insert into post_likes (user_id, post_id, write_id) values ($1, $2, $3)',
  },
  findLike: { name: 'feed_plain_find_like', text: 'select write_id from post_likes where user_id = $1 and post_id = $2' },
  findLiked: {
    name: 'feed_plain_find_liked',
    text: 'select post_id from post_likes where user_id = $1 and write_id = $2 and post_id <> $3',
  },
  deleteLike: { name: 'feed_plain_delete_like', text: 'delete from post_likes where user_id = $1 and post_id = $2 returning post_id' },
  addLikes: { name: 'feed_plain_add_likes', text: 'update post_stats set likes = likes + $2 where post_id = $1 returning likes' },
  insertComment: {
    name: 'feed_plain_insert_comment',
    text: `insert into post_comments (post_id, author_id, write_id, body) values ($1, $2, $3, $4)
      returning id, post_id, author_id, write_id, body, created_at`,
  },
  addComment: { name: 'feed_plain_add_comment', text: 'update post_stats set comments = comments + 1 where post_id = $1' },
  findComments: {
    name: 'feed_find_written_comments',
    repeatable: true,
    text: `select c.id, c.post_id, c.author_id, c.write_id, c.body, c.created_at
      from unnest($1::bigint[], $2::uuid[]) i(author_id, write_id)
      join post_comments c on c.author_id = i.author_id and c.write_id = i.write_id`,
  },
  comments: {
    name: 'feed_comments',
    repeatable: true,
    text: `select id, post_id, author_id, write_id, body, created_at from post_comments
      where post_id = $1 and id < $2 order by id desc limit $3`,
  },
} as const satisfies Record<string, Statement>;

/** The statements that the batched store shares. */
export const sharedSql = { findPosts: sql.findPosts, findComments: sql.findComments };

export interface SeenRow {
  readonly id: number;
  readonly author_id: number;
  readonly body: string;
  readonly created_at: Date;
  readonly likes: number;
  readonly comments: number;
  readonly liked: boolean;
}

export function seenPostOf(row: SeenRow): Post {
  return {
    id: row.id, authorId: row.author_id, body: row.body, createdAt: row.created_at.toISOString(),
    likes: row.likes, comments: row.comments, likedByMe: row.liked,
  };
}

export const jsonOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value), 'utf8');

/**
 * The plain store: a statement or a transaction an operation, no cache.
 * @param largeFollowersMin authors with more followers than this are pulled, not fanned out
 */
export function createFeedStore(db: Database, largeFollowersMin: number): FeedStore {
  const change = async (authorId: number, postId: number, body: string | null): Promise<ChangeOutcome> => {
    const [row] = await db.query<{ changed: boolean }>(sql.change, [authorId, postId, body]);
    if (row?.changed === true) return 'changed';
    return (await db.query(sql.exists, [postId])).length > 0 ? 'not_author' : 'not_found';
  };
  return {
    createPost: (post) => createPost(db, post, largeFollowersMin),
    async post(userId, postId) {
      const [row] = await db.query<SeenRow>(sql.post, [userId, postId]);
      return row === undefined ? undefined : jsonOf(seenPostOf(row));
    },
    async home({ userId, beforeId, limit }) {
      const found = await db.query<{ id: number }>(sql.homeIds, [userId, beforeId, limit + 1]);
      const { ids, nextCursor } = cutIds(found.map((row) => row.id), limit);
      const rows = await db.query<SeenRow>(sql.posts, [userId, ids]);
      return jsonOf({ items: rows.map(seenPostOf), nextCursor });
    },
    editPost: (authorId, postId, body) => change(authorId, postId, body),
    deletePost: (authorId, postId) => change(authorId, postId, null),
    like: (userId, postId, writeId) => like(db, userId, postId, writeId),
    unlike: (userId, postId) =>
      db.transaction(async (tx) => {
        await tx.query(sql.lock);
        const [stats] = await tx.query<{ likes: number }>(sql.stats, [postId]);
        if (stats === undefined) return undefined;
        const gone = await tx.query(sql.deleteLike, [userId, postId]);
        if (gone.length > 0) {
          await tx.query(sql.addLikes, [postId, -1]);
          await tx.query(sql.note, [postId]);
        }
        return stats.likes - gone.length;
      }),
    createComment: (comment) => createComment(db, comment),
    async comments(postId, beforeId, limit) {
      if ((await db.query(sql.exists, [postId])).length === 0) return undefined;
      return (await db.query<CommentRow>(sql.comments, [postId, beforeId, limit + 1])).map(commentOf);
    },
    warmUp: () => Promise.resolve(0),
  };
}

async function createPost(db: Database, post: NewPost, largeFollowersMin: number): Promise<Created<Post> | KeyReused> {
  return await db.transaction(async (tx) => {
    const [made] = await tx.query<PostRow & { pulled: boolean }>(sql.createPost, [post.authorId, post.writeId, post.body, largeFollowersMin]);
    if (made === undefined) {
      const [found] = await tx.query<WrittenPostRow>(sql.findPosts, [[post.authorId], [post.writeId]]);
      return repeatedPost(found as WrittenPostRow, post);
    }
    await tx.query(sql.createStats, [made.id]);
    await tx.query(sql.addOwn, [made.author_id, made.id]);
    if (made.pulled) await tx.query(sql.addLarge, [made.author_id, made.id]);
    else await tx.query(sql.announce, [made.id]);
    return { row: newPostOf(made), created: true };
  });
}

async function like(db: Database, userId: number, postId: number, writeId: string): Promise<Liked | KeyReused | undefined> {
  return await db.transaction(async (tx) => {
    await tx.query(sql.lock);
    const [stats] = await tx.query<{ likes: number }>(sql.stats, [postId]);
    if (stats === undefined) return undefined;
    const [found] = await tx.query<{ write_id: string }>(sql.findLike, [userId, postId]);
    if (found?.write_id === writeId) return { likes: stats.likes, created: true, replayed: true };
    if ((await tx.query(sql.findLiked, [userId, writeId, postId])).length > 0) return 'key_reused';
    if (found !== undefined) return { likes: stats.likes, created: false, replayed: false };
    await tx.query(sql.insertLike, [userId, postId, writeId]);
    await tx.query(sql.addLikes, [postId, 1]);
    await tx.query(sql.note, [postId]);
    return { likes: stats.likes + 1, created: true, replayed: false };
  });
}

async function createComment(db: Database, comment: NewComment): Promise<Created<Comment> | KeyReused | undefined> {
  const { postId, authorId, writeId, body } = comment;
  return await db.transaction(async (tx) => {
    await tx.query(sql.lock);
    const stats = await tx.query(sql.stats, [postId]);
    const [found] = await tx.query<CommentRow>(sql.findComments, [[authorId], [writeId]]);
    if (found !== undefined) return repeatedComment(found, comment);
    if (stats.length === 0) return undefined;
    const [made] = await tx.query<CommentRow>(sql.insertComment, [postId, authorId, writeId, body]);
    await tx.query(sql.addComment, [postId]);
    await tx.query(sql.note, [postId]);
    return { row: commentOf(made as CommentRow), created: true };
  });
}
