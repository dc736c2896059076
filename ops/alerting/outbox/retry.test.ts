import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoff, decideRetry, refusedAttemptsMax, retryAfterMaxMs } from './retry.ts';

const nowMs = 1_000_000;
const retry = (afterMs?: number) => ({ kind: 'retry', error: 'x', afterMs }) as const;
const arbitrary = fc.record({ attempts: fc.integer({ min: 1, max: 500 }), leftMs: fc.integer({ min: -1_000, max: 4_000_000 }), afterMs: fc.option(fc.integer({ min: 0, max: 100_000_000 }), { nil: undefined }), random: fc.double({ min: 0, max: 0.999, noNaN: true }) });

describe('decideRetry', () => {
  test('is never earlier than the receiver asked, never later than the time to give up', () => {
    fc.assert(fc.property(arbitrary, ({ attempts, leftMs, afterMs, random }) => {
      const decision = decideRetry({ outcome: retry(afterMs), attempts, nowMs, giveUpAtMs: nowMs + leftMs }, random);
      if (decision.kind === 'dead') return;
      expect(decision.dueAtMs).toBeLessThanOrEqual(nowMs + leftMs);
      expect(decision.dueAtMs - nowMs).toBeGreaterThanOrEqual(Math.min(afterMs ?? 0, retryAfterMaxMs));
      expect(decision.dueAtMs - nowMs).toBeGreaterThanOrEqual(backoff.firstMs / 2);
      expect(decision.dueAtMs - nowMs).toBeLessThanOrEqual(Math.max(backoff.longestMs + 1, retryAfterMaxMs));
    }));
  });

  test('doubles the pause up to its limit', () => {
    const pause = (attempts: number): number => {
      const decision = decideRetry({ outcome: retry(), attempts, nowMs, giveUpAtMs: Number.MAX_SAFE_INTEGER }, 0.999_999);
      return decision.kind === 'again' ? decision.dueAtMs - nowMs : Number.NaN;
    };
    expect([1, 2, 3, 4, 7, 50].map(pause)).toEqual([1_000, 2_000, 4_000, 8_000, 60_000, 60_000]);
  });

  test('gives a refusal up after a few tries', () => {
    const refused = { kind: 'refused', error: 'x' } as const;
    const kinds = [1, 2, 3].map((attempts) => decideRetry({ outcome: refused, attempts, nowMs, giveUpAtMs: nowMs + 3_600_000 }, 0.5).kind);
    expect(kinds).toEqual(['again', 'again', 'dead']);
    expect(refusedAttemptsMax).toBe(3);
  });
});
