import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BodyReader } from './body.ts';
import { chunked } from './request-head.ts';

/** Feeds `text` in pieces; answers how many bytes belong to the body and how it ended. */
function read(length: number, bytes: Buffer, cuts: readonly number[]): { taken: number; done: boolean; bad: boolean } {
  const body = new BodyReader();
  body.start(length);
  let taken = 0;
  const edges = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  for (let index = 1; index < edges.length && !body.done && !body.bad; index++) {
    taken += body.consume(bytes.subarray(edges[index - 1], edges[index]), 0);
  }
  return { taken, done: body.done, bad: body.bad };
}

const cutsArbitrary = fc.array(fc.nat(100_000), { maxLength: 20 });

test('a chunked body ends at the same byte however it is cut', () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 6 });
  fc.assert(fc.property(chunks, fc.boolean(), fc.string(), cutsArbitrary, (list, trailer, after, cuts) => {
    const body = Buffer.concat([
      ...list.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)};x=1\r\n`), chunk, Buffer.from('\r\n')]),
      Buffer.from(`0\r\n${trailer ? 'X-T: 1\r\n' : ''}\r\n`),
    ]);
    expect(read(chunked, Buffer.concat([body, Buffer.from(after)]), cuts)).toEqual({ taken: body.length, done: true, bad: false });
    expect(read(chunked, body.subarray(0, -1), cuts).done).toBe(false);
  }));
});

test('any bytes give the same verdict however they are cut', () => {
  const soup = fc.array(fc.constantFrom('0', '5', 'a', 'ff', '\r\n', '\r', '\n', ';', 'xyz', ' '), { maxLength: 25 }).map((parts) => Buffer.from(parts.join('')));
  fc.assert(fc.property(soup, cutsArbitrary, (bytes, cuts) => {
    expect(read(chunked, bytes, cuts)).toEqual(read(chunked, bytes, []));
  }), { numRuns: 500 });
});

test('a body of known length ends there', () => {
  fc.assert(fc.property(fc.nat(500), fc.nat(500), cutsArbitrary, (length, extra, cuts) => {
    expect(read(length, Buffer.alloc(length + extra), cuts)).toEqual({ taken: length, done: true, bad: false });
  }));
});

describe('refuses', () => {
  test.each([
    ['no size', '\r\n'], ['a negative size', '-1\r\n'], ['a hex prefix', '0x5\r\nhello\r\n'], ['a size with a space', '5 \r\nhello\r\n'],
    ['a bare LF after the size', '5\nhello\r\n'], ['data longer than said', '3\r\nhello\r\n'], ['a size beyond 2^53', 'fffffffffffff\r\n'],
    ['an endless extension', `5;${'a'.repeat(300)}\r\n`], ['a bare LF in an extension', '5;a\nb\r\n'],
  ])('%s', (_, text) => expect(read(chunked, Buffer.from(text), []).bad).toBe(true));
});
