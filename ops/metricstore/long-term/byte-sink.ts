import { putVarint, takeVarint, varintEnd } from '../raw-store/bits.ts';
import { chunkBytesMax, createColumn, decodeChunk, encodeChunk, isStale, setStale, setValue } from '../raw-store/chunk-codec.ts';

const runLength = 255;
const scratch = createColumn(runLength);

/** Bytes that grow as they are written. */
export class ByteSink {
  #bytes = Buffer.alloc(4 * 1024);
  length = 0;

  /** The bytes written, valid until the next one is. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  varint(value: number): void {
    this.#reserve(9);
    this.length = putVarint(this.#bytes, this.length, value);
  }

  /** A text, with its length. */
  text(text: string): void {
    const bytes = Buffer.from(text);
    this.varint(bytes.length);
    this.bytes(bytes);
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /**
   * Numbers, compressed by what they are; a reader must know how many.
   * @param stale 1 where a marker stands instead of the number
   */
  numbers(numbers: ArrayLike<number>, stale?: ArrayLike<number>): void {
    for (let from = 0; from < numbers.length; from += runLength) {
      const count = Math.min(runLength, numbers.length - from);
      for (let index = 0; index < count; index++) {
        if (stale?.[from + index] === 1) setStale(scratch, index);
        else setValue(scratch, index, numbers[from + index] ?? 0);
      }
      this.#reserve(chunkBytesMax(count) + 9);
      // The reader finds the next run by the length, written first: two bytes hold it, as a run has at most 2,566.
      const at = this.length + 2;
      const end = encodeChunk(scratch, 0, count, this.#bytes, at);
      this.#bytes.writeUInt16LE(end - at, this.length);
      this.length = end;
    }
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(this.#bytes.length * 2, this.length + count));
    this.#bytes.copy(larger, 0, 0, this.length);
    this.#bytes = larger;
  }
}

/** Reads what a `ByteSink` wrote, in the same order. */
export class ByteSource {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length;
  }

  varint(): number {
    const value = takeVarint(this.#bytes, this.at);
    this.at = varintEnd;
    return value;
  }

  text(): string {
    const length = this.varint();
    this.at += length;
    return this.#bytes.toString('utf8', this.at - length, this.at);
  }

  /** @param onStale told of each place that holds a marker; the number there is NaN */
  numbers(count: number, onStale?: (index: number) => void): Float64Array {
    const numbers = new Float64Array(count);
    for (let from = 0; from < count; from += runLength) {
      const run = Math.min(runLength, count - from);
      const length = this.#bytes.readUInt16LE(this.at);
      const isSpecial = decodeChunk(this.#bytes, this.at + 2, run, scratch, 0);
      for (let index = 0; index < run; index++) {
        numbers[from + index] = scratch.values[index] ?? 0;
        if (isSpecial && isStale(scratch, index)) {
          numbers[from + index] = Number.NaN;
          onStale?.(from + index);
        }
      }
      this.at += 2 + length;
    }
    return numbers;
  }
}
