import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createdReply, cutAtRepeats, keyReused, settleInParts } from './idempotency.ts';

const keys = fc.array(fc.tuple(fc.nat(5), fc.nat(5)));
const keysOf = ([a, b]: readonly [number, number]): string[] => [`a${a}`, `b${b}`];

it('cuts a batch only where a key repeats, and keeps the order', () => {
  fc.assert(
    fc.property(keys, (items) => {
      const parts = cutAtRepeats(items, keysOf);
      expect(parts.flat()).toEqual(items);
      for (const part of parts) {
        for (const column of [0, 1]) expect(new Set(part.map((item) => item[column])).size).toBe(part.length);
      }
      parts.slice(1).forEach((part, index) => {
        const before = new Set(parts[index]?.flatMap(keysOf));
        expect(keysOf(part[0] as [number, number]).some((key) => before.has(key))).toBe(true);
      });
    }),
  );
});

it('settles the parts one after the other and answers in order', async () => {
  const calls: string[][] = [];
  const results = await settleInParts(['a', 'b', 'a', 'c', 'a'], (item) => [item], (part) => {
    calls.push([...part]);
    return Promise.resolve(part.map((item) => `${item}${calls.length}`));
  });
  expect(calls).toEqual([['a', 'b'], ['a', 'c'], ['a']]);
  expect(results).toEqual(['a1', 'b1', 'a2', 'c2', 'a3']);
});

it('marks what is repeated, and names the key that is used twice', () => {
  expect(createdReply({ id: 1 }, false)).toEqual({ status: 201, body: { id: 1 } });
  expect(createdReply({ id: 1 }, true)).toEqual({ status: 201, headers: { 'idempotent-replayed': 'true' }, body: { id: 1 } });
  expect(keyReused('k-1', 'post')).toMatchObject({ status: 409, code: 'idempotency_key_reused', message: expect.stringContaining('k-1 belongs to another post') });
});
