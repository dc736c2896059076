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
  newest: {
    name: 'feed_newest_texts',
    repeatable: true,
    text: `select p.id, p.author_id, p.body, p.created_at, s.version, s.likes, s.comments, s.deleted
      from posts p join post_stats s on s.post_id = p.id where p.id < $1 order by p.id desc limit $2`,
  },
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

  /** Loads the newest posts until the cache is full or `countMax` is reached; answers how many. */
  async warmUp(countMax: number): Promise<number> {
    let beforeId = Number.MAX_SAFE_INTEGER;
    let count = 0;
    while (count < countMax && !this.#cache.full) {
      const limit = Math.min(warmUpStep, countMax - count);
      const rows = await this.#inTurn(() => this.#load(beforeId, limit));
      count += rows.kept;
      if (rows.lastId === undefined) break;
      beforeId = rows.lastId;
    }
    return count;
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
    const post = await this.#posts(pages);
    return pages.map((page) => joinPage(partsOf(page, post), page.nextCursor));
  }

  #catchUp(row: HomeRow): void {
    if (row.items === null) this.#cache.clear();
    else this.#cache.apply(parseChanges(row.items));
    this.#since = row.seq;
  }

  /** Looks posts up: from the cache, and what it lacks in one statement. */
  async #posts(pages: readonly Page[]): Promise<(id: number) => CachedPost | undefined> {
    const missing = new Set<number>();
    let count = 0;
    for (const { ids } of pages) {
      count += ids.length;
      for (const id of ids) if (this.#cache.get(id) === undefined) missing.add(id);
    }
    this.#cache.tally(count - missing.size, missing.size);
    if (missing.size === 0) return (id) => this.#cache.get(id);
    // Held apart from the cache too, which may be too small for them; and what is evicted to make
    // room for them is looked up before.
    const found = new Map<number, CachedPost>();
    for (const { ids } of pages) {
      for (const id of ids) {
        const cached = this.#cache.get(id);
        if (cached !== undefined) found.set(id, cached);
      }
    }
    for (const row of await this.#db.query<TextRow>(sql.texts, [[...missing]])) found.set(row.id, this.#cache.put(row));
    return (id) => found.get(id);
  }

  async #load(beforeId: number, limit: number): Promise<{ kept: number; lastId: number | undefined }> {
    if (this.#since === null) {
      const [row] = await this.#db.query<{ seq: number }>(sql.newestChange);
      this.#since = row?.seq ?? 0;
    }
    const rows = await this.#db.query<TextRow>(sql.newest, [beforeId, limit]);
    let kept = 0;
    for (const row of rows) {
      if (this.#cache.full) break;
      this.#cache.put(row);
      kept++;
    }
    return { kept, lastId: rows.at(-1)?.id };
  }
}

function pageOf(row: HomeRow, limit: number): Page {
  const likedIds = row.liked === null ? nobody : new Set(parseIds(row.liked));
  return { ...cutIds(parseIds(row.items), limit), likedIds };
}

function partsOf({ ids, likedIds }: Page, post: (id: number) => CachedPost | undefined): PagePart[] {
  const parts: PagePart[] = [];
  for (const id of ids) {
    const cached = post(id);
    // Deleted since it was fanned out.
    if (cached === undefined || cached.head === '') continue;
    parts.push({ head: cached.head, counts: cached.counts, liked: likedIds.has(id) });
  }
  return parts;
}
