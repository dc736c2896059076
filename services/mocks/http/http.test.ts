import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { createTestHost } from '../../../ops/core/test-host.ts';
import type { Handler } from './connection.ts';
import { PlainServer } from './server.ts';
import { Ticks } from './ticks.ts';

const host = createNodeHost();
const cleanups: (() => void)[] = [];
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()));

const echo: Handler = (request, responder) =>
  responder.send(200, 'text/plain', [request.method, request.path, request.query, request.header('x-a') ?? '', request.body].join('|'));

async function serve(handler: Handler = echo): Promise<PlainServer> {
  const server = new PlainServer(host, handler, { bodyBytesMax: 1_000, ticks: new Ticks(host, { tickMs: 1 }) });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

/** Sends the pieces one by one and reads until the server closes. */
async function talk(server: PlainServer, pieces: readonly string[]): Promise<string> {
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
  const text = socket.setEncoding('utf8').toArray();
  for (const piece of pieces) await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
  return (await text).join('');
}

describe('the plain server', () => {
  it('answers requests in order, however they are cut', async () => {
    const server = await serve();
    const requests = 'POST /a?b=1 HTTP/1.1\r\nX-A: v\r\ncontent-length: 5\r\n\r\nhëloGET /b HTTP/1.1\r\nconnection: close\r\n\r\n';
    await fc.assert(fc.asyncProperty(fc.array(fc.nat(requests.length), { maxLength: 4 }), async (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), requests.length];
      const reply = await talk(server, places.slice(1).map((place, index) => requests.slice(places[index], place)));
      expect(reply.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2);
      expect(reply.indexOf('POST|/a|b=1|v|hëlo')).toBeGreaterThan(0);
      expect(reply.endsWith('GET|/b|||')).toBe(true);
    }), { numRuns: 20 });
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['a body in chunks', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n', 411],
    ['a large body', 'POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n', 413],
    ['an endless head', `GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}`, 431],
  ])('refuses %s and closes', async (_, text, status) => {
    expect(await talk(await serve(), [text])).toMatch(new RegExp(`^HTTP/1.1 ${status} .*connection: close`, 's'));
  });

  it('streams in chunks, and sees that a client has left', async () => {
    const left = Promise.withResolvers<boolean>();
    const server = await serve((request, responder) => {
      responder.open(200, 'text/event-stream');
      responder.write('ä');
      if (request.path === '/') return responder.end('b');
      const poll = (): void => void (responder.isGone ? left.resolve(true) : setImmediate(poll));
      return poll();
    });
    expect(await talk(server, ['GET / HTTP/1.1\r\nconnection: close\r\n\r\n'])).toMatch(/\r\n\r\n2\r\nä\r\n1\r\nb\r\n0\r\n\r\n$/);
    const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
    socket.write('GET /stay HTTP/1.1\r\n\r\n');
    await once(socket, 'data');
    socket.destroy();
    expect(await left.promise).toBe(true);
  });

  it('ends idle connections when told to', async () => {
    const server = await serve();
    const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'data');
    server.closeIdleConnections();
    await once(socket.resume(), 'close');
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('ticks', () => {
  it('never fire early and at most a tick late, in order of their time', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.nat(200), { minLength: 1, maxLength: 20 }), async (delays) => {
      const test = createTestHost();
      const ticks = new Ticks(test, { tickMs: 20 });
      const startMs = test.clock.monotonicMs();
      const fired: { delayMs: number; afterMs: number }[] = [];
      for (const delayMs of delays) ticks.after(delayMs, () => fired.push({ delayMs, afterMs: test.clock.monotonicMs() - startMs }));
      for (let ms = 0; ms < 240; ms++) await test.advance(1);
      expect(fired).toHaveLength(delays.length);
      for (const { delayMs, afterMs } of fired) expect(afterMs >= delayMs - 1 && afterMs <= delayMs + 21).toBe(true);
    }), { numRuns: 30 });
  });

  it('rest until the next tick where the process may', async () => {
    const ticks = new Ticks(host, { tickMs: 30, isResting: true });
    ticks.rest();
    const startMs = host.clock.monotonicMs();
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    const endMs = host.clock.monotonicMs();
    expect(Math.floor(endMs / 30)).toBeGreaterThan(Math.floor(startMs / 30));
  });
});
