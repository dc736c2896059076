import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AreaClock, areaOf, levelAt, presenceAfter, segmentsOf } from './levels.ts';

const stages = fc.array(fc.record({ level: fc.integer({ min: 0, max: 50 }), durationMs: fc.integer({ min: 0, max: 5_000 }) }), { minLength: 1, maxLength: 6 });

describe('levels', () => {
  it('chain: each stage begins where the one before ended, and one without length jumps', () => {
    const segments = segmentsOf([{ level: 100, durationMs: 1_000 }, { level: 100, durationMs: 500 }, { level: 20, durationMs: 0 }, { level: 0, durationMs: 400 }], 0);
    expect([0, 500, 1_200, 1_500, 1_700, 1_900].map((atMs) => levelAt(segments, atMs))).toEqual([0, 50, 100, 20, 10, 0]);
  });

  it('reach an area when their integral says', () => {
    fc.assert(
      fc.property(stages, fc.integer({ min: 0, max: 50 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (given, start, ratio) => {
        const segments = segmentsOf(given, start);
        const total = segments.reduce((sum, segment) => sum + areaOf(segment), 0);
        fc.pre(total > 0);
        const untilMs = new AreaClock(segments).timeOf(total * ratio);
        // Integrated by itself, in pieces of which each is straight.
        const area = segments.reduce((sum, { fromMs, toMs, from, to }) => {
          if (untilMs <= fromMs || toMs === fromMs) return sum;
          const endMs = Math.min(untilMs, toMs);
          const end = from + ((to - from) * (endMs - fromMs)) / (toMs - fromMs);
          return sum + ((from + end) / 2) * (endMs - fromMs);
        }, 0);
        expect(Math.abs(area - total * ratio)).toBeLessThan(1e-6 * total);
        expect(new AreaClock(segments).timeOf(total)).toBe(Number.POSITIVE_INFINITY);
      }),
    );
  });

  it('are above a height exactly where presences say', () => {
    fc.assert(
      fc.property(stages, fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 49 }), (given, start, user) => {
        const segments = segmentsOf(given, start);
        const endMs = segments.at(-1)!.toMs;
        for (let atMs = 0; atMs < endMs; atMs += 37) {
          const presence = presenceAfter(segments, user + 0.5, atMs);
          const level = levelAt(segments, atMs);
          // At a crossing itself rounding decides.
          if (Math.abs(level - user - 0.5) < 1e-6) continue;
          expect(presence !== undefined && presence.fromMs <= atMs).toBe(level > user + 0.5);
        }
      }),
    );
  });
});
