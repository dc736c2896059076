import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Exchange } from '../exchange.ts';
import type { TransportBaseOptions } from './base-transport.ts';
import { PerUserTransport } from './per-user.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

async function listen(listener: RequestListener, keepAliveMs = 60_000): Promise<URL> {
  const server = createServer({ keepAliveTimeout: keepAliveMs }, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function open(target: URL, options: Partial<TransportBaseOptions> = {}): PerUserTransport {
  const now = (): number => performance.now();
  const transport = new PerUserTransport({ target, now, ...options });
  const timer = setInterval(() => transport.tick(now()), 5);
  closers.push(() => {
    clearInterval(timer);
    transport.close();
  });
  return transport;
}

function send(transport: PerUserTransport, place: number, path = '/', timeoutMs = 5_000): Promise<Exchange> {
  return new Promise((resolve) => {
    const exchange = new Exchange('GET', path, '', undefined, timeoutMs, resolve);
    exchange.place = place;
    transport.send(exchange);
  });
}

const peer: RequestListener = (request, response) => {
  response.end(`${request.socket.remoteAddress}:${request.socket.remotePort}`);
};
const bodyOf = (done: Exchange): string => done.reply?.body.toString() ?? String(done.error);

describe('PerUserTransport', () => {
  it('gives each of 300 users a connection of its own, and keeps it', async () => {
    const transport = open(await listen(peer));
    const ask = async (): Promise<string[]> => (await Promise.all(Array.from({ length: 300 }, (_, place) => send(transport, place)))).map(bodyOf);
    const first = await ask();
    expect(new Set(first).size).toBe(300);
    expect(await ask()).toEqual(first);
    expect([transport.connections, transport.opened, transport.inFlight]).toEqual([300, 300, 0]);
  });

  it('lets what one user sends at once wait in turn on its one connection', async () => {
    const order: string[] = [];
    const transport = open(await listen((request, response) => {
      order.push(request.url ?? '');
      peer(request, response);
    }));
    const all = await Promise.all(['/a', '/b', '/c'].map((path) => send(transport, 7, path)));
    expect(order).toEqual(['/a', '/b', '/c']);
    expect(new Set(all.map(bodyOf)).size).toBe(1);
  });

  it('opens a connection again when the server has closed it or is about to', async () => {
    const closing = open(await listen((request, response) => {
      response.setHeader('connection', 'close');
      peer(request, response);
    }));
    expect(bodyOf(await send(closing, 0))).not.toBe(bodyOf(await send(closing, 0)));
    const announced = open(await listen(peer, 1_000));
    expect(bodyOf(await send(announced, 0))).not.toBe(bodyOf(await send(announced, 0)));
    expect(announced.connections).toBe(1);
  });

  it('fails each waiting request of a user whose server is not there, and none of the others', async () => {
    const target = await listen(peer);
    closers.pop()?.();
    const refused = open(target);
    const all = await Promise.all([send(refused, 0), send(refused, 0), send(refused, 1)]);
    expect(all.map(({ error }) => error?.kind)).toEqual(['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED']);
    expect([refused.connections, refused.inFlight]).toEqual([0, 0]);
  });

  it('opens another connection for the next visitor of a place', async () => {
    const transport = open(await listen(peer));
    const first = bodyOf(await send(transport, 5));
    transport.forget(5);
    transport.forget(6);
    expect(bodyOf(await send(transport, 5))).not.toBe(first);
    expect(transport.connections).toBe(1);
  });

  it('gives requests that name no time the scenario’s', async () => {
    const transport = open(await listen(() => undefined), { replyTimeoutMs: 50 });
    const done = await send(transport, 0, '/', 0);
    expect([done.error?.kind, done.error?.message]).toEqual(['timeout', expect.stringContaining('within 50 ms')]);
  });

  it('times out what waits behind a reply that never comes, and serves the user again', async () => {
    const transport = open(await listen((request, response) => {
      if (request.url !== '/never') peer(request, response);
    }));
    const [sent, waiting] = await Promise.all([send(transport, 3, '/never', 120), send(transport, 3, '/', 60)]);
    expect([sent.error?.kind, waiting.error?.kind, waiting.writtenMs]).toEqual(['timeout', 'timeout', -1]);
    expect(bodyOf(await send(transport, 3))).toContain('127.0.0.1:');
  });

  it('bounds what waits by what still does, not by what timed out', async () => {
    const transport = open(await listen(() => undefined), { queueMax: 1 });
    const first = send(transport, 3);
    // It waits until its connection is open, and takes the one place until then.
    await expect.poll(async () => (await send(transport, 3, '/', 30)).error?.kind).toBe('timeout');
    for (let round = 0; round < 3; round++) expect((await send(transport, 3, '/', 30)).error?.kind).toBe('timeout');
    transport.close();
    expect((await first).error?.kind).toBe('aborted');
  });

  it.skipIf(process.platform !== 'linux')('comes from the source address of the user', async () => {
    const target = await listen(peer);
    const transport = open(target, { sourceAddress: (place) => `127.0.0.${2 + (place % 3)}` });
    const all = await Promise.all(Array.from({ length: 6 }, (_, place) => send(transport, place)));
    expect(all.map((done) => bodyOf(done).split(':')[0])).toEqual([2, 3, 4, 2, 3, 4].map((last) => `127.0.0.${last}`));
    const byName = open(new URL(`http://localhost:${target.port}`), { sourceAddress: () => '127.0.0.9' });
    expect(bodyOf(await send(byName, 0))).toContain('127.0.0.9:');
  });
});
