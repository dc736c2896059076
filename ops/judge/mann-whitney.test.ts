import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commonLanguage, meanRatio } from './effect-size.ts';
import { mannWhitney, uDistribution } from './mann-whitney.ts';
import { normalQuantile } from './normal.ts';
import { seededUniform } from './random.ts';
import { shiftOf } from './shift.ts';

const values = fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 20 });

describe('mannWhitney', () => {
  // The first is the example of SciPy's manual for `mannwhitneyu`; all figures are SciPy's 1.17.1.
  it('agrees with published values', () => {
    expect(mannWhitney([20, 11, 17, 12], [19, 22, 16, 29, 24])).toMatchObject({ u: 17, method: 'exact', p: expect.closeTo(0.1111111111111111, 12) });
    const control = [1.1, 2.2, 3.3, 4.4, 5.5, 6.6, 7.7];
    expect(mannWhitney(control, [2, 3.5, 6.1, 8.2, 9.9, 10.4])).toMatchObject({ u: 30, method: 'exact', p: expect.closeTo(0.23426573426573427, 12) });
    const tied = mannWhitney([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29], [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3]);
    expect(tied).toMatchObject({ u: 58, method: 'normal', p: expect.closeTo(0.13291945818531892, 12) });
  });

  it('counts every order once: 2 of 252 are as far apart as 5 against 5 can be', () => {
    expect(mannWhitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]).p).toBeCloseTo(2 / 252, 12);
    for (const [m, n] of [[1, 1], [3, 4], [7, 2], [49, 49]] as const) {
      const distribution = uDistribution(m, n);
      expect(distribution).toHaveLength(m * n + 1);
      expect(distribution.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 10);
    }
  });

  it('says the same of both sides, and whatever the unit', () => {
    fc.assert(fc.property(values, values, fc.integer({ min: 1, max: 9 }), fc.integer({ min: -99, max: 99 }), (a, b, factor, offset) => {
      const found = mannWhitney(a, b);
      const mirrored = mannWhitney(b, a);
      expect(mirrored.p).toBeCloseTo(found.p, 10);
      expect(mirrored.z).toBeCloseTo(-found.z, 10);
      expect(found.u + mirrored.u).toBe(a.length * b.length);
      const scale = (value: number): number => value * factor + offset;
      expect(mannWhitney(a.map(scale), b.map(scale))).toEqual(found);
      expect(found.p).toBeGreaterThan(0);
      expect(found.p).toBeLessThanOrEqual(1);
    }));
  });

  it('errs as seldom as it says where nothing differs', () => {
    const uniform = seededUniform(11);
    for (const size of [6, 60]) {
      const sample = (): number[] => Array.from({ length: size }, () => normalQuantile(uniform()));
      const rounds = 2_000;
      let found = 0;
      for (let round = 0; round < rounds; round++) if (mannWhitney(sample(), sample()).p < 0.05) found++;
      // Three standard deviations of 2,000 draws at 5 % are 1.5 points; small exact samples are below.
      expect(found / rounds).toBeLessThan(0.065);
      expect(found / rounds).toBeGreaterThan(0.025);
    }
  });

  it('has nothing to say of no values or equal ones', () => {
    expect(mannWhitney([], [1]).p).toBe(1);
    expect(mannWhitney([3, 3], [3, 3, 3])).toMatchObject({ p: 1, z: 0 });
  });
});

describe('shiftOf', () => {
  it('is the median of all differences, within its interval, and moves with the values', () => {
    fc.assert(fc.property(values, values, fc.integer({ min: -50, max: 50 }), (a, b, offset) => {
      const found = shiftOf(a, b, 0.95);
      expect(found.low).toBeLessThanOrEqual(found.estimate);
      expect(found.high).toBeGreaterThanOrEqual(found.estimate);
      const moved = shiftOf(a, b.map((value) => value + offset), 0.95);
      expect([moved.estimate, moved.low, moved.high]).toEqual([found.estimate + offset, found.low + offset, found.high + offset]);
      const mirrored = shiftOf(b, a, 0.95);
      expect(mirrored.estimate).toBeCloseTo(-found.estimate, 9);
      expect(mirrored.side + found.side).toBe(0);
    }));
  });

  // By hand: of 25 differences in 5..9 around 5, z first falls to 1.96 at the third smallest, and mirrored.
  it('agrees with the inversion by hand', () => {
    const found = shiftOf([1, 2, 3, 4, 5], [11, 12.5, 14.1, 16.2, 18.7], 0.95);
    const differences = [11, 12.5, 14.1, 16.2, 18.7].flatMap((x) => [1, 2, 3, 4, 5].map((y) => x - y)).toSorted((p, q) => p - q);
    expect(found.estimate).toBe(differences[12]);
    // z(u) = (|u − 12.5| − 0.5) / sqrt(25/12 · 11): at u = 22 it is 1.88, at 23 it is 2.09.
    expect(found.low).toBe(differences[2]);
    expect(found.high).toBe(differences[22]);
  });

  it('covers the true shift as often as it says', () => {
    const uniform = seededUniform(5);
    let covered = 0;
    const rounds = 600;
    for (let round = 0; round < rounds; round++) {
      const sample = (offset: number): number[] => Array.from({ length: 12 }, () => -Math.log1p(-uniform()) + offset);
      const { low, high } = shiftOf(sample(0), sample(0.5), 0.95);
      if (low <= 0.5 && high >= 0.5) covered++;
    }
    expect(covered / rounds).toBeGreaterThan(0.925);
    expect(covered / rounds).toBeLessThan(0.985);
  });

  it('tells a difference that ties hide by its side', () => {
    const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
    const found = shiftOf([...zeros(95), 1, 1, 1, 1, 1], [...zeros(60), ...zeros(40).map((_, index) => index + 1)], 0.98);
    expect(found).toMatchObject({ estimate: 0, low: 0, side: 1 });
    expect(shiftOf(zeros(5), zeros(5), 0.98)).toEqual({ estimate: 0, low: 0, high: 0, side: 0 });
  });
});

describe('effect sizes', () => {
  it('count pairs, ties as half', () => {
    expect(commonLanguage([1, 2], [2, 3])).toBe(0.875);
    expect(commonLanguage([5, 6], [1, 2])).toBe(0);
    fc.assert(fc.property(values, values, (a, b) => {
      expect(commonLanguage(a, b) + commonLanguage(b, a)).toBeCloseTo(1, 12);
    }));
  });
  it('divide means, and have no ratio to nothing', () => {
    expect(meanRatio([10, 20], [30, 30])).toBe(2);
    expect(meanRatio([0, 0], [1])).toBe(Number.POSITIVE_INFINITY);
    expect(meanRatio([0], [0])).toBe(1);
  });
});
