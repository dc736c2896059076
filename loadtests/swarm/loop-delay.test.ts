import { expect, it } from 'vitest';
import { LoopDelay } from './loop-delay.ts';

it('is what a timer comes late by, in the worst hundredth', () => {
  const delay = new LoopDelay(8);
  expect(delay.p99Ms).toBe(0);
  let nowMs = 1_000;
  for (let turn = 0; turn <= 1_000; turn++) {
    delay.came(nowMs);
    nowMs += turn % 50 === 0 ? 48 : 8.1;
  }
  expect(delay.p99Ms).toBeCloseTo(40, 0);
});

it('counts a timer that came early as in time, and forgets at a reset all but when it last came', () => {
  const delay = new LoopDelay(8);
  for (const nowMs of [0, 500, 504]) delay.came(nowMs);
  expect(delay.p99Ms).toBeGreaterThan(400);
  delay.reset();
  expect(delay.p99Ms).toBe(0);
  delay.came(522);
  expect(delay.p99Ms).toBeCloseTo(10, 0);
});
