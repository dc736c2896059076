import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coveredMs } from './spans.ts';
import type { Span } from './spans.ts';

const span = (fromMs: number, lengthMs: number): Span => ({ fromMs, untilMs: fromMs + lengthMs });

describe('coveredMs', () => {
  it('counts requests that run at once as long as the longest, and those in a row as all', () => {
    expect(coveredMs(Array.from({ length: 52 }, () => span(3, 225)))).toBe(225);
    expect(coveredMs([span(0, 100), span(100, 50), span(170, 50)])).toBe(200);
    expect(coveredMs([])).toBe(0);
  });

  it('is the number of moments that lie in any, in whatever order they come', () => {
    const spans = fc.array(fc.tuple(fc.nat(60), fc.nat(30)).map(([from, length]) => span(from, length)));
    fc.assert(
      fc.property(spans, (given) => {
        const moments = Array.from({ length: 100 }, (_, at) => at).filter((at) => given.some(({ fromMs, untilMs }) => fromMs <= at && at < untilMs));
        expect(coveredMs(given)).toBe(moments.length);
      }),
    );
  });
});
