import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headBytesMax, ReplyParser } from './reply-parser.ts';

interface Read {
  status: number;
  body: string;
  ends: number;
}

/** Feeds the text in pieces cut at these places. */
function read(text: string, cuts: readonly number[] = []): { read: Read; parser: ReplyParser } {
  const got: Read = { status: 0, body: '', ends: 0 };
  const parser = new ReplyParser({
    onHead: (status) => {
      got.status = status;
    },
    onPiece: (bytes) => {
      got.body += bytes.toString('latin1');
    },
    onEnd: () => {
      got.ends++;
    },
  });
  const bytes = Buffer.from(text, 'latin1');
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].toSorted((a, b) => a - b);
  for (let index = 1; index < places.length; index++) parser.take(bytes.subarray(places[index - 1], places[index]));
  return { read: got, parser };
}

const chunked = (pieces: readonly string[]): string =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${pieces.map((piece) => `${piece.length.toString(16)};x=1\r\n${piece}\r\n`).join('')}0\r\nx-sum: 1\r\n\r\n`;

describe('the reply parser', () => {
  it('reads the same whatever the pieces it arrives in', () => {
    const piece = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 });
    fc.assert(fc.property(fc.array(piece, { maxLength: 5 }), fc.array(fc.nat(400), { maxLength: 12 }), fc.boolean(), (pieces, cuts, isChunked) => {
      const body = pieces.join('');
      const text = isChunked ? chunked(pieces) : `HTTP/1.1 402 Payment Required\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
      const { read: got, parser } = read(`HTTP/1.1 100 Continue\r\n\r\n${text}`, cuts);
      expect(got).toEqual({ status: isChunked ? 200 : 402, body, ends: 1 });
      expect(parser.isDone && parser.isKept).toBe(true);
    }));
  });

  it('reads up to the end of the connection where no length is given', () => {
    const { read: got, parser } = read('HTTP/1.0 200 OK\r\n\r\nhello');
    expect(got).toEqual({ status: 200, body: 'hello', ends: 0 });
    expect(parser.end()).toBe(true);
    expect(got.ends).toBe(1);
    expect(parser.isKept).toBe(false);
  });

  it('does not take an early end for the end', () => {
    expect(read('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello').parser.end()).toBe(false);
    expect(read(chunked(['hello']).slice(0, -4)).parser.end()).toBe(false);
  });

  it.each([
    ['close', 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n', false, undefined],
    ['an HTTP/1.0 server that keeps', 'HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 0\r\n\r\n', true, undefined],
    ['a time', 'HTTP/1.1 304 Not Modified\r\nKeep-Alive: max=9, timeout=5\r\n\r\n', true, 5_000],
    ['both a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', false, undefined],
  ])('knows whether the connection is kept: %s', (_, text, isKept, idleMs) => {
    const { read: got, parser } = read(text);
    expect({ ends: got.ends, isKept: parser.isKept, idleMs: parser.idleMs }).toEqual({ ends: 1, isKept, idleMs });
  });

  it.each([
    ['another protocol', 'SSH-2.0-x\r\n\r\n'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n'],
    ['a coding it was not asked for', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nhello\r\n'],
    ['a chunk longer than it says', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nhello\r\n'],
    ['bytes after the reply', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab'],
    ['an endless head', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(headBytesMax)}`],
    ['endless trailers', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n${'x: 12345678\r\n'.repeat(2_000)}`],
  ])('refuses %s', (_, text) => {
    expect(() => read(text)).toThrow(/head|length|transfer-encoding|chunk|after|trailers|reply/);
  });
});
