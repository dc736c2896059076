import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyedRandom } from '../swarm/random.ts';
import { slopeLimits, slopeOf } from './slope.ts';

const line = (count: number, value: (second: number) => number) => Array.from({ length: count }, (_, second) => ({ second, value: value(second) }));
const noise = (seed: number) => {
  const random = new KeyedRandom(seed, 0, 0);
  return (): number => random.float() + random.float() + random.float() - 1.5;
};

describe('slopeOf', () => {
  it('agrees with Mann and Kendall worked by hand', () => {
    // 12 points with the single inversion (7, 6): S = 66 - 2 = 64, Var = 12·11·29/18 = 212.67, Z = 63/14.583 = 4.320, p = 7.8e-6.
    const slope = slopeOf([1, 2, 3, 4, 5, 7, 6, 8, 9, 10, 11, 12].map((value, second) => ({ second, value })));
    expect(slope?.p).toBeCloseTo(7.8e-6, 7);
    expect(slope?.perS).toBe(1);
  });
  it('corrects the variance for ties', () => {
    // Two groups of 6 equal values: S = 36, Var = (12·11·29 - 2·(6·5·17))/18 = 156, Z = 35/12.49 = 2.802, p = 0.00254.
    const slope = slopeOf(line(12, (second) => (second < 6 ? 1 : 2)));
    expect(slope?.p).toBeCloseTo(0.002_54, 4);
  });
  it('says nothing of fewer than 10 points, and no trend of equal ones', () => {
    expect(slopeOf(line(9, (second) => second))).toBeUndefined();
    expect(slopeOf(line(30, () => 5))).toMatchObject({ perS: 0, p: 1, growthRatio: 0, growthRatioPerHour: 0 });
  });

  it('finds the slope of any line, whatever its scale and offset', () => {
    fc.assert(fc.property(fc.double({ min: 0.001, max: 1e3, noNaN: true }), fc.double({ min: 0, max: 1e6, noNaN: true }), fc.integer({ min: 10, max: 400 }), (perS, offset, count) => {
      const slope = slopeOf(line(count, (second) => offset + perS * second));
      expect(slope?.perS ?? 0).toBeCloseTo(perS, 3);
      expect(slope?.p).toBeLessThan(1e-4);
      const falling = slopeOf(line(count, (second) => offset - perS * second));
      expect(falling?.p).toBeGreaterThan(0.99);
    }), { numRuns: 60 });
  });

  it('tells growth by the hour, whatever the span', () => {
    for (const count of [20, 400]) {
      const slope = slopeOf(line(count, (second) => 1e6 + second));
      expect(slope?.growthRatioPerHour).toBeCloseTo(0.003_6, 5);
      expect(slope?.growthRatio).toBeLessThan(0.000_41);
    }
  });

  it('is not moved by outliers', () => {
    const slope = slopeOf(line(100, (second) => (second % 10 === 0 ? 10_000 : 500)));
    expect(slope?.perS).toBe(0);
    expect(slope?.growthRatio).toBe(0);
  });

  it('calls noise a rise about as often as its significance says', () => {
    let found = 0;
    for (let seed = 0; seed < 1_000; seed += 1) {
      const draw = noise(seed);
      if ((slopeOf(line(60, () => 100 + draw()))?.p ?? 1) < slopeLimits.alpha) found += 1;
    }
    // 10 expected of 1,000; more than 22 would be four standard deviations off.
    expect(found).toBeLessThanOrEqual(22);
    expect(found).toBeGreaterThan(0);
  });

  it('finds a creep of 20 % in noise of the same size, in nearly all draws', () => {
    let found = 0;
    for (let seed = 0; seed < 100; seed += 1) {
      const draw = noise(seed + 5_000);
      const slope = slopeOf(line(2_000, (second) => 100 + second / 100 + 10 * draw()));
      if (slope !== undefined && slope.p < slopeLimits.alpha && slope.growthRatio > 0.1) found += 1;
    }
    expect(found).toBeGreaterThanOrEqual(98);
  });

  it('joins a long series to 60 stretches', () => {
    expect(slopeOf(line(10_000, (second) => second))?.points).toBe(60);
  });
});
