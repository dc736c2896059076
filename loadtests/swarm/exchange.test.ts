import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Exchange, ExchangeQueue } from './exchange.ts';

const make = (): Exchange => new Exchange('GET', '/', '', undefined, 0, () => undefined);

it('a queue keeps its order, and counts those that still wait', () => {
  // Mostly pushes, so that the ring of 64 fills, with dead ones among the living.
  const action = fc.oneof({ weight: 4, arbitrary: fc.constant('push' as const) }, { weight: 1, arbitrary: fc.constant('shift' as const) }, { weight: 2, arbitrary: fc.nat(1_000) });
  fc.assert(fc.property(fc.array(action, { size: 'max', maxLength: 600 }), (actions) => {
    const queue = new ExchangeQueue();
    const waiting: Exchange[] = [];
    for (const one of actions) {
      if (one === 'push') {
        waiting.push(make());
        queue.push(waiting.at(-1)!);
      } else if (one === 'shift') expect(queue.shift()).toBe(waiting.shift());
      else {
        const [expired] = waiting.splice(one % Math.max(1, waiting.length), 1);
        if (expired === undefined) continue;
        queue.leave();
        expired.doneMs = 1;
      }
      expect(queue.length).toBe(waiting.length);
    }
    for (const exchange of waiting) expect(queue.shift()).toBe(exchange);
    expect([queue.shift(), queue.length]).toEqual([undefined, 0]);
  }), { numRuns: 60 });
});
