import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyedRandom } from '../swarm/random.ts';
import { judgeLaw } from './judge-law.ts';
import { explainedRatio, fitLaw, kneeOf, peakOf, throughputAt } from './scalability.ts';
import type { Law } from './scalability.ts';
import { pointsOn } from './synthetic.ts';

const known: Law = { lambda: 1_000, sigma: 0.03, kappa: 0.000_1 };
const spread = [1, 2, 4, 8, 16, 32, 64, 128, 200];
const gauss = (random: KeyedRandom): number => Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());

describe('the law', () => {
  it('has its peak where Gunther puts it', () => {
    const peak = peakOf(known);
    expect(peak?.concurrency).toBeCloseTo(Math.sqrt(0.97 / 0.000_1), 9);
    // By hand: 98.489 × 1000 / (1 + 0.03 × 97.489 + 0.0001 × 98.489 × 97.489) = 98,489 / 4.8848.
    expect(peak?.throughputPerS).toBeCloseTo(20_162, -1);
    expect(peakOf({ ...known, kappa: 0 })).toEqual({ concurrency: Number.POSITIVE_INFINITY, throughputPerS: 1_000 / 0.03 });
    expect(peakOf({ lambda: 5, sigma: 0, kappa: 0 })).toBeUndefined();
    expect(kneeOf({ lambda: 100, sigma: 0.1, kappa: 0 })).toEqual({ concurrency: 10, throughputPerS: throughputAt({ lambda: 100, sigma: 0.1, kappa: 0 }, 10) });
  });

  it('no concurrency does better than the peak', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 0.9, noNaN: true }), fc.double({ min: 1e-7, max: 0.1, noNaN: true }), fc.double({ min: 1, max: 1e5, noNaN: true }), (sigma, kappa, n) => {
      const law = { lambda: 10, sigma, kappa };
      expect(throughputAt(law, n)).toBeLessThanOrEqual((peakOf(law)?.throughputPerS ?? 0) * (1 + 1e-9));
    }));
  });
});

describe('fitLaw', () => {
  it('recovers any law from points without noise', () => {
    fc.assert(fc.property(
      fc.double({ min: 1, max: 1e5, noNaN: true }), fc.double({ min: 0, max: 0.5, noNaN: true }), fc.double({ min: 0, max: 0.01, noNaN: true }),
      (lambda, sigma, kappa) => {
        const points = pointsOn({ lambda, sigma, kappa }, spread);
        const fit = fitLaw(points);
        expect(fit.lambda / lambda).toBeCloseTo(1, 4);
        expect(fit.sigma).toBeCloseTo(sigma, 4);
        expect(fit.kappa).toBeCloseTo(kappa, 5);
        expect(explainedRatio(fit, points)).toBeGreaterThan(0.999_99);
      },
    ), { numRuns: 60 });
  });

  it('does not care in which unit or order throughput comes', () => {
    const points = pointsOn(known, spread, (index) => ((index * 7) % 5) / 100 - 0.02);
    const fit = fitLaw(points);
    const scaled = fitLaw(points.map((point) => ({ ...point, throughputPerS: point.throughputPerS * 60 })).toReversed());
    expect(scaled.lambda / fit.lambda).toBeCloseTo(60, 3);
    expect(scaled.sigma).toBeCloseTo(fit.sigma, 5);
    expect(scaled.kappa).toBeCloseTo(fit.kappa, 6);
  });

  it('stays in its bounds on points that no law fits', () => {
    const point = fc.record({ concurrency: fc.double({ min: 0.01, max: 1e4, noNaN: true }), throughputPerS: fc.double({ min: 0.01, max: 1e6, noNaN: true }) });
    fc.assert(fc.property(fc.array(point, { minLength: 3, maxLength: 12 }), (points) => {
      const { lambda, sigma, kappa } = fitLaw(points);
      expect(lambda).toBeGreaterThan(0);
      for (const share of [sigma, kappa]) {
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
      }
    }), { numRuns: 60 });
  });
});

describe('judgeLaw', () => {
  it('predicts the peak within its interval from points with 2 % of noise, in most draws', () => {
    const truth = peakOf(known)?.throughputPerS ?? 0;
    let within = 0;
    for (let seed = 0; seed < 20; seed += 1) {
      const random = new KeyedRandom(seed, 0, 0);
      const { verdict, fit } = judgeLaw(pointsOn(known, spread, () => 0.02 * gauss(random)), false);
      expect(verdict).toBe('fitted');
      expect(Math.abs((fit?.peak?.throughputPerS ?? 0) / truth - 1)).toBeLessThan(0.05);
      if ((fit?.peakPerS?.low ?? 0) <= truth && truth <= (fit?.peakPerS?.high ?? 0)) within += 1;
    }
    // A percentile bootstrap over 9 points is narrower than it says: 14 of 20 is what it must reach.
    expect(within).toBeGreaterThanOrEqual(14);
  });

  it('gives the same interval for the same seed', () => {
    const points = pointsOn(known, spread, (index) => (index % 3) / 100);
    expect(judgeLaw(points, false, 7)).toEqual(judgeLaw(points, false, 7));
  });

  it.each([
    ['too few points', pointsOn(known, [1, 8, 32, 64, 128]), false, /too few points: 5 of at least 6/],
    ['two points', pointsOn(known, [1, 8]), false, /too few points: 2 of at least 6/],
    ['a straight line', pointsOn({ lambda: 50, sigma: 0, kappa: 0 }, spread), false, /no curvature/],
    ['the generator as the bottleneck', pointsOn(known, spread), true, /generator was the bottleneck/],
    ['noise alone', spread.map((concurrency, index) => ({ concurrency, throughputPerS: [900, 100, 700, 50, 990, 20, 500, 90, 800][index] ?? 1 })), false, /the law explains/],
  ])('is insufficient for %s', (_, points, generatorBound, reason) => {
    const finding = judgeLaw(points, generatorBound);
    expect(finding.verdict).toBe('insufficient');
    expect(finding.reasons.join('; ')).toMatch(reason);
  });

  it('fits a system that is flat beyond its first points', () => {
    const { fit, verdict } = judgeLaw([1, 2, 4, 8, 16, 32].map((concurrency) => ({ concurrency, throughputPerS: Math.min(concurrency, 4) * 100 })), false);
    expect(verdict).toBe('fitted');
    expect(fit?.peak?.throughputPerS).toBeGreaterThan(380);
    expect(fit?.peak?.throughputPerS).toBeLessThan(520);
  });
});
