import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { BucketEncoder, BucketReader } from './bucket-codec.ts';
import { bucketMs } from './bucket.ts';
import type { Bucket } from './bucket.ts';

const value = fc.oneof(fc.nat(1_000), fc.integer(), fc.double({ noNaN: true }), fc.constantFrom(0, -0, 2 ** 45, 0.1));
const bucket = fc.record({
  count: fc.integer({ min: 1, max: 20_000 }), sum: value, min: value, max: value, first: value, last: value,
  firstBack: fc.nat(bucketMs - 1), lastBack: fc.nat(bucketMs - 1), resets: fc.nat(2), lost: value, ended: fc.boolean(),
});
const series = fc.uniqueArray(fc.record({ id: fc.nat(100_000), buckets: fc.array(bucket, { minLength: 1, maxLength: 30 }) }), { maxLength: 12, selector: ({ id }) => id });

type Made = readonly { readonly id: number; readonly buckets: readonly Bucket[] }[];

function encode(series: Made, layout: 'together' | 'apart'): Buffer {
  const encoder = new BucketEncoder(layout);
  for (const { id, buckets } of series) encoder.add(id, buckets);
  return encoder.finish();
}

it('are read as they were written, one series or all', () => {
  fc.assert(fc.property(series, fc.constantFrom('together' as const, 'apart' as const), (made, layout) => {
    const written = made.map(({ id, buckets }) => ({
      id, buckets: buckets.map(({ firstBack, lastBack, ...figures }, index): Bucket => {
        const endMs = (5_000_000 + index * 2) * bucketMs;
        return { ...figures, lost: figures.resets === 0 ? 0 : figures.lost, endMs, firstMs: endMs - firstBack, lastMs: endMs - lastBack };
      }),
    }));
    const sorted = written.toSorted((a, b) => a.id - b.id);
    const reader = new BucketReader(encode(sorted, layout));
    const read = [...reader.ids()].map((id) => ({ id, buckets: reader.take(id) }));
    // A column in which nothing was reset is not written.
    const plain = JSON.stringify(sorted.map((each) => ({ ...each, buckets: each.buckets.map((one) => ({ ...one })) })));
    expect(read.map(({ id }) => id)).toEqual(sorted.map(({ id }) => id));
    expect(JSON.stringify(sorted.map(({ id }, index) => ({ id, buckets: read[index]?.buckets.map((one, at) => reorder(one, sorted[index]?.buckets[at] ?? one)) })))).toBe(plain);
    expect(reader.take(100_001)).toEqual([]);
  }), { numRuns: 200 });
});

/** The same figures in the order of another. */
const reorder = (read: Bucket, as: Bucket): object => Object.fromEntries(Object.keys(as).map((key) => [key, read[key as keyof Bucket]]));

it('take few bytes where a series counts, and less where it stands still', () => {
  const counting = (id: number, rate: number): { id: number; buckets: Bucket[] } => {
    let last = 1_000 * id;
    return { id, buckets: Array.from({ length: 144 }, (_, index): Bucket => {
      const first = last + Math.floor(rate * (1 + ((index * 7919) % 13) / 13));
      last = first + Math.floor(59 * rate * (1 + ((index * 104_729) % 17) / 170));
      const endMs = (5_000_000 + index) * bucketMs;
      return { endMs, count: 60, first, last, min: first, max: last, sum: 30 * (first + last) + (rate * index * 31) % 997, firstMs: endMs - 297_000, lastMs: endMs - 2_000, resets: 0, lost: 0, ended: false };
    }) };
  };
  const bytesEach = (rate: number): number => encode(Array.from({ length: 50 }, (_, id) => counting(id, rate)), 'apart').length / (50 * 144);
  expect(bytesEach(0)).toBeLessThan(2.2);
  expect(bytesEach(20)).toBeLessThan(5.5);
});
