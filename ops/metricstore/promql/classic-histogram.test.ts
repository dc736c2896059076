import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketFraction, bucketQuantile } from './classic-histogram.ts';
import type { Bucket } from './classic-histogram.ts';
import { quantileOf } from './quantile.ts';
import { Mean, Sum } from './summation.ts';

const buckets = (...pairs: readonly (readonly [upperBound: number, count: number])[]): Bucket[] => pairs.map(([upperBound, count]) => ({ upperBound, count }));

describe('classic histograms', () => {
  it('interpolates within a bucket', () => {
    const given = (): Bucket[] => buckets([0.1, 50], [0.2, 70], [1, 110], [Infinity, 120]);
    expect(bucketQuantile(0.2, given())).toEqual({ value: expect.closeTo(0.048, 12) as number, isForced: false });
    expect(bucketQuantile(1, given()).value).toBe(1);
    expect(bucketQuantile(-0.1, given()).value).toBe(-Infinity);
    expect(bucketQuantile(1.1, given()).value).toBe(Infinity);
    expect(bucketFraction(0, 0.2, given())).toBeCloseTo(70 / 120, 12);
  });

  it('has no quantile without a bucket to infinity, without observations, or with one bucket', () => {
    for (const given of [buckets([1, 5]), buckets([1, 0], [Infinity, 0]), buckets([Infinity, 5]), buckets()]) expect(bucketQuantile(0.5, given).value).toBeNaN();
    expect(bucketFraction(0, 1, [])).toBeNaN();
  });

  it('repairs counts that fall, and says so only where that is no rounding', () => {
    expect(bucketQuantile(0.99, buckets([0.1, 20], [1, 10], [10, 50], [100, 40], [1_000, 90], [Infinity, 80]))).toEqual({ value: expect.closeTo(979.75, 9) as number, isForced: true });
    expect(bucketQuantile(0.5, buckets([1, 10], [2, 10 - 1e-13], [Infinity, 10])).isForced).toBe(false);
  });

  const histograms = fc.tuple(fc.uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 8 }), fc.array(fc.nat(20), { minLength: 9, maxLength: 9 })).map(([bounds, counts]) => {
    let total = 1;
    return [...bounds.sort((a, b) => a - b), Infinity].map((upperBound, index) => ({ upperBound, count: (total += counts[index] ?? 0) }));
  });
  const copy = (given: readonly Bucket[]): Bucket[] => given.map((bucket) => ({ ...bucket }));

  it('has quantiles that rise, and fractions that add up', () => {
    fc.assert(fc.property(histograms, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (given, a, b) => {
      expect(bucketQuantile(Math.max(a, b), copy(given)).value).toBeGreaterThanOrEqual(bucketQuantile(Math.min(a, b), copy(given)).value);
    }));
    fc.assert(fc.property(histograms, fc.double({ min: -30, max: 30, noNaN: true }), (given, middle) => {
      expect(bucketFraction(-Infinity, middle, copy(given)) + bucketFraction(middle, Infinity, copy(given))).toBeCloseTo(1, 9);
    }));
  });
});

describe('sums, means and quantiles', () => {
  it('lose nothing where large values cancel out', () => {
    const sum = new Sum();
    for (const value of [1, 1e100, 1, -1e100]) sum.add(value);
    expect(sum.total).toBe(2);
    const mean = new Mean();
    for (const value of [9.988465674311579e307, 9.988465674311579e307]) mean.add(value);
    expect(mean.mean).toBe(9.988465674311579e307);
  });

  it('agree whatever the order and the splits', () => {
    fc.assert(fc.property(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 }), { minLength: 1 }), fc.nat(), (values, at) => {
      const total = (some: readonly number[]): number => {
        const sum = new Sum();
        for (const value of some) sum.add(value);
        return sum.total;
      };
      const cut = at % values.length;
      const tolerance = 1e-3;
      expect(Math.abs(total([total(values.slice(0, cut)), total(values.slice(cut))]) - total(values.toReversed()))).toBeLessThan(tolerance);
    }));
  });

  it('count NaN as the smallest value', () => {
    expect(quantileOf(0.8, Float64Array.of(1, Number.NaN, 0))).toBeCloseTo(0.6, 12);
    expect(quantileOf(0.2, Float64Array.of(1, Number.NaN, 0))).toBeNaN();
    expect(quantileOf(0.5, Float64Array.of())).toBeNaN();
  });
});
