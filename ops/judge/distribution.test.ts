import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootstrap, bootstrapPercentile } from './bootstrap.ts';
import { mean } from './effect-size.ts';
import { kolmogorovSmirnov, kolmogorovTail } from './kolmogorov-smirnov.ts';
import { normalQuantile } from './normal.ts';
import { seededUniform } from './random.ts';
import { ascending, quantileOf } from './sort.ts';

const values = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 25 });

describe('kolmogorovSmirnov', () => {
  // SciPy 1.17.1: ks_2samp(method='exact') and special.kolmogorov.
  it('agrees with published values', () => {
    const found = kolmogorovSmirnov([1.1, 2.2, 3.3, 4.4, 5.5, 6.6, 7.7], [2, 3.5, 6.1, 8.2, 9.9, 10.4]);
    expect(found).toMatchObject({ distance: expect.closeTo(0.5, 12), p: expect.closeTo(0.3327505827505828, 10), method: 'exact' });
    const tied = kolmogorovSmirnov([1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3], [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]);
    expect(tied).toMatchObject({ distance: expect.closeTo(2 / 3, 12), p: expect.closeTo(0.03356643356643356, 10) });
    for (const [x, wanted] of [[0.3, 0.9999906941986655], [0.5, 0.9639452436648751], [1, 0.26999967167735456], [1.36, 0.049485876755377876], [2, 0.0006709252557796953]] as const) {
      expect(kolmogorovTail(x)).toBeCloseTo(wanted, 10);
    }
  });

  it('is near the exact p where it takes the asymptotic one', () => {
    const one = Array.from({ length: 120 }, (_, index) => index + 1);
    const found = kolmogorovSmirnov(one, one.map((value) => value * 1.1 + 3));
    expect(found.method).toBe('asymptotic');
    expect(found.distance).toBeCloseTo(0.11666666666666667, 12);
    expect(Math.abs(found.p - 0.3889566002413223)).toBeLessThan(0.04);
  });

  it('is the same from both sides and after any rise of scale', () => {
    fc.assert(fc.property(values, values, (a, b) => {
      const found = kolmogorovSmirnov(a, b);
      expect(kolmogorovSmirnov(b, a).p).toBeCloseTo(found.p, 9);
      expect(kolmogorovSmirnov(a.map(Math.exp), b.map(Math.exp)).distance).toBeCloseTo(found.distance, 12);
      if (found.distance === 0) expect(found.p).toBe(1);
    }));
  });

  it('sees a change of spread that leaves the middle where it was', () => {
    const sample = (factor: number): number[] => Array.from({ length: 60 }, (_, index) => normalQuantile((index + 0.5) / 60) * factor);
    expect(kolmogorovSmirnov(sample(1), sample(4)).p).toBeLessThan(0.01);
  });

  it('errs no more often than it says where nothing differs', () => {
    const uniform = seededUniform(3);
    const sample = (): number[] => Array.from({ length: 15 }, uniform);
    let found = 0;
    for (let round = 0; round < 1_000; round++) if (kolmogorovSmirnov(sample(), sample()).p < 0.05) found++;
    expect(found).toBeLessThan(70);
    expect(found).toBeGreaterThan(5);
  });
});

describe('bootstrap', () => {
  const sample = [12.1, 13.4, 11.8, 15.2, 14.9, 13.3, 12.7, 18.4, 13.9, 14.2, 16.6, 12.9];

  // SciPy 1.17.1, scipy.stats.bootstrap(method='BCa') with 200,000 resamples: mean 13.258 to 15.400.
  it('agrees with published intervals', () => {
    const found = bootstrap(sample, mean, { resamples: 20_000 });
    expect(found.estimate).toBeCloseTo(14.11667, 4);
    expect(Math.abs(found.low - 13.258)).toBeLessThan(0.05);
    expect(Math.abs(found.high - 15.4)).toBeLessThan(0.07);
  });

  it('gives the same interval for the same seed, and moves with the values', () => {
    expect(bootstrapPercentile(sample, 0.5)).toEqual(bootstrapPercentile(sample, 0.5));
    const moved = bootstrapPercentile(sample.map((value) => value * 10), 0.5);
    const found = bootstrapPercentile(sample, 0.5);
    expect(moved.low).toBeCloseTo(found.low * 10, 6);
    expect(moved.high).toBeCloseTo(found.high * 10, 6);
  });

  it('covers the true value about as often as it says', () => {
    const uniform = seededUniform(21);
    let covered = 0;
    for (let round = 0; round < 200; round++) {
      const { low, high } = bootstrapPercentile(Array.from({ length: 40 }, uniform), 0.5, { resamples: 400, seed: round });
      if (low <= 0.5 && high >= 0.5) covered++;
    }
    expect(covered).toBeGreaterThan(176);
  });

  it('of a constant or a single value is that value', () => {
    expect(bootstrapPercentile([7, 7, 7], 0.95)).toEqual({ estimate: 7, low: 7, high: 7 });
    expect(bootstrapPercentile([7], 0.95)).toEqual({ estimate: 7, low: 7, high: 7 });
    expect(bootstrapPercentile([], 0.95).estimate).toBeNaN();
  });
});

describe('quantileOf', () => {
  it('lies between two values in proportion, as NumPy’s default', () => {
    expect(quantileOf(ascending([12.1, 13.4, 11.8, 15.2, 14.9, 13.3, 12.7, 18.4, 13.9, 14.2, 16.6, 12.9]), 0.95)).toBeCloseTo(17.41, 10);
    expect(quantileOf([], 0.5)).toBeNaN();
  });
});
