import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HttpParser } from './http-parser.ts';
import type { Reply } from './reply.ts';

/** What sockets read into: behind what came last lies what came before. */
const readBuffer = Buffer.alloc(80_000, '\r\n\r\n0\r\n');

/** Feeds the bytes in the pieces that `cuts` make. */
function parse(bytes: Buffer, cuts: readonly number[] = [], method = 'GET', limit?: number): Reply | undefined {
  const parser = new HttpParser(limit);
  parser.begin(method);
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  let reply: Reply | undefined;
  for (let n = 0; n + 1 < at.length; n++) {
    const length = bytes.copy(readBuffer, 0, at[n], at[n + 1]);
    reply = parser.feed(readBuffer, length) ?? reply;
  }
  return reply ?? parser.end();
}

const text = (head: string, body = ''): Buffer => Buffer.from(`${head.replaceAll('\n', '\r\n')}\r\n\r\n${body}`);

function chunked(pieces: readonly Buffer[], trailer: string): Buffer {
  const parts = pieces
    .filter((piece) => piece.length > 0)
    .flatMap((piece) => [Buffer.from(`${piece.length.toString(16)};x=1\r\n`), piece, Buffer.from('\r\n')]);
  return Buffer.concat([...parts, Buffer.from(`0\r\n${trailer}\r\n`)]);
}

const bytes = fc.uint8Array({ maxLength: 600 }).map((array) => Buffer.from(array));
const cuts = fc.array(fc.nat(5_000), { maxLength: 12 });
const noise = fc.constantFrom('', '\nX-Correlation-Id: c-1', '\nServer: a\nVary: b\nVary: c');

describe('HttpParser', () => {
  it('gives the same reply however its bytes are cut: by length', () => {
    fc.assert(
      fc.property(bytes, cuts, noise, (body, at, extra) => {
        const head = `HTTP/1.1 200 OK\nContent-LENGTH:  ${body.length} ${extra}`;
        const reply = parse(Buffer.concat([text(head), body]), at);
        expect(reply?.status).toBe(200);
        expect(reply?.body).toEqual(body);
        expect(reply?.headers['content-length']).toBe(String(body.length));
      }),
    );
  });

  it('gives the same reply however its bytes are cut: chunked, with trailers, after a 103', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), cuts, fc.constantFrom('', 'X-Sum: 1\r\n'), (pieces, at, trailer) => {
        const early = text('HTTP/1.1 103 Early Hints\nLink: </a>');
        const whole = Buffer.concat([
          early,
          text('HTTP/1.1 201 Created\nTransfer-Encoding: chunked\nContent-Length: 3'),
          chunked(pieces, trailer),
        ]);
        const reply = parse(whole, at);
        expect(reply?.status).toBe(201);
        expect(reply?.body).toEqual(Buffer.concat(pieces));
      }),
    );
  });

  it('ends a body without length when the peer closes', () => {
    fc.assert(
      fc.property(bytes, cuts, (body, at) => {
        const reply = parse(Buffer.concat([text('HTTP/1.0 200 OK\nA: b'), body]), at);
        expect(reply?.body).toEqual(body);
      }),
    );
  });

  it.each([
    ['GET', 204],
    ['GET', 304],
    ['HEAD', 200],
  ])('takes no body for %s %d, whatever its length says', (method, status) => {
    const reply = parse(text(`HTTP/1.1 ${status} X\nContent-Length: 900`), [], method);
    expect(reply?.status).toBe(status);
    expect(reply?.body.length).toBe(0);
  });

  it('reads whether the connection stays open, and for how long', () => {
    const keepAlive = (head: string): [boolean, number | undefined] => {
      const parser = new HttpParser();
      parser.begin('GET');
      parser.feed(text(`${head}\nContent-Length: 0`));
      return [parser.keepAlive, parser.idleTimeoutMs];
    };
    expect(keepAlive('HTTP/1.1 200 OK')).toEqual([true, undefined]);
    expect(keepAlive('HTTP/1.1 200 OK\nConnection: Close')).toEqual([false, undefined]);
    expect(keepAlive('HTTP/1.0 200 OK')).toEqual([false, undefined]);
    expect(keepAlive('HTTP/1.0 200 OK\nconnection: keep-alive\nKeep-Alive: timeout=5')).toEqual([true, 5_000]);
  });

  it.each<[string, Buffer]>([
    ['no HTTP', text('SSH-2.0-OpenSSH')],
    ['no status', text('HTTP/1.1 abc')],
    ['two lengths', text('HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 2', 'ab')],
    ['a length beside a name like its own', text('HTTP/1.1 200 OK\ncontent-length: 1\nCONTENT-LENGTH: 2', 'ab')],
    ['a length of other digits', text('HTTP/1.1 200 OK\nContent-Length: 0x10')],
    ['a length without end', text(`HTTP/1.1 200 OK\nContent-Length: ${'1'.repeat(16)}`)],
    ['a status of two digits', text('HTTP/1.1 20 OK')],
    ['a negative length', text('HTTP/1.1 200 OK\nContent-Length: -1')],
    ['an unknown coding', text('HTTP/1.1 200 OK\nTransfer-Encoding: gzip')],
    ['a bad chunk size', text('HTTP/1.1 200 OK\nTransfer-Encoding: chunked', 'zz\r\n')],
    ['a chunk longer than its size', text('HTTP/1.1 200 OK\nTransfer-Encoding: chunked', '1\r\nabc\r\n')],
    ['bytes beyond the reply', text('HTTP/1.1 200 OK\nContent-Length: 1', 'abc')],
    ['a body beyond the limit', text('HTTP/1.1 200 OK\nContent-Length: 9000')],
    ['a chunk beyond the limit', text('HTTP/1.1 200 OK\nTransfer-Encoding: chunked', '2328\r\n')],
    ['a switch of protocols', text('HTTP/1.1 101 Switching')],
    ['an endless head', Buffer.from(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(70_000)}`)],
  ])('refuses %s', (_name, input) => {
    for (const at of [[], [3, 17, 30, 45]]) {
      expect(() => parse(input, at, 'GET', 8_192)).toThrow(expect.objectContaining({ kind: 'protocol' }));
    }
  });

  it('never throws anything but a protocol error on arbitrary bytes', () => {
    fc.assert(
      fc.property(bytes, cuts, (junk, at) => {
        try {
          parse(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n'), junk]), at);
        } catch (error) {
          expect(error).toMatchObject({ kind: 'protocol' });
        }
      }),
    );
  });

  it('refuses bytes that no request asked for', () => {
    expect(() => new HttpParser().feed(Buffer.from('x'))).toThrow('no request asked');
  });

  it('joins repeated headers and parses JSON once', () => {
    const reply = parse(text('HTTP/1.1 200 OK\nSet-Cookie: a\nset-cookie: b\nContent-Length: 7', '{"a":1}'))!;
    expect(reply.headers['set-cookie']).toBe('a, b');
    expect(reply.json()).toEqual({ a: 1 });
    expect(reply.json()).toBe(reply.json());
  });
});
