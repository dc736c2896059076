import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimingWheel } from './wheel.ts';

type Command =
  | { readonly kind: 'schedule'; readonly entry: number; readonly delay: number }
  | { readonly kind: 'cancel'; readonly entry: number }
  | { readonly kind: 'advance'; readonly ticks: number };

const entry = fc.integer({ min: 0, max: 30 });
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('schedule' as const), entry, delay: fc.integer({ min: -5, max: 90 }) }),
  fc.record({ kind: fc.constant('cancel' as const), entry }),
  fc.record({ kind: fc.constant('advance' as const), ticks: fc.integer({ min: 0, max: 60 }) }),
);

describe('TimingWheel', () => {
  it('fires exactly what a sorted list would, in the same ticks', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 120 }), (commands) => {
        const wheel = new TimingWheel(4, 16);
        const model = new Map<number, number>();
        let now = 0;
        for (const step of commands) {
          if (step.kind === 'schedule') {
            wheel.schedule(step.entry, now + step.delay);
            model.set(step.entry, Math.max(now + step.delay, now + 1));
          } else if (step.kind === 'cancel') {
            expect(wheel.cancel(step.entry)).toBe(model.delete(step.entry));
          } else {
            now += step.ticks;
            const fired: [number, number][] = [];
            wheel.advance(now, (id) => fired.push([wheel.nowTick, id]));
            const expected = [...model].filter(([, due]) => due <= now).map(([id, due]) => [due, id]);
            for (const [, id] of expected) model.delete(id!);
            const order = (a: number[], b: number[]): number => a[0]! - b[0]! || a[1]! - b[1]!;
            expect(fired.toSorted(order)).toEqual(expected.toSorted(order));
            expect(fired.map(([due]) => due)).toEqual(fired.map(([due]) => due).toSorted((a, b) => a - b));
          }
          expect(wheel.size).toBe(model.size);
        }
      }),
    );
  });

  it('lets a firing entry reschedule itself and cancel others of its tick', () => {
    const wheel = new TimingWheel(3, 8);
    const fired: number[] = [];
    for (const id of [0, 1, 2]) wheel.schedule(id, 5);
    wheel.advance(40, (id) => {
      fired.push(id);
      if (id === 0) wheel.cancel(1);
      if (fired.length < 4) wheel.schedule(id, wheel.nowTick);
    });
    expect(fired).toEqual([0, 2, 0, 2, 0].slice(0, fired.length));
    expect(fired.length).toBeGreaterThanOrEqual(4);
    expect(wheel.isWaiting(1)).toBe(false);
  });

  it('keeps an entry that is due many rounds later', () => {
    const wheel = new TimingWheel(1, 8);
    const firedAt: number[] = [];
    wheel.schedule(0, 1_000);
    wheel.advance(5_000, () => firedAt.push(wheel.nowTick));
    expect(firedAt).toEqual([1_000]);
  });

  it('refuses a number of slots that is no power of two', () => {
    expect(() => new TimingWheel(1, 100)).toThrow('100');
  });
});
