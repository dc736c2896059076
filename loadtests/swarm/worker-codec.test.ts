import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage } from './worker-codec.ts';

const carry = (value: unknown): unknown => decodeMessage(JSON.parse(JSON.stringify(encodeMessage(value))));

const leaf = fc.oneof(
  fc.string(), fc.double(), fc.integer(), fc.boolean(), fc.bigInt(), fc.date({ noInvalidDate: false }), fc.constantFrom(null, undefined, -0, Number.NaN, Number.POSITIVE_INFINITY),
  fc.uint8Array(), fc.uint32Array(), fc.float64Array(),
);
const { value: cloneable } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$', 'v', '__proto__')), tie('value'), { maxKeys: 5, noNullPrototype: true }),
    fc.array(fc.tuple(leaf, tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(leaf, { maxLength: 4 }).map((entries) => new Set(entries)),
  ),
}));

describe('messages between runtimes', () => {
  it('carries what structured clone carries', () => {
    const holds = fc.property(cloneable, (value) => {
      expect(carry(value)).toStrictEqual(structuredClone(value));
    });
    fc.assert(holds, { numRuns: 300 });
  });

  it('hands over a view of a larger buffer as that part alone, and bytes of Node as plain bytes', () => {
    expect(carry(new Uint32Array([1, 2, 3, 4]).subarray(1, 3))).toEqual(new Uint32Array([2, 3]));
    expect(carry(Buffer.from('abc'))).toStrictEqual(new Uint8Array([97, 98, 99]));
  });

  it('says what it cannot carry', () => {
    const circle: unknown[] = [];
    circle.push(circle);
    expect(() => encodeMessage({ run: () => undefined })).toThrow('holds a function');
    expect(() => encodeMessage(Symbol('x'))).toThrow('holds a symbol');
    expect(() => encodeMessage(circle)).toThrow('in a circle');
    expect(() => encodeMessage(new BigInt64Array(1))).toThrow('a BigInt64Array');
  });
});
