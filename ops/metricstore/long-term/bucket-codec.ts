/** Buckets of many series in few bytes, so that those of one series can be read without the others'. */
import { bucketMs } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import { ByteSink, ByteSource } from './byte-sink.ts';

/** Whole numbers up to this size can be added and doubled without loss. */
const wholeMax = 2 ** 49;

/**
 * Writes rows. Where series have few buckets all are compressed `together`: neighbours are other series and not other times. Else each is
 * `apart`, and can be read alone.
 */
export class BucketEncoder {
  readonly #layout: 'together' | 'apart';
  readonly #directory = new ByteSink();
  readonly #blocks = new ByteSink();
  readonly #together: Bucket[] = [];
  #count = 0;
  #lastId = 0;

  constructor(layout: 'together' | 'apart') {
    this.#layout = layout;
  }

  /** @param id above that of the series before */
  add(id: number, buckets: readonly Bucket[]): void {
    this.#count++;
    this.#directory.varint(id - this.#lastId);
    this.#directory.varint(buckets.length);
    this.#lastId = id;
    if (this.#layout === 'together') {
      this.#together.push(...buckets);
      return;
    }
    const from = this.#blocks.length;
    putBlock(this.#blocks, buckets, true);
    this.#directory.varint(this.#blocks.length - from);
  }

  /** The row. */
  finish(): Buffer {
    if (this.#layout === 'together') putBlock(this.#blocks, this.#together, false);
    const head = new ByteSink();
    head.varint(this.#layout === 'apart' ? 1 : 0);
    head.varint(this.#count);
    return Buffer.concat([head.written(), this.#directory.written(), this.#blocks.written()]);
  }
}

interface Place {
  readonly buckets: number;
  /** Of its block in the bytes, or of its first bucket among all. */
  readonly at: number;
}

/** About what a bucket takes as an object. */
const bucketBytes = 256;

/** Reads rows. */
export class BucketReader {
  /** About what it holds in memory. */
  readonly sizeBytes: number;
  readonly #source: ByteSource;
  readonly #places = new Map<number, Place>();
  readonly #together: readonly Bucket[] | undefined;

  constructor(bytes: Buffer) {
    const source = new ByteSource(bytes);
    this.#source = source;
    const isApart = source.varint() === 1;
    const count = source.varint();
    let id = 0;
    let at = 0;
    for (let index = 0; index < count; index++) {
      id += source.varint();
      const buckets = source.varint();
      this.#places.set(id, { buckets, at });
      at += isApart ? source.varint() : buckets;
    }
    this.sizeBytes = bytes.length + (isApart ? 0 : at * bucketBytes);
    if (!isApart) {
      this.#together = takeBlock(source, at, false);
      return;
    }
    const blocksAt = source.at;
    for (const [each, place] of this.#places) this.#places.set(each, { ...place, at: blocksAt + place.at });
  }

  /** The series in the row, in order. */
  ids(): IterableIterator<number> {
    return this.#places.keys();
  }

  /** The buckets of one series, in order of time; none where it is not in the row. */
  take(id: number): readonly Bucket[] {
    const place = this.#places.get(id);
    if (place === undefined) return [];
    if (this.#together !== undefined) return this.#together.slice(place.at, place.at + place.buckets);
    this.#source.at = place.at;
    return takeBlock(this.#source, place.buckets, true);
  }
}

function putBlock(sink: ByteSink, buckets: readonly Bucket[], isOneSeries: boolean): void {
  const column = (of: (bucket: Bucket) => number): number[] => buckets.map(of);
  const first = column((bucket) => bucket.first);
  const last = column((bucket) => bucket.last);
  const isWhole = areWhole(first) && areWhole(last);
  sink.numbers(column(({ endMs }) => endMs / bucketMs));
  sink.numbers(column(({ count }) => count));
  sink.numbers(column(({ firstMs, endMs }) => endMs - firstMs));
  sink.numbers(column(({ lastMs, endMs }) => endMs - lastMs));
  sink.numbers(column(({ ended }) => (ended ? 1 : 0)));
  sink.numbers(column(({ resets }) => resets));
  if (buckets.some(({ resets }) => resets > 0)) sink.numbers(column(({ lost }) => lost));
  sink.varint(isWhole ? 1 : 0);
  // A counter goes on from where it was: steps are small where values are not.
  // Where it began is apart, as it would be a step unlike all others.
  if (isWhole) sink.varint(first[0] ?? 0);
  sink.numbers(isWhole && isOneSeries ? first.map((value, index) => (index === 0 ? 0 : value - (last[index - 1] ?? 0))) : first);
  sink.numbers(isWhole ? last.map((value, index) => value - (first[index] ?? 0)) : last);
  putUnlessSame(sink, column(({ min }) => min), first);
  putUnlessSame(sink, column(({ max }) => max), last);
  const isSumWhole = isWhole && buckets.every(({ sum, count }) => Number.isInteger(sum) && Math.abs(sum) < wholeMax && count < 10_000);
  sink.varint(isSumWhole ? 1 : 0);
  sink.numbers(isSumWhole ? buckets.map(({ sum, count, first, last }) => 2 * sum - count * (first + last)) : column(({ sum }) => sum));
}

function takeBlock(source: ByteSource, count: number, isOneSeries: boolean): Bucket[] {
  const ends = source.numbers(count);
  const counts = source.numbers(count);
  const firstBack = source.numbers(count);
  const lastBack = source.numbers(count);
  const ended = source.numbers(count);
  const resets = source.numbers(count);
  const lost = resets.some((number) => number > 0) ? source.numbers(count) : new Float64Array(count);
  const isWhole = source.varint() === 1;
  const begin = isWhole ? source.varint() : 0;
  const first = source.numbers(count);
  const last = source.numbers(count);
  if (isWhole) {
    for (let index = 0; index < count; index++) {
      if (isOneSeries) first[index] = index === 0 ? begin : (first[index] ?? 0) + (last[index - 1] ?? 0);
      last[index] = (last[index] ?? 0) + (first[index] ?? 0);
    }
  }
  const min = takeUnlessSame(source, count, first);
  const max = takeUnlessSame(source, count, last);
  const isSumWhole = source.varint() === 1;
  const sums = source.numbers(count);
  return Array.from(ends, (end, index): Bucket => {
    const endMs = end * bucketMs;
    const bucketCount = counts[index] ?? 0;
    const firstValue = first[index] ?? 0;
    const lastValue = last[index] ?? 0;
    const sum = sums[index] ?? 0;
    return {
      endMs, count: bucketCount, first: firstValue, last: lastValue, min: min[index] ?? 0, max: max[index] ?? 0,
      sum: isSumWhole ? (sum + bucketCount * (firstValue + lastValue)) / 2 : sum,
      firstMs: endMs - (firstBack[index] ?? 0), lastMs: endMs - (lastBack[index] ?? 0),
      resets: resets[index] ?? 0, lost: lost[index] ?? 0, ended: ended[index] === 1,
    };
  });
}

function putUnlessSame(sink: ByteSink, numbers: readonly number[], as: readonly number[]): void {
  const isSame = numbers.every((number, index) => Object.is(number, as[index]));
  sink.varint(isSame ? 1 : 0);
  if (!isSame) sink.numbers(numbers);
}

const takeUnlessSame = (source: ByteSource, count: number, as: Float64Array): Float64Array => (source.varint() === 1 ? as : source.numbers(count));

/** -0 is not: adding would lose its sign. */
const areWhole = (numbers: readonly number[]): boolean => numbers.every((number) => Number.isInteger(number) && Math.abs(number) < 2 ** 40 && !Object.is(number, -0));
