import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimiter } from './limiter.ts';

function clockAt(): { nowMs(): number; monotonicMs(): number; ms: number } {
  const clock = { ms: 1_000_000, nowMs: () => clock.ms, monotonicMs: () => clock.ms };
  return clock;
}

describe('RateLimiter', () => {
  it('lets a burst through, then says how long to wait, exactly', () => {
    const clock = clockAt();
    const limiter = new RateLimiter<string>(clock, { pointsPerMinute: 60, burst: 3 });
    expect([1, 2, 3].map(() => limiter.spend('a'))).toEqual([0, 0, 0]);
    const waitMs = limiter.spend('a');
    expect(waitMs).toBe(1_000);
    expect(limiter.spend('b')).toBe(0);
    clock.ms += waitMs - 1;
    expect(limiter.spend('a')).toBeGreaterThan(0);
    clock.ms += 1;
    expect(limiter.spend('a')).toBe(0);
  });

  it('never lets more through than burst plus what came back', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ waitMs: fc.nat(3_000), points: fc.integer({ min: 1, max: 4 }) }), { maxLength: 100 }), (steps) => {
        const clock = clockAt();
        const limiter = new RateLimiter<string>(clock, { pointsPerMinute: 60, burst: 5 });
        const startMs = clock.ms;
        let spent = 0;
        for (const { waitMs, points } of steps) {
          clock.ms += waitMs;
          if (limiter.spend('a', points) === 0) spent += points;
          expect(spent).toBeLessThanOrEqual(5 + (clock.ms - startMs) / 1_000 + 1e-6);
        }
      }),
    );
  });

  it('remembers a bounded number of keys', () => {
    const limiter = new RateLimiter<number>(clockAt(), { pointsPerMinute: 60, keysMax: 100 });
    for (let key = 0; key < 1_000; key++) limiter.spend(key);
    expect(limiter.size).toBeLessThanOrEqual(200);
  });
});
