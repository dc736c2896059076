import { Counter, type Registry } from 'prom-client';
import { countsOf, headOf, type PostState } from './rules.ts';

/** A post as `feed_texts` reads it. */
export interface TextRow {
  readonly id: number;
  readonly author_id: number;
  readonly body: string;
  readonly created_at: Date;
  readonly version: number;
  readonly likes: number;
  readonly comments: number;
  readonly deleted: boolean;
}

export interface CachedPost {
  /** See `headOf`; '' for a deleted post. */
  readonly head: string;
  /** See `countsOf`. */
  readonly counts: string;
}

interface Entry {
  readonly version: number;
  readonly head: string;
  counts: string;
  used: boolean;
}

/** What an entry costs besides its text: three objects and its place in the map, roughly. */
const entryOverheadBytes = 220;

/**
 * Posts as ready JSON, at most about `sizeMaxBytes` of them. Full, it drops entries in the order they
 * came but spares those read since its last look (second chance): a hit costs one store where a
 * strict LRU pays two map operations.
 *
 * It is right as long as its owner applies every change of `feed_changes` in order, and puts only
 * rows read after the changes it has applied: later changes then overwrite whatever the row held.
 */
export class PostCache {
  readonly #entries = new Map<number, Entry>();
  readonly #sizeMaxBytes: number;
  readonly #hits: Counter;
  readonly #misses: Counter;
  #sizeBytes = 0;

  /** @param sizeMaxBytes 0 keeps nothing */
  constructor(sizeMaxBytes: number, metrics: Registry) {
    this.#sizeMaxBytes = sizeMaxBytes;
    this.#hits = counter(metrics, 'feed_post_cache_hits_total', 'Posts of pages that were cached');
    this.#misses = counter(metrics, 'feed_post_cache_misses_total', 'Posts of pages that were read from the database');
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get count(): number {
    return this.#entries.size;
  }

  /** Whether one more entry of average size would push another out. */
  get full(): boolean {
    return this.#sizeBytes + this.#sizeBytes / Math.max(1, this.#entries.size) > this.#sizeMaxBytes;
  }

  get(id: number): CachedPost | undefined {
    const entry = this.#entries.get(id);
    if (entry !== undefined) entry.used = true;
    return entry;
  }

  /** Counts a page's hits and misses. */
  tally(hits: number, misses: number): void {
    if (hits > 0) this.#hits.inc(hits);
    if (misses > 0) this.#misses.inc(misses);
  }

  /** Takes a post in, if there is room for it; answers its entry in any case. */
  put(row: TextRow): CachedPost {
    this.#drop(row.id);
    const head = row.deleted ? '' : headOf({ id: row.id, authorId: row.author_id, body: row.body, createdAt: row.created_at });
    const entry: Entry = { version: row.version, head, counts: countsOf(row), used: false };
    if (head.length + entryOverheadBytes > this.#sizeMaxBytes) return entry;
    this.#entries.set(row.id, entry);
    this.#sizeBytes += head.length + entryOverheadBytes;
    if (this.#sizeBytes > this.#sizeMaxBytes) this.#evict();
    return entry;
  }

  /** Counts move on in place; a post whose version has moved on goes. */
  apply(changes: readonly PostState[]): void {
    for (const change of changes) {
      const entry = this.#entries.get(change.id);
      if (entry === undefined) continue;
      if (entry.version === change.version) entry.counts = countsOf(change);
      else this.#drop(change.id);
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#sizeBytes = 0;
  }

  #drop(id: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#sizeBytes -= entry.head.length + entryOverheadBytes;
  }

  /** Ends: each spared entry loses its mark, so the second look at it drops it. */
  #evict(): void {
    for (const [id, entry] of this.#entries) {
      if (this.#sizeBytes <= this.#sizeMaxBytes) return;
      if (entry.used) {
        entry.used = false;
        this.#entries.delete(id);
        this.#entries.set(id, entry);
      } else {
        this.#drop(id);
      }
    }
  }
}

function counter(metrics: Registry, name: string, help: string): Counter {
  return (metrics.getSingleMetric(name) as Counter | undefined) ?? new Counter({ name, help, registers: [metrics] });
}
