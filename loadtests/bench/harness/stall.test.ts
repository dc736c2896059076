import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backlogMs, stalledResponseMs, stalledServiceMs } from './stall.ts';
import type { Stall } from './stall.ts';

const issue: Stall = { durationMs: 60_000, stallMs: 2_000, arrivalsPerS: 500, servedPerS: 1_000, sockets: 10 };

/** Plays the queue request by request: first come, first served, over connections that are taken in turn. */
function playQueue({ durationMs, stallMs, arrivalsPerS, servedPerS, sockets }: Stall): { responsesMs: number[]; servicesMs: number[] } {
  const gapMs = 1_000 / arrivalsPerS;
  const stallAtMs = durationMs / 3;
  const doneMs: number[] = [];
  const responsesMs: number[] = [];
  const servicesMs: number[] = [];
  for (let index = 0; index * gapMs < durationMs; index++) {
    const dueMs = index * gapMs;
    const sentMs = Math.max(dueMs, doneMs[index - sockets] ?? 0);
    const beginsMs = Math.max(sentMs, doneMs[index - 1] ?? 0);
    const isStopped = beginsMs >= stallAtMs && beginsMs < stallAtMs + stallMs;
    const endMs = (isStopped ? stallAtMs + stallMs : beginsMs) + 1_000 / servedPerS;
    doneMs.push(endMs);
    responsesMs.push(endMs - dueMs);
    servicesMs.push(endMs - sentMs);
  }
  return { responsesMs: responsesMs.toSorted((a, b) => a - b), servicesMs: servicesMs.toSorted((a, b) => a - b) };
}

const at = (sorted: readonly number[], quantile: number): number => sorted[Math.floor(quantile * sorted.length)] ?? Number.NaN;

describe('a stall on paper', () => {
  it('of the run that is measured', () => {
    expect(backlogMs(issue)).toBe(4_000);
    expect(stalledResponseMs(issue, 0.99)).toBeCloseTo(1_700, 6);
    expect(stalledServiceMs(issue, 0.99)).toBe(10);
    expect(stalledResponseMs({ ...issue, servedPerS: Number.POSITIVE_INFINITY }, 0.99)).toBeCloseTo(1_400, 6);
  });

  it('is what a queue does that is played request by request', () => {
    const rates = fc.tuple(fc.integer({ min: 200, max: 800 }), fc.integer({ min: 120, max: 300 }));
    fc.assert(
      fc.property(rates, fc.integer({ min: 1_000, max: 3_000 }), fc.integer({ min: 1, max: 10 }), ([arrivalsPerS, percent], stallMs, sockets) => {
        const stall: Stall = { durationMs: 60_000, stallMs, arrivalsPerS, servedPerS: (arrivalsPerS * percent) / 100, sockets };
        fc.pre(backlogMs(stall) < 30_000);
        const played = playQueue(stall);
        expect(at(played.responsesMs, 0.99) / stalledResponseMs(stall, 0.99)).toBeCloseTo(1, 1);
        expect(at(played.servicesMs, 0.99) / stalledServiceMs(stall, 0.99)).toBeCloseTo(1, 1);
      }),
      { numRuns: 50 },
    );
  });

  it('says nothing where too little was touched', () => {
    expect(() => stalledResponseMs({ ...issue, stallMs: 100 }, 0.99)).toThrow('the backlog of 200 ms in 60000 ms says nothing about the quantile 0.99');
    expect(() => stalledServiceMs(issue, 0.999_9)).toThrow(RangeError);
  });
});
