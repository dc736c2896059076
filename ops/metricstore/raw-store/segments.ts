/**
 * Chunks of all series one after the other, as they are sealed, in buffers of one size. As time goes on the oldest
 * buffer becomes the newest: nothing is freed, nothing is moved, and memory has an end.
 */
import { chunkBytesMax, encodeChunk } from './chunk-codec.ts';
import type { Column } from './chunk-codec.ts';

const segmentBytes = 256 * 1024;
/** Distance to the series' chunk before, timeline, first tick, and count with length: four words. */
const headerBytes = 16;

interface Segment {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  /** When the last sample of its chunks was taken. */
  newestMs: number;
}

/** Where a chunk lies and what its header says; one object is used again and again. */
export interface ChunkHead {
  /** 0 where there is no chunk before. */
  previous: number;
  timeline: number;
  firstTick: number;
  count: number;
  /** The compressed values, for `decodeChunk`. */
  bytes: Uint8Array;
  at: number;
}

export const createChunkHead = (): ChunkHead => ({ previous: 0, timeline: 0, firstTick: 0, count: 0, bytes: new Uint8Array(0), at: 0 });

export class Segments {
  readonly #live: Segment[] = [];
  readonly #spare: Segment[] = [];
  readonly #segmentsMax: number;
  /** Number of the oldest live segment; addresses begin at 1 so that 0 is none. */
  #first = 1;
  /** Bytes used of the newest one; as if it were full while there is none. */
  #used = segmentBytes;
  /** Segments given up before their time because all were in use. */
  droppedEarly = 0;
  /** When the newest sample of those was taken. */
  droppedUntilMs = Number.NEGATIVE_INFINITY;

  /** @param bytesMax of all buffers together; at least two are allowed */
  constructor(bytesMax: number) {
    this.#segmentsMax = Math.max(2, Math.floor(bytesMax / segmentBytes));
  }

  /** Bytes in use, whole buffers. */
  get bytes(): number {
    return this.#live.length * segmentBytes;
  }

  /**
   * Compresses and keeps values; answers the chunk's address.
   * @param previous address of the chunk of this series before, or 0
   * @param newestMs when its last sample was taken
   */
  append(previous: number, timeline: number, firstTick: number, column: Column, start: number, count: number, newestMs: number): number {
    if (this.#used + headerBytes + chunkBytesMax(count) > segmentBytes) this.#open();
    const segment = this.#live.at(-1);
    if (segment === undefined) return 0;
    const address = (this.#first + this.#live.length - 1) * segmentBytes + this.#used;
    const word = this.#used >>> 2;
    const at = this.#used + headerBytes;
    const end = encodeChunk(column, start, count, segment.bytes, at);
    // What lies further back than a word can say was dropped long ago.
    segment.words[word] = previous === 0 || address - previous > 0xffff_ffff ? 0 : address - previous;
    segment.words[word + 1] = timeline;
    segment.words[word + 2] = firstTick;
    segment.words[word + 3] = count;
    if (newestMs > segment.newestMs) segment.newestMs = newestMs;
    this.#used = (end + 3) & ~3;
    return address;
  }

  /** Reads the header at an address into `head`; false where the chunk has been dropped. */
  read(address: number, head: ChunkHead): boolean {
    const number = Math.floor(address / segmentBytes);
    const segment = number < this.#first ? undefined : this.#live[number - this.#first];
    if (segment === undefined) return false;
    const offset = address - number * segmentBytes;
    const word = offset >>> 2;
    const distance = segment.words[word] ?? 0;
    head.previous = distance === 0 ? 0 : address - distance;
    head.timeline = segment.words[word + 1] ?? 0;
    head.firstTick = segment.words[word + 2] ?? 0;
    head.count = segment.words[word + 3] ?? 0;
    head.bytes = segment.bytes;
    head.at = offset + headerBytes;
    return true;
  }

  /** Drops segments all of whose samples are older. */
  expire(beforeMs: number): void {
    while (this.#live.length > 1 && (this.#live[0]?.newestMs ?? 0) < beforeMs) this.#dropOldest();
  }

  #dropOldest(): void {
    const oldest = this.#live.shift();
    if (oldest === undefined) return;
    this.#first++;
    this.#spare.push(oldest);
  }

  #open(): void {
    if (this.#live.length >= this.#segmentsMax) {
      this.droppedEarly++;
      this.droppedUntilMs = Math.max(this.droppedUntilMs, this.#live[0]?.newestMs ?? 0);
      this.#dropOldest();
    }
    const segment = this.#spare.pop() ?? createSegment();
    segment.newestMs = Number.NEGATIVE_INFINITY;
    this.#live.push(segment);
    this.#used = 0;
  }
}

function createSegment(): Segment {
  const bytes = new Uint8Array(segmentBytes);
  return { bytes, words: new Uint32Array(bytes.buffer), newestMs: 0 };
}
