/** Buckets of many series in few bytes, so that those of one series can be read without the others'. */
import { bucketMs } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import { ByteSink, ByteSource } from './byte-sink.ts';

/** The buckets of one series, in order of time. */
export interface SeriesBuckets {
  /** In the catalogue. */
  readonly id: number;
  readonly buckets: readonly Bucket[];
}

/** Fewer buckets a series than this, and all series are compressed together: then neighbours are other series and not other times. */
const apartFrom = 6;
/** Whole numbers up to this size can be added and doubled without loss. */
const wholeMax = 2 ** 49;

const sink = new ByteSink();
const blocks = new ByteSink();

/** @param series in any order; the answer is a copy */
export function encodeBuckets(series: readonly SeriesBuckets[]): Buffer {
  const sorted = series.toSorted((a, b) => a.id - b.id);
  const total = sorted.reduce((sum, { buckets }) => sum + buckets.length, 0);
  const isApart = total >= apartFrom * sorted.length;
  sink.clear();
  blocks.clear();
  sink.varint(isApart ? 1 : 0);
  sink.varint(sorted.length);
  let before = 0;
  for (const { id, buckets } of sorted) {
    sink.varint(id - before);
    sink.varint(buckets.length);
    before = id;
    if (!isApart) continue;
    const from = blocks.length;
    putBlock(blocks, buckets, true);
    sink.varint(blocks.length - from);
  }
  if (!isApart) putBlock(blocks, sorted.flatMap(({ buckets }) => buckets), false);
  sink.bytes(blocks.written());
  return Buffer.from(sink.written());
}

/** @param wanted ids to read; default all */
export function decodeBuckets(bytes: Buffer, wanted?: ReadonlySet<number>): SeriesBuckets[] {
  const source = new ByteSource(bytes);
  const isApart = source.varint() === 1;
  const count = source.varint();
  const entries: { id: number; buckets: number; length: number }[] = [];
  let id = 0;
  let total = 0;
  for (let index = 0; index < count; index++) {
    id += source.varint();
    const buckets = source.varint();
    entries.push({ id, buckets, length: isApart ? source.varint() : 0 });
    total += buckets;
  }
  const read: SeriesBuckets[] = [];
  const together = isApart ? [] : takeBlock(source, total, false);
  let at = isApart ? source.at : 0;
  for (const entry of entries) {
    const isWanted = wanted === undefined || wanted.has(entry.id);
    if (isApart) {
      source.at = at;
      if (isWanted) read.push({ id: entry.id, buckets: takeBlock(source, entry.buckets, true) });
      at += entry.length;
    } else {
      if (isWanted) read.push({ id: entry.id, buckets: together.slice(at, at + entry.buckets) });
      at += entry.buckets;
    }
  }
  return read;
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
