import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { SeriesPacker, SeriesUnpacker } from './packed-series.ts';
import type { SeriesSamples } from './series.ts';

const startMs = Date.UTC(2026, 0, 1);
const value = fc.oneof(fc.nat(1_000), fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -0), fc.constant('stale' as const));
const series = fc.record({ labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.string()), values: fc.array(value, { minLength: 1, maxLength: 600 }), stepMs: fc.constantFrom(5_000, 7_001), offsetMs: fc.constantFrom(0, 3) })
  .map(({ labels, values, stepMs, offsetMs }): SeriesSamples => ({
    labels,
    timestampsMs: Float64Array.from(values, (_, index) => startMs + offsetMs + index * stepMs),
    values: Float64Array.from(values, (each) => (each === 'stale' ? Number.NaN : each)),
    ...(values.includes('stale') ? { stale: Uint8Array.from(values, (each) => (each === 'stale' ? 1 : 0)) } : {}),
  }));

it('are read in another process as they were', () => {
  fc.assert(fc.property(fc.array(series, { maxLength: 5 }), (all) => {
    const packer = new SeriesPacker();
    const unpacker = new SeriesUnpacker();
    expect(all.map((each) => unpacker.unpack(JSON.parse(JSON.stringify(packer.pack(each))) as ReturnType<SeriesPacker['pack']>))).toEqual(all);
  }));
});

it('write the times of one scrape once', () => {
  const packer = new SeriesPacker();
  const one = { labels: { a: '1' }, timestampsMs: Float64Array.of(1_000, 2_000), values: Float64Array.of(1, 2) };
  expect([packer.pack(one), packer.pack(one)].map(({ times }) => times !== undefined)).toEqual([true, false]);
});

it('that are cut off are refused', () => {
  const { labels, values } = new SeriesPacker().pack({ labels: {}, timestampsMs: Float64Array.of(1), values: Float64Array.of(1) });
  expect(() => new SeriesUnpacker().unpack({ labels, count: 300, times: values, values })).toThrow(RangeError);
});
