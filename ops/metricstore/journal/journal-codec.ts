/** A minute of raw samples in one piece. */
import { ByteSink, ByteSource } from '../long-term/byte-sink.ts';

export interface JournalRecord {
  /** In the catalogue. */
  readonly id: number;
  /** Of the timeline to which the samples belong. */
  readonly timeline: string;
  readonly timestampsMs: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  readonly stale?: ArrayLike<number> | undefined;
}

/** Collects records; those that follow one of the same timeline and times cost their values alone. */
export class JournalWriter {
  readonly #sink = new ByteSink();
  readonly #timelines = new Map<string, number>();
  #before: JournalRecord | undefined;

  add(record: JournalRecord): void {
    const sink = this.#sink;
    const before = this.#before;
    const isSame = before !== undefined && before.timeline === record.timeline && areEqual(before.timestampsMs, record.timestampsMs);
    sink.varint(record.id - (before?.id ?? 0));
    sink.varint(isSame ? 1 : 0);
    if (!isSame) {
      const known = this.#timelines.get(record.timeline);
      sink.varint(known ?? this.#timelines.size);
      if (known === undefined) {
        this.#timelines.set(record.timeline, this.#timelines.size);
        sink.text(record.timeline);
      }
      sink.varint(record.timestampsMs.length);
      sink.numbers(record.timestampsMs);
    }
    sink.numbers(record.values, record.stale);
    this.#before = record;
  }

  /** What was written. */
  bytes(): Buffer {
    return Buffer.from(this.#sink.written());
  }
}

export interface ReadRecord {
  readonly id: number;
  readonly timeline: string;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  /** Places of markers. */
  readonly stale: ReadonlySet<number>;
}

const noMarkers: ReadonlySet<number> = new Set();

/** Reads records in the order in which they were added. */
export function readJournal(bytes: Buffer): ReadRecord[] {
  const source = new ByteSource(bytes);
  const timelines: string[] = [];
  const records: ReadRecord[] = [];
  let id = 0;
  let timeline = '';
  let timestampsMs = new Float64Array(0);
  while (!source.isAtEnd) {
    id += source.varint();
    if (source.varint() === 0) {
      const number = source.varint();
      if (number === timelines.length) timelines.push(source.text());
      timeline = timelines[number] ?? '';
      timestampsMs = new Float64Array(source.numbers(source.varint()));
    }
    let stale: Set<number> | undefined;
    const values = source.numbers(timestampsMs.length, (index) => (stale ??= new Set<number>()).add(index));
    records.push({ id, timeline, timestampsMs, values, stale: stale ?? noMarkers });
  }
  return records;
}

function areEqual(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
