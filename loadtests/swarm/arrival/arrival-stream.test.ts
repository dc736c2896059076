import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateArrivals, SharedIterations, type Arrivals } from './arrival-stream.ts';
import { areaOf, AreaClock, type Segment, segmentsOf } from './levels.ts';

const whole = { index: 0, count: 1 };
const spacings = ['poisson', 'even'] as const;

function list(arrivals: Arrivals): [number, number][] {
  const found: [number, number][] = [];
  for (; arrivals.dueMs < Number.POSITIVE_INFINITY; arrivals.advance()) found.push([arrivals.index, arrivals.dueMs]);
  return found;
}

const expected = (segments: readonly Segment[]): number => segments.reduce((sum, segment) => sum + areaOf(segment), 0) / 1_000;

/** Largest distance between the sample's distribution and the exponential one of mean 1. */
function distanceFromExponential(gaps: readonly number[]): number {
  const sorted = gaps.toSorted((a, b) => a - b);
  return Math.max(...sorted.map((gap, n) => Math.max(Math.abs(-Math.expm1(-gap) - n / sorted.length), Math.abs(-Math.expm1(-gap) - (n + 1) / sorted.length))));
}

const stages = fc.array(fc.record({ level: fc.integer({ min: 0, max: 400 }), durationMs: fc.integer({ min: 0, max: 8_000 }) }), { minLength: 1, maxLength: 5 });

describe('arrivals of a rate', () => {
  it('are as many as its integral, in order, whatever the stages', () => {
    fc.assert(
      fc.property(stages, fc.constantFrom(...spacings), fc.integer({ min: 0, max: 1_000 }), (given, spacing, seed) => {
        const segments = segmentsOf(given, 0);
        const arrived = list(new RateArrivals(segments, spacing, seed, whole));
        const mean = expected(segments);
        if (spacing === 'even') expect(Math.abs(arrived.length - mean)).toBeLessThanOrEqual(0.5 + 1e-6);
        // Six standard deviations, and a little for small counts: once in 500 million.
        else expect(Math.abs(arrived.length - mean)).toBeLessThan(6 * Math.sqrt(mean) + 8);
        expect(arrived.every(([, dueMs], n) => n === 0 || dueMs >= arrived[n - 1]![1])).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('are the same times for 1 worker and for many, each with its own share', () => {
    fc.assert(
      fc.property(stages, fc.constantFrom(...spacings), fc.integer({ min: 1, max: 64 }), (given, spacing, count) => {
        const segments = segmentsOf(given, 20);
        const shares = Array.from({ length: count }, (_, index) => list(new RateArrivals(segments, spacing, 9, { index, count })));
        for (const [index, share] of shares.entries()) expect(share.every(([arrival]) => arrival % count === index)).toBe(true);
        expect(shares.flat().toSorted((a, b) => a[0] - b[0])).toEqual(list(new RateArrivals(segments, spacing, 9, whole)));
      }),
      { numRuns: 20 },
    );
  });

  it('are spaced exponentially when Poisson, also while the rate ramps', () => {
    const segments = segmentsOf([{ level: 300, durationMs: 20_000 }, { level: 300, durationMs: 20_000 }, { level: 50, durationMs: 10_000 }], 10);
    // The integral up to an arrival, found apart from the stream, has gaps of mean 1.
    const integralAt = (atMs: number): number =>
      segments.reduce((sum, { fromMs, toMs, from, to }) => {
        const endMs = Math.min(Math.max(atMs, fromMs), toMs);
        return sum + ((from + from + ((to - from) * (endMs - fromMs)) / (toMs - fromMs)) / 2) * (endMs - fromMs);
      }, 0) / 1_000;
    for (const seed of [1, 2, 3, 4, 5]) {
      const integrals = list(new RateArrivals(segments, 'poisson', seed, whole)).map(([, dueMs]) => integralAt(dueMs));
      const gaps = integrals.map((at, n) => at - (integrals[n - 1] ?? 0));
      // Kolmogorov-Smirnov at the level 0.001: 1.95 / sqrt(n).
      expect(distanceFromExponential(gaps)).toBeLessThan(1.95 / Math.sqrt(gaps.length));
    }
    // The test would notice: even spacing is far off.
    expect(distanceFromExponential(Array.from({ length: 1_000 }, () => 1))).toBeGreaterThan(0.3);
  });

  it('are at equal distances when even', () => {
    const times = list(new RateArrivals(segmentsOf([{ level: 200, durationMs: 3_000 }], 200), 'even', 1, whole)).map(([, dueMs]) => dueMs);
    expect(times).toHaveLength(600);
    for (const [n, atMs] of times.entries()) expect(atMs).toBeCloseTo(n * 5 + 2.5, 6);
  });

  it('agree with the integral, one by one, when even and ramping', () => {
    const segments = segmentsOf([{ level: 100, durationMs: 4_000 }], 0);
    const clock = new AreaClock(segments);
    for (const [index, dueMs] of list(new RateArrivals(segments, 'even', 1, whole))) expect(dueMs).toBeCloseTo(clock.timeOf((index + 0.5) * 1_000), 6);
  });

  it('differ by seed', () => {
    const segments = segmentsOf([{ level: 100, durationMs: 1_000 }], 100);
    expect(list(new RateArrivals(segments, 'poisson', 1, whole))).not.toEqual(list(new RateArrivals(segments, 'poisson', 2, whole)));
  });
});

it('shared iterations are dealt out once each', () => {
  const dealt = [0, 1, 2].flatMap((index) => list(new SharedIterations(10, { index, count: 3 })).map(([iteration]) => iteration));
  expect(dealt.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
