import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Admission } from './admission.ts';
import { Limiter } from './limiter.ts';

const recorder = (log: string[], name: string) => ({ admitted: () => void log.push(`+${name}`), expired: () => void log.push(`-${name}`) });

test('lets requests in up to the limit and the rest in order of arrival', () => {
  const admission = new Admission({ ceiling: 2 });
  const log: string[] = [];
  const enter = (name: string, nowMs: number) => admission.enter(recorder(log, name), nowMs);
  expect([enter('a', 0), enter('b', 0), enter('c', 0), enter('d', 1)]).toEqual(['go', 'go', 'wait', 'wait']);
  admission.finish(5, 5);
  admission.finish(6, 6);
  expect(log).toEqual(['+c', '+d']);
  expect(admission.waitedMsSum).toBe(10);
});

test('by default nobody waits for a refusal longer than 12 ms', () => {
  const admission = new Admission({ ceiling: 1 });
  const log: string[] = [];
  admission.enter(recorder(log, 'a'), 0);
  admission.enter(recorder(log, 'b'), 0);
  admission.expire(11);
  expect(log).toEqual([]);
  admission.expire(13);
  expect(log).toEqual(['-b']);
});

test('a burst may wait 250 ms, a standing queue 25 ms', () => {
  const admission = new Admission({ ceiling: 1, burstMs: 250, standingWaitMs: 25 });
  const log: string[] = [];
  admission.enter(recorder(log, 'a'), 0);
  admission.enter(recorder(log, 'b'), 0);
  admission.expire(200);
  expect(log).toEqual([]);
  admission.enter(recorder(log, 'c'), 240);
  admission.enter(recorder(log, 'd'), 245);
  admission.expire(260);
  expect(log).toEqual(['-b']);
  admission.finish(262, 5);
  expect(log).toEqual(['-b', '+c']);
  admission.expire(270);
  expect(log).toEqual(['-b', '+c']);
  admission.expire(271);
  expect(log).toEqual(['-b', '+c', '-d']);
});

test('a queue that refusals emptied is still overload', () => {
  const admission = new Admission({ ceiling: 1, burstMs: 250, standingWaitMs: 25 });
  const log: string[] = [];
  admission.enter(recorder(log, 'a'), 0);
  admission.enter(recorder(log, 'b'), 10);
  admission.expire(261);
  admission.enter(recorder(log, 'c'), 262);
  admission.expire(288);
  expect(log).toEqual(['-b', '-c']);
  admission.finish(300, 300);
  admission.enter(recorder(log, 'd'), 301);
  admission.enter(recorder(log, 'e'), 302);
  admission.expire(500);
  expect(log).toEqual(['-b', '-c']);
});

test('a standing queue refuses at once what it could not serve in time', () => {
  const admission = new Admission({ ceiling: 1, burstMs: 250, standingWaitMs: 25 });
  const log: string[] = [];
  admission.enter(recorder(log, 'a'), 0);
  for (let index = 0; index < 20; index++) admission.enter(recorder(log, 'b'), 1);
  expect(admission.enter(recorder(log, 'c'), 300)).toBe('refused');
});

test('a place that frees for a moment ends no overload, 100 ms without a refusal do', () => {
  const admission = new Admission({ ceiling: 1, burstMs: 50, standingWaitMs: 5 });
  const log: string[] = [];
  admission.enter(recorder(log, 'a'), 0);
  admission.enter(recorder(log, 'b'), 0);
  admission.expire(51);
  admission.finish(52, 5);
  admission.enter(recorder(log, 'c'), 60);
  admission.enter(recorder(log, 'd'), 60);
  admission.expire(66);
  expect(log).toEqual(['-b', '-d']);
  admission.finish(170, 5);
  admission.enter(recorder(log, 'e'), 170);
  admission.enter(recorder(log, 'f'), 170);
  admission.expire(219);
  expect(log).toEqual(['-b', '-d']);
});

test('places are neither lost nor invented, and nobody is answered twice', () => {
  const step = fc.record({ kind: fc.constantFrom('enter', 'finish', 'leave', 'expire', 'window'), passMs: fc.nat(60) });
  fc.assert(fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 80 }), (ceiling, steps) => {
    const admission = new Admission({ ceiling, queueMax: 5 });
    let nowMs = 0;
    let running = 0;
    let waiting: { admitted(): void; expired(): void; answered: number }[] = [];
    for (const { kind, passMs } of steps) {
      nowMs += passMs;
      if (kind === 'enter') {
        const done = (): void => {
          waiter.answered++;
          waiting = waiting.filter((one) => one !== waiter);
        };
        const waiter = { answered: 0, expired: done, admitted: () => { running++; done(); } };
        const verdict = admission.enter(waiter, nowMs);
        if (verdict === 'go') running++;
        if (verdict === 'wait') waiting.push(waiter);
      } else if (kind === 'finish' && running > 0) {
        running--;
        admission.finish(nowMs, 3);
      } else if (kind === 'leave' && waiting.length > 0) admission.leave(waiting.shift() as (typeof waiting)[0]);
      else if (kind === 'expire') admission.expire(nowMs);
      else if (kind === 'window') admission.endWindow(nowMs);
      expect(admission.inFlight).toBe(running);
      expect(admission.queued).toBe(waiting.length);
      expect(running).toBeLessThanOrEqual(ceiling);
      expect(admission.queued === 0 || running === ceiling).toBe(true);
    }
  }));
});

test('a waiter answered at once does not deepen the stack', () => {
  const admission = new Admission({ ceiling: 1, burstMs: 250, standingWaitMs: 25 });
  admission.enter(recorder([], 'a'), 0);
  for (let index = 0; index < 4_096; index++) {
    admission.enter({ admitted: () => admission.finish(1, undefined), expired: () => {} }, 0);
  }
  admission.finish(1, undefined);
  expect([admission.inFlight, admission.queued]).toEqual([0, 0]);
});

test('the limit falls while the median is slow, not for a slow twentieth, and comes back when used', () => {
  const limiter = new Limiter({ ceiling: 512, floor: 64, targetMs: 100 });
  const window = (latencyOf: (index: number) => number, inFlight: number): void => {
    for (let index = 0; index < 100; index++) limiter.observe(latencyOf(index), inFlight);
    limiter.endWindow();
  };
  window((index) => (index % 20 === 0 ? 2_000 : 5), 500);
  expect(limiter.limit).toBe(512);
  for (let count = 0; count < 30; count++) window(() => 400, 500);
  expect(limiter.limit).toBe(64);
  window(() => 5, 10);
  expect(limiter.limit).toBe(64);
  for (let count = 0; count < 60; count++) window(() => 5, limiter.limit);
  expect(limiter.limit).toBe(512);
});
