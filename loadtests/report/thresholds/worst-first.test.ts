import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { compare, type Operator } from '../thresholds.ts';
import { strainOf, worstFirst } from './worst-first.ts';

const result = (measured: number | null, operator: Operator, limit: number) =>
  ({ measured, operator, limit, ok: measured === null ? null : compare(measured, operator, limit) });

it('puts the furthest beyond its limit first and the furthest within it last', () => {
  const [far, near, beyond, wayBeyond, below, none] = [result(148, '<', 500), result(490, '<', 500), result(600, '<', 500), result(0.012, '<', 0.001), result(0.5, '>', 0.9), result(null, '<', 1)];
  expect(worstFirst([far, none, near, beyond, below, wayBeyond])).toEqual([wayBeyond, below, beyond, none, near, far]);
  expect(worstFirst([far, result(0, '>', 0), result(0.98, '>', 0)]).map(({ ok }) => ok)).toEqual([false, true, true]);
});

it('orders every list the same way from whatever order, and never puts a met threshold before a missed one', () => {
  const operators: Operator[] = ['<', '<=', '>', '>=', '==', '===', '!='];
  const amount = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e6, noNaN: true }));
  const some = fc.record({ measured: fc.option(amount), operator: fc.constantFrom(...operators), limit: amount }).map(({ measured, operator, limit }) => result(measured, operator, limit));
  fc.assert(fc.property(fc.array(some), (results) => {
    const sorted = worstFirst(results);
    expect(worstFirst(results.toReversed()).map(strainOf)).toEqual(sorted.map(strainOf));
    const ranks = sorted.map(({ ok }) => (ok === false ? 0 : ok === null ? 1 : 2));
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    for (const [at, one] of sorted.entries()) {
      const next = sorted[at + 1];
      if (next !== undefined && next.ok === one.ok) expect(strainOf(one)).toBeGreaterThanOrEqual(strainOf(next));
    }
  }));
});
