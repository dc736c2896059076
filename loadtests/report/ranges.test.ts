import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Histogram } from '../swarm/histogram.ts';
import { rangesOf } from './ranges.ts';

const histogramOf = (valuesMs: readonly number[]): Histogram => {
  const histogram = new Histogram();
  for (const value of valuesMs) histogram.record(value * 1_000);
  return histogram;
};

it('parts response times by range and by outcome', () => {
  const failed = [120, 3_000];
  const ranges = rangesOf(histogramOf([1, 99, 101, 240, 400, 999, 1_100, ...failed]), histogramOf(failed));
  expect(ranges).toEqual([
    { toMs: 100, ok: 2, failed: 0 },
    { toMs: 250, ok: 2, failed: 1 },
    { toMs: 500, ok: 1, failed: 0 },
    { toMs: 1_000, ok: 1, failed: 0 },
    { toMs: null, ok: 1, failed: 1 },
  ]);
});

it('counts each operation in one range, failed or not', () => {
  const times = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 });
  fc.assert(fc.property(times, times, (ok, failed) => {
    const ranges = rangesOf(histogramOf([...ok, ...failed]), histogramOf(failed));
    expect(ranges.reduce((sum, range) => sum + range.ok, 0)).toBe(ok.length);
    expect(ranges.reduce((sum, range) => sum + range.failed, 0)).toBe(failed.length);
    expect(ranges.every((range) => range.ok >= 0)).toBe(true);
  }));
});
