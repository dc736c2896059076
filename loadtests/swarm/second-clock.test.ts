import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Timer, Timers } from '../../ops/core/host.ts';
import { SecondClock } from './second-clock.ts';

const noTimer: Timer = { cancel: () => undefined, unref: () => noTimer };

/** Runs a clock whose timer fires so much later than asked, each time, and answers the seconds it told. */
function tell(startMs: number, lateMs: readonly number[]): { told: number[]; latest: number[]; nowMs: number } {
  let nowMs = startMs;
  let armed: { readonly dueMs: number; readonly run: () => void } | undefined;
  const timers: Pick<Timers, 'after'> = {
    after: (delayMs, run) => {
      armed = { dueMs: nowMs + delayMs, run };
      return noTimer;
    },
  };
  const [told, latest]: [number[], number[]] = [[], []];
  const clock = new SecondClock(timers, () => nowMs, (second, isLatest) => {
    told.push(second);
    if (isLatest) latest.push(second);
  });
  clock.start();
  for (const late of lateMs) {
    const due = armed;
    if (due === undefined) break;
    nowMs = due.dueMs + late;
    due.run();
  }
  return { told, latest, nowMs };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, second) => second);

describe('SecondClock', () => {
  it('tells every second of 1,000 though its timer is 2 ms late each time', () => {
    const { told, latest, nowMs } = tell(-100, Array.from({ length: 1_000 }, () => 2));
    expect(told).toEqual(upTo(1_000));
    expect(latest).toEqual(told);
    expect(nowMs).toBe(1_000_002);
  });

  it('tells what a stall passed over, once and in order, however early or late the timer is', () => {
    const lateness = fc.oneof(fc.integer({ min: -1, max: 20 }), fc.integer({ min: 900, max: 5_500 }));
    fc.assert(fc.property(fc.integer({ min: -5_000, max: 0 }), fc.array(lateness, { maxLength: 60 }), (startMs, late) => {
      const { told, nowMs } = tell(startMs, late);
      expect(told).toEqual(upTo(Math.max(0, Math.floor(nowMs / 1_000))));
    }));
  });

  it('marks the last of several that it tells at once', () => {
    expect(tell(0, [3_400])).toMatchObject({ told: [0, 1, 2, 3], latest: [3] });
  });

  it('tells what is over when asked, and nothing once stopped', () => {
    let nowMs = 2_500;
    const told: number[] = [];
    const clock = new SecondClock({ after: () => noTimer }, () => nowMs, (second) => told.push(second));
    clock.catchUp();
    clock.stop();
    nowMs = 9_000;
    clock.catchUp();
    expect(told).toEqual([0, 1]);
  });
});
