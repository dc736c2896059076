import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram, maxTrackableUs } from './histogram.ts';

const values = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 5_000 }),
    fc.integer({ min: 1, max: maxTrackableUs }),
    fc.double({ min: 0, max: 22, noNaN: true }).map((power) => Math.floor(Math.E ** power)),
  ),
  { minLength: 1, maxLength: 400 },
);

function filled(from: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of from) histogram.record(value);
  return histogram;
}

describe('Histogram', () => {
  it('answers every quantile within 0.1 % of the exact one', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, ratio) => {
        const sorted = all.toSorted((a, b) => a - b);
        const exact = Math.min(sorted[Math.max(0, Math.ceil(ratio * all.length - 1e-9) - 1)]!, maxTrackableUs);
        const found = filled(all).quantile(ratio);
        expect(found).toBeGreaterThanOrEqual(exact);
        expect(found - exact).toBeLessThanOrEqual(exact * 1e-3);
      }),
    );
  });

  it('merges and encodes without loss', () => {
    fc.assert(
      fc.property(values, values, (left, right) => {
        const both = filled([...left, ...right]);
        const merged = filled(left);
        merged.merge(filled(right));
        expect(merged.encode()).toEqual(both.encode());
        expect(Histogram.fromSparse(filled(left).encode(), filled(right).encode()).encode()).toEqual(both.encode());
        expect(merged.count).toBe(left.length + right.length);
      }),
    );
  });

  it('is empty after a reset and records again', () => {
    const histogram = filled([5, 900_000]);
    histogram.reset();
    expect([histogram.count, histogram.quantile(0.99), histogram.encode().length]).toEqual([0, 0, 0]);
    histogram.record(7);
    expect(histogram.quantile(1)).toBe(7);
  });

  it('counts what lies outside its range at the nearest end', () => {
    const histogram = filled([-3, Number.NaN, 1e12]);
    expect(histogram.count).toBe(3);
    expect(histogram.quantile(0.5)).toBe(0);
    expect(histogram.quantile(1) / maxTrackableUs).toBeCloseTo(1, 2);
  });

  it('refuses an encoding that is none', () => {
    expect(() => new Histogram().mergeSparse(new Uint32Array([4_000_000_000, 1]))).toThrow(RangeError);
  });

  it('gives mean and count above a limit', () => {
    const histogram = filled([1_000, 1_000, 2_000_000]);
    expect(histogram.mean()).toBeCloseTo(667_333, -3);
    expect(histogram.countAbove(10_000)).toBe(1);
  });
});
