import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WorkerHealth, WorkerTick } from './measurement.ts';
import { Merge } from './merge.ts';
import { Tally } from './tally.ts';

const ops = ['read', 'write'];
const health = (worker: number): WorkerHealth => ({
  worker,
  pid: worker + 1,
  cpuUs: 0,
  coreShareMax: 0,
  rssBytes: 0,
  rssAtStartBytes: 0,
  loopDelayP99Ms: 0,
  usersStarted: 0,
  usersActive: 10,
  unsent: 0,
});

const operation = fc.record({
  op: fc.nat(1),
  phase: fc.nat(2),
  outcome: fc.constantFrom('ok' as const, 'failed' as const, 'refused' as const),
  us: fc.integer({ min: 1, max: 10_000_000 }),
  second: fc.nat(3),
  worker: fc.nat(2),
});

describe('Merge', () => {
  it('adds up to what one worker would have counted, whoever counted what and when', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
        const whole = new Tally(ops);
        const merge = new Merge(1_000, 2_000);
        for (let second = 0; second < 4; second++) {
          for (let worker = 0; worker < 3; worker++) {
            const tally = new Tally(ops);
            for (const one of operations.filter((each) => each.second === second && each.worker === worker)) {
              const times = { response: one.us, service: one.us, poolWait: 0, lateness: 1 };
              for (const to of [tally, whole]) {
                to.operation(one.op, one.phase, one.outcome, times);
                to.request(one.op, one.phase, one.outcome === 'failed', one.us, 10, 20);
              }
            }
            const tick: WorkerTick = { worker, second, health: health(worker), ...tally.take() };
            expect(merge.isComplete(second, [0, 1, 2])).toBe(false);
            merge.add(tick);
          }
          expect(merge.isComplete(second, [0, 1, 2])).toBe(true);
          expect(merge.closeSecond(second, 30).users).toBe(30);
        }
        const key = (sample: { op: string; phase: string }): string => `${sample.phase} ${sample.op}`;
        const order = <Sample extends { op: string; phase: string }>(all: Sample[]): Sample[] =>
          all.toSorted((a, b) => key(a).localeCompare(key(b)));
        expect(order(merge.operations)).toEqual(order(whole.take().operations));
        expect(merge.series.reduce((sum, point) => sum + point.total, 0)).toBe(operations.length);
        const held = merge.operations.filter(({ phase }) => phase === 'hold').reduce((sum, { total }) => sum + total, 0);
        expect(merge.blocks.reduce((sum, { total }) => sum + total, 0)).toBe(held);
        expect(merge.series.map(({ phase }) => phase)).toEqual(['ramp', 'hold', 'hold', 'drain']);
      }),
    );
  });

  it('counts what comes late in the second after', () => {
    const merge = new Merge(0, 10_000);
    const report = (worker: number, second: number): void => {
      const tally = new Tally(ops);
      tally.operation(0, 1, 'ok', { response: 5, service: 5, poolWait: 0, lateness: 0 });
      merge.add({ worker, second, health: health(worker), ...tally.take() });
    };
    report(0, 0);
    merge.closeSecond(0, 1);
    report(1, 0);
    report(0, 1);
    expect(merge.openSeconds).toEqual([1]);
    merge.closeSecond(1, 1);
    expect(merge.series.map(({ second, total }) => [second, total])).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });

  it('keeps the first example of each kind of error, and a bounded number of kinds', () => {
    const merge = new Merge(0, 1_000);
    for (const [worker, atMs] of [
      [0, 500],
      [1, 20],
    ] as const) {
      const tally = new Tally(ops);
      for (let n = 0; n < 300; n++) {
        tally.error(0, `check: ${n}`, () => ({ firstAtMs: atMs + n, firstMessage: `worker ${worker}` }));
      }
      merge.add({ worker, second: 0, health: health(worker), ...tally.take() });
    }
    const { errors } = merge;
    expect(errors.reduce((sum, { count }) => sum + count, 0)).toBe(600);
    expect(errors.length).toBeLessThanOrEqual(201);
    expect(errors.find(({ kind }) => kind === 'check: 5')).toMatchObject({ count: 2, firstAtMs: 25, firstMessage: 'worker 1' });
    expect(errors[0]).toMatchObject({ kind: '(other)', op: '(other)', count: 400 });
  });

  it('keeps the 20 slowest of all workers, longest first', () => {
    const merge = new Merge(0, 1_000);
    for (const worker of [0, 1]) {
      const tally = new Tally(ops);
      for (let n = 0; n < 50; n++) {
        const responseUs = 1 + n * 2 + worker;
        if (!tally.isSlow(responseUs)) continue;
        tally.slow({ op: 'read', user: n, step: 0, atMs: 0, responseUs, serviceUs: 0, status: 200, correlationId: '' });
      }
      merge.add({ worker, second: 0, health: health(worker), ...tally.take() });
    }
    expect(merge.slowest.map(({ responseUs }) => responseUs)).toEqual(Array.from({ length: 20 }, (_, n) => 100 - n));
  });
});
