import type { Clock } from '../../ops/core/host.ts';

export interface TtlCacheOptions {
  readonly ttlMs: number;
  /** Entries of one half; there are two. */
  readonly max: number;
}

interface Cached<Value> {
  readonly value: Value;
  readonly untilMs: number;
}

/** Ids that changed lately are remembered in this number; beyond it every read in flight counts as stale. */
const changedMax = 10_000;

/**
 * Entries that live for `ttlMs`, and which ids changed when, so that a read that raced a change is not kept.
 *
 * Entries are kept in a young half and an old one; the old half is dropped whole when the young one has lived for
 * `ttlMs`, as all of it has expired by then, and earlier when the young one is full. So there are at most as many
 * entries as were read within two lives: a cache bounded by number alone keeps expired ones by the ten thousand,
 * each of which holds the 8 KB that Node cuts small buffers from. Under a million users that was 0.9 GB.
 */
export class TtlCache<Value> {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #max: number;
  #young = new Map<number, Cached<Value>>();
  #old = new Map<number, Cached<Value>>();
  #youngSinceMs = 0;
  #changedAt = new Map<number, number>();
  #forgottenUpTo = 0;
  /** Counts changes; a reader notes it before it asks. */
  changes = 0;

  constructor(clock: Clock, options: TtlCacheOptions) {
    this.#clock = clock;
    this.#ttlMs = options.ttlMs;
    this.#max = options.max;
  }

  /** Entries in memory, expired ones too. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Undefined where there is none, or it has expired. */
  get(id: number): Value | undefined {
    const known = this.#young.get(id) ?? this.#old.get(id);
    return known !== undefined && known.untilMs > this.#clock.monotonicMs() ? known.value : undefined;
  }

  /** @param readAtMs monotonic; its life begins then */
  set(id: number, value: Value, readAtMs: number): void {
    if (this.#young.size >= this.#max || readAtMs - this.#youngSinceMs >= this.#ttlMs) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSinceMs = readAtMs;
    }
    this.#young.set(id, { value, untilMs: readAtMs + this.#ttlMs });
  }

  forget(id: number): void {
    this.#young.delete(id);
    this.#old.delete(id);
    if (this.#changedAt.size >= changedMax) {
      this.#changedAt.clear();
      this.#forgottenUpTo = this.changes;
    }
    this.#changedAt.set(id, ++this.changes);
  }

  changedSince(id: number, changes: number): boolean {
    return changes < this.#forgottenUpTo || (this.#changedAt.get(id) ?? 0) > changes;
  }
}
