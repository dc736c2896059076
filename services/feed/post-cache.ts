import { Counter, type Registry } from 'prom-client';

interface Entry {
  readonly version: number;
  readonly head: Buffer;
  used: boolean;
}

/** What an entry costs besides its text: the Buffer, the entry and its place in the map, measured roughly. */
const entryOverheadBytes = 250;

/**
 * The texts of posts as ready JSON (see `headOf`), at most `sizeMaxBytes` of them. Full, it drops
 * entries in the order they came but spares those read since its last look (second chance), which
 * costs a hit one store where a strict LRU pays two map operations.
 *
 * Coherence over processes needs no messages: each read passes the version the database named, an
 * entry of an older version is a miss, so an edit or a deletion anywhere is seen by the next read.
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
    this.#hits = counter(metrics, 'feed_post_cache_hits_total', 'Posts of pages whose text was cached');
    this.#misses = counter(metrics, 'feed_post_cache_misses_total', 'Posts of pages whose text was read from the database');
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

  /** The text of a post at this version or a later one. */
  get(id: number, version: number): Buffer | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.version < version) return undefined;
    entry.used = true;
    return entry.head;
  }

  /** Counts a page's hits and misses. */
  tally(hits: number, misses: number): void {
    if (hits > 0) this.#hits.inc(hits);
    if (misses > 0) this.#misses.inc(misses);
  }

  set(id: number, version: number, head: Buffer): void {
    const before = this.#entries.get(id);
    if (before !== undefined) {
      // A slow read must not overwrite what a faster one has refreshed.
      if (before.version > version) return;
      this.delete(id);
    }
    const sizeBytes = head.length + entryOverheadBytes;
    if (sizeBytes > this.#sizeMaxBytes) return;
    this.#entries.set(id, { version, head, used: false });
    this.#sizeBytes += sizeBytes;
    if (this.#sizeBytes > this.#sizeMaxBytes) this.#evict();
  }

  delete(id: number): void {
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
        this.delete(id);
      }
    }
  }
}

function counter(metrics: Registry, name: string, help: string): Counter {
  return (metrics.getSingleMetric(name) as Counter | undefined) ?? new Counter({ name, help, registers: [metrics] });
}
