import type { Registry } from 'prom-client';
import type { Database, Statement } from '../platform/database.ts';
import { PostCache, type CachedPost, type TextRow } from './post-cache.ts';
import { cutIds, joinPage, parseChanges, parseIds, type PagePart } from './rules.ts';
import type { HomeQuery } from './store.ts';

const textColumns = 'id, author_id, body, created_at, version, likes, comments, deleted';

const sql = {
  home: { name: 'feed_home', repeatable: true, text: 'select ord, items, liked, seq from feed_home($1, $2, $3, $4)' },
  texts: { name: 'feed_texts', repeatable: true, text: `select ${textColumns} from feed_texts($1)` },
  newestChange: { name: 'feed_newest_change', repeatable: true, text: 'select coalesce(max(seq), 0) as seq from feed_changes' },
  newest: { name: 'feed_newest_texts', repeatable: true, text: `select ${textColumns} from feed_newest_texts($1, $2)` },
} as const satisfies Record<string, Statement>;

interface HomeRow {
  readonly ord: number;
  readonly items: string | null;
  readonly liked: string | null;
  readonly seq: number | null;
}

interface Page {
  readonly ids: readonly number[];
  readonly nextCursor: string | null;
  readonly likedIds: ReadonlySet<number>;
}

const warmUpStep = 5_000;
const nobody: ReadonlySet<number> = new Set();

/**
 * Reads many home timelines in one statement that names ids and like flags, and what changed in
 * the posts since the last time, in one snapshot. The posts come from the cache, after the changes
 * were applied: a page is never older than its statement, whichever process made the change.
 */
export class HomeReader {
  readonly #db: Database;
  readonly #cache: PostCache;
  /** Newest change applied; null before the first. */
  #since: number | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(db: Database, cacheMaxBytes: number, metrics: Registry) {
    this.#db = db;
    this.#cache = new PostCache(cacheMaxBytes, metrics);
  }

  /** One page per query, in order. */
  read(queries: readonly HomeQuery[]): Promise<Buffer[]> {
    return this.#inTurn(() => this.#read(queries));
  }

  /** Loads the newest posts until the cache is full or `countMax` is reached; answers how many. Pages wait for it. */
  warmUp(countMax: number): Promise<number> {
    return this.#inTurn(async () => {
      // Read first: what changes while we load is then applied again by the next page.
      const [row] = await this.#db.query<{ seq: number }>(sql.newestChange);
      this.#cache.clear();
      this.#since = row?.seq ?? 0;
      return await this.#load(countMax);
    });
  }

  /**
   * One at a time: between a statement and the use of its rows no other may move the cache on.
   * (The batcher has one call in flight, except when it retries the items of a failed batch.)
   */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #read(queries: readonly HomeQuery[]): Promise<Buffer[]> {
    const rows = await this.#db.query<HomeRow>(sql.home, [
      queries.map((query) => query.userId),
      queries.map((query) => query.beforeId),
      // One more than asked for, to learn whether there are more.
      queries.map((query) => query.limit + 1),
      this.#since,
    ]);
    const pages: Page[] = queries.map(() => ({ ids: [], nextCursor: null, likedIds: nobody }));
    for (const row of rows) {
      if (row.ord === 0) this.#catchUp(row);
      else pages[row.ord - 1] = pageOf(row, queries[row.ord - 1]?.limit ?? 0);
    }
    const posts = await this.#posts(pages);
    return pages.map((page, index) => joinPage(partsOf(page, posts[index] ?? []), page.nextCursor));
  }

  #catchUp(row: HomeRow): void {
    if (row.items === null) this.#cache.clear();
    else this.#cache.apply(parseChanges(row.items));
    this.#since = row.seq;
  }

  /** The posts of each page by position: from the cache, and what it lacks in one statement. */
  async #posts(pages: readonly Page[]): Promise<(CachedPost | undefined)[][]> {
    const missing = new Set<number>();
    let count = 0;
    const posts = pages.map(({ ids }) =>
      ids.map((id) => {
        count++;
        const post = this.#cache.get(id);
        if (post === undefined) missing.add(id);
        return post;
      }));
    this.#cache.tally(count - missing.size, missing.size);
    if (missing.size === 0) return posts;
    // Held apart from the cache too, which may be too small to keep them until the pages are made.
    const found = new Map<number, CachedPost>();
    for (const row of await this.#db.query<TextRow>(sql.texts, [[...missing]])) found.set(row.id, this.#cache.put(row));
    return pages.map(({ ids }, index) => ids.map((id, at) => posts[index]?.[at] ?? found.get(id)));
  }

  async #load(countMax: number): Promise<number> {
    const below = (id: number): Promise<TextRow[]> => this.#db.query<TextRow>(sql.newest, [id, warmUpStep]);
    let count = 0;
    let next: Promise<TextRow[]> | undefined = below(Number.MAX_SAFE_INTEGER);
    while (next !== undefined) {
      const rows: TextRow[] = await next;
      const last = rows.at(-1);
      const wanted = count + rows.length < countMax && last !== undefined;
      // The database reads the next step while we take this one in.
      next = wanted && !this.#cache.full ? below(last.id) : undefined;
      for (const row of rows) {
        if (this.#cache.full || count === countMax) break;
        this.#cache.put(row);
        count++;
      }
    }
    return count;
  }
}

function pageOf(row: HomeRow, limit: number): Page {
  const likedIds = row.liked === null ? nobody : new Set(parseIds(row.liked));
  return { ...cutIds(parseIds(row.items), limit), likedIds };
}

function partsOf({ ids, likedIds }: Page, posts: readonly (CachedPost | undefined)[]): PagePart[] {
  const parts: PagePart[] = [];
  for (let index = 0; index < ids.length; index++) {
    const post = posts[index];
    // Deleted since it was fanned out.
    if (post === undefined || post.head === '') continue;
    parts.push({ head: post.head, counts: post.counts, liked: likedIds.size > 0 && likedIds.has(ids[index] as number) });
  }
  return parts;
}
