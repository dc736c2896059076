/**
 * Rows as they were unpacked last: rules of long windows ask for the same ones at every evaluation. A row never changes once it is
 * written, it only gives way to a larger one of other ends, so which rows there are is asked every time and what is in them once.
 */
import type { TimeSpan } from '../series.ts';
import type { BucketReader } from './bucket-codec.ts';

interface CachedRow extends TimeSpan {
  readonly shard: number;
  readonly reader: BucketReader;
}

export class RowCache {
  readonly #sizeBytesMax: number;
  /** The one that was not asked for longest first. */
  readonly #rows = new Map<string, CachedRow>();
  #sizeBytes = 0;

  /** @param sizeBytesMax of all rows unpacked; beyond, those go that were not asked for longest */
  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
  }

  /** Rows of a shard that lie in the span or reach into it. */
  of(shard: number, { fromMs, toMs }: TimeSpan): CachedRow[] {
    return [...this.#rows.values()].filter((row) => row.shard === shard && row.toMs >= fromMs && row.fromMs < toMs);
  }

  /** Keeps a row as the newest. */
  keep(row: CachedRow): void {
    this.drop(row);
    this.#rows.set(keyOf(row), row);
    this.#sizeBytes += row.reader.sizeBytes;
    for (const oldest of this.#rows.values()) {
      if (this.#sizeBytes <= this.#sizeBytesMax) return;
      this.drop(oldest);
    }
  }

  /** Forgets one that is no longer there. */
  drop(row: Omit<CachedRow, 'reader'>): void {
    const known = this.#rows.get(keyOf(row));
    if (known === undefined) return;
    this.#rows.delete(keyOf(row));
    this.#sizeBytes -= known.reader.sizeBytes;
  }
}

const keyOf = ({ shard, fromMs, toMs }: Omit<CachedRow, 'reader'>): string => `${shard} ${fromMs} ${toMs}`;
