import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holm } from './holm.ts';
import { digamma, moderate, priorOf, trigamma, trigammaInverse } from './moderated-variance.ts';
import { normalQuantile } from './normal.ts';
import { seededUniform } from './random.ts';
import { pseudomedian, shiftOf } from './shift.ts';
import { welchAbove } from './welch.ts';

describe('holm', () => {
  it('steps down, and stops at the first that is not small enough', () => {
    // 0.05 among 4: 0.0125, then 0.0167, then 0.025 where 0.03 is too large, and 0.005 before it not.
    expect(holm([0.03, 0.005, 0.04, 0.016], 0.05).map(({ rejected }) => rejected)).toEqual([false, true, false, true]);
    expect(holm([0.03, 0.005, 0.04, 0.016], 0.05).map(({ level }) => Number(level.toFixed(4)))).toEqual([0.025, 0.0125, 0.025, 0.0167]);
    expect(holm([], 0.05)).toEqual([]);
  });
  it('shares the error by weights', () => {
    expect(holm([0.02, 0.02], 0.05, [1, 3]).map(({ rejected, level }) => [rejected, level])).toEqual([[true, 0.05], [true, 0.037_500_000_000_000_006]]);
    expect(holm([0.02, 0.04], 0.05, [1, 3])[0]?.rejected).toBe(false);
  });
  it('rejects no more than each test alone, and no fewer than Bonferroni', () => {
    fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }), (ps) => {
      holm(ps, 0.05).forEach(({ rejected }, index) => {
        const p = ps[index] ?? 1;
        if (rejected) expect(p).toBeLessThanOrEqual(0.05);
        if (p <= 0.05 / ps.length) expect(rejected).toBe(true);
      });
    }));
  });
});

describe('moderated variances', () => {
  it('knows the functions they are made of', () => {
    // Abramowitz and Stegun 6.3.2, 6.3.3, 6.4.2, 6.4.4.
    expect(digamma(1)).toBeCloseTo(-0.577_215_664_9, 9);
    expect(digamma(0.5)).toBeCloseTo(-1.963_510_026, 8);
    expect(trigamma(1)).toBeCloseTo(Math.PI ** 2 / 6, 9);
    expect(trigamma(0.5)).toBeCloseTo(Math.PI ** 2 / 2, 9);
    fc.assert(fc.property(fc.double({ min: 0.01, max: 100, noNaN: true }), (x) => {
      expect(trigammaInverse(trigamma(x)) / x).toBeCloseTo(1, 6);
    }));
  });
  const uniform = seededUniform(3);
  const normal = (): number => normalQuantile((uniform() * 99_999 + 0.5) / 100_000);
  const sampleVariance = (deviation: number): number => {
    const values = Array.from({ length: 5 }, () => normal() * deviation);
    const mean = values.reduce((sum, value) => sum + value, 0) / 5;
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4;
  };
  it('takes much from each other where they are alike, and little where they are not', () => {
    const alike = priorOf(Array.from({ length: 200 }, () => sampleVariance(2)), 4);
    expect(alike.degrees).toBeGreaterThan(20);
    expect(alike.variance).toBeCloseTo(4, 0);
    const unlike = priorOf(Array.from({ length: 200 }, (_, index) => sampleVariance(10 ** (index % 5))), 4);
    expect(unlike.degrees).toBeLessThan(1);
  });
  it('leaves a variance as it is where too few are known', () => {
    const prior = priorOf([1, 2, 0], 4);
    expect(prior).toEqual({ degrees: 0, variance: 0 });
    expect(moderate(7, 4, prior)).toBe(7);
    expect(moderate(1, 4, { degrees: 12, variance: 5 })).toBe(4);
  });
});

describe('welchAbove', () => {
  it('agrees with the t test worked by hand', () => {
    // Means 3 and 8, variances 2.5 each, 5 values: t = 5 / 1 = 5 on 8 degrees, P(T > 5) = 0.000526.
    expect(welchAbove([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 0)).toBeCloseTo(0.000_526_4, 6);
    expect(welchAbove([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 5)).toBeCloseTo(0.5, 9);
    expect(welchAbove([6, 7, 8, 9, 10], [1, 2, 3, 4, 5], 0)).toBeCloseTo(1 - 0.000_526_4, 6);
  });
  it('lets the difference decide where nothing varies, and says nothing of single values', () => {
    expect(welchAbove([0, 0, 0], [1, 1, 1], 0.5)).toBe(0);
    expect(welchAbove([0, 0, 0], [1, 1, 1], 1)).toBe(1);
    expect(welchAbove([0], [1, 1], 0)).toBe(1);
  });
});

it('the middle of a sample agrees with the shift of two', () => {
  expect(pseudomedian([1, 2, 9])).toBe(3.5);
  expect(pseudomedian([])).toBeNaN();
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 12 }), fc.integer({ min: -50, max: 50 }), (values, by) => {
    const moved = values.map((value) => value + by);
    expect(pseudomedian(moved)).toBeCloseTo(pseudomedian(values) + by, 9);
    expect(shiftOf(values, moved, 0.98).estimate).toBeCloseTo(by, 9);
  }));
});
