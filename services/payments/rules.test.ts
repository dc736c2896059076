import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventTypes, intentStatuses, packageIds, priceOrder, statusAfter, tokenPackages, type EventType, type IntentStatus } from './rules.ts';

const status = fc.constantFrom(...intentStatuses);
const event = fc.constantFrom(...eventTypes);

describe('statusAfter', () => {
  it('keeps a success whatever comes later, and lets a failure become one', () => {
    expect(eventTypes.map((type) => statusAfter('succeeded', type))).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(statusAfter('failed', 'payment_intent.succeeded')).toBe('succeeded');
    expect(statusAfter('failed', 'payment_intent.processing')).toBe('failed');
    expect(statusAfter('pending', 'payment_intent.processing')).toBe('pending');
  });

  it('ends alike in any order and with any repeats', () => {
    const all = (start: IntentStatus, events: readonly EventType[]): IntentStatus => events.reduce(statusAfter, start);
    fc.assert(fc.property(status, fc.array(event), fc.array(fc.nat()), (start, events, picks) => {
      const repeated = [...events, ...picks.flatMap((pick) => events.at(pick % Math.max(1, events.length)) ?? [])];
      expect(all(start, repeated.toReversed())).toBe(all(start, events));
    }));
  });
});

describe('priceOrder', () => {
  it('prices a package or a number of tokens, never both or neither', () => {
    for (const id of packageIds) expect(priceOrder(id, undefined)).toEqual(tokenPackages[id]);
    expect(priceOrder(undefined, 7)).toEqual({ tokens: 7, priceCents: 35 });
    expect(priceOrder('starter', 7)).toMatchObject({ status: 400, code: 'invalid_order', message: expect.stringContaining('packageId "starter" and tokens 7 are both given') });
    expect(priceOrder(undefined, undefined)).toMatchObject({ status: 400, code: 'invalid_order', message: expect.stringContaining('neither packageId nor tokens is given: name either packageId (starter, plus, pro)') });
  });
});
