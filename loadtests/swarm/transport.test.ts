import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Exchange } from './exchange.ts';
import { Transport, type TransportOptions } from './transport.ts';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A raw server: each connection's bytes go to `onData` with a function that answers. */
function rawServer(onData: (text: string, socket: Socket, nth: number) => void): Promise<number> {
  let connections = 0;
  return listen(
    createTcpServer((socket) => {
      const nth = connections++;
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => onData(bytes.toString('latin1'), socket, nth));
      closers.push(() => void socket.destroy());
    }),
  );
}

function open(port: number, options: Partial<TransportOptions> = {}): Transport {
  const now = (): number => performance.now();
  const transport = new Transport({ target: new URL(`http://127.0.0.1:${port}`), sockets: 2, now, ...options });
  const timer = setInterval(() => transport.tick(now()), 5);
  closers.push(() => {
    clearInterval(timer);
    transport.close();
  });
  return transport;
}

function send(
  transport: Transport,
  path: string,
  { method = 'GET', headers = '', body = undefined as string | Buffer | undefined, timeoutMs = 5_000 } = {},
): Promise<Exchange> {
  return new Promise((resolve) => transport.send(new Exchange(method, path, headers, body, timeoutMs, resolve)));
}

const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('Transport', () => {
  it('carries methods, headers, and bodies of text, of other alphabets and of bytes', async () => {
    const seen: RequestListener = (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        response.setHeader('x-method', request.method ?? '');
        response.setHeader('x-token', String(request.headers.authorization));
        response.end(Buffer.concat(parts));
      });
    };
    const transport = open(await listen(createServer(seen)));
    for (const body of ['plain', 'żółć 漢字', Buffer.from([0, 255, 10]), undefined]) {
      const done = await send(transport, '/echo', { method: 'POST', headers: 'authorization: Bearer t\r\n', body });
      expect(done.error).toBeUndefined();
      expect(done.reply?.body).toEqual(Buffer.from(body ?? ''));
      expect(done.reply?.headers['x-method']).toBe('POST');
      expect(done.reply?.headers['x-token']).toBe('Bearer t');
    }
    const head = await send(transport, '/', { method: 'HEAD' });
    expect([head.reply?.status, head.reply?.body.length]).toEqual([200, 0]);
  });

  it('shares its sockets, keeps the order of waiting requests, and times them', async () => {
    const order: string[] = [];
    const sockets = new Set<unknown>();
    const server = createServer((request, response) => {
      sockets.add(request.socket);
      order.push(request.url ?? '');
      setTimeout(() => response.end('x'.repeat(100_000)), 20);
    });
    const transport = open(await listen(server), { sockets: 2 });
    const all = await Promise.all(Array.from({ length: 10 }, (_, n) => send(transport, `/${n}`)));
    expect(sockets.size).toBe(2);
    expect(order).toEqual(Array.from({ length: 10 }, (_, n) => `/${n}`));
    for (const done of all) {
      expect(done.reply?.body.length).toBe(100_000);
      expect(done.doneMs - done.writtenMs).toBeGreaterThanOrEqual(19);
      expect(done.bytesReceived).toBeGreaterThan(100_000);
    }
    const last = all[9]!;
    expect(last.writtenMs - last.enqueuedMs).toBeGreaterThanOrEqual(75);
    expect(transport.inFlight).toBe(0);
  });

  it('opens more connections where requests wait for one long, up to its bound, and none after a hiccup', async () => {
    const port = await rawServer(() => undefined);
    let nowMs = 0;
    const transport = new Transport({ target: new URL(`http://127.0.0.1:${port}`), sockets: 2, socketsMost: 7, now: () => nowMs });
    closers.push(() => transport.close());
    const sendAt = (atMs: number, count: number): number => {
      nowMs = atMs;
      for (let n = 0; n < count; n++) void send(transport, '/');
      return transport.opened;
    };
    expect([sendAt(0, 9), sendAt(4_999, 9), sendAt(5_000, 9), sendAt(5_900, 9), sendAt(6_000, 9), sendAt(7_000, 9)]).toEqual([2, 2, 4, 4, 7, 7]);
  });

  it('keeps to its connections where it may not grow', async () => {
    let nowMs = 0;
    const transport = new Transport({ target: new URL(`http://127.0.0.1:${await rawServer(() => undefined)}`), sockets: 2, now: () => nowMs });
    closers.push(() => transport.close());
    for (nowMs = 0; nowMs < 10_000; nowMs += 500) void send(transport, '/');
    expect(transport.opened).toBe(2);
  });

  it('reads a chunked reply and one that ends with the connection, and reconnects', async () => {
    const port = await rawServer((text, socket, nth) => {
      if (text.includes('/chunked')) {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
        socket.write('2\r\nde\r\n0\r\n\r\n');
      } else socket.end(`HTTP/1.1 200 OK\r\n\r\nconnection ${nth}`);
    });
    const transport = open(port, { sockets: 1 });
    expect((await send(transport, '/chunked')).reply?.body.toString()).toBe('abcde');
    expect((await send(transport, '/close')).reply?.body.toString()).toBe('connection 0');
    expect((await send(transport, '/close')).reply?.body.toString()).toBe('connection 1');
  });

  it('does not reuse a connection the server is about to close', async () => {
    const port = await rawServer((_text, socket, nth) =>
      socket.write(`HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 1\r\n\r\n${nth}`),
    );
    const transport = open(port, { sockets: 1 });
    const bodies = [await send(transport, '/'), await send(transport, '/')].map((done) => done.reply?.body.toString());
    expect(bodies).toEqual(['0', '1']);
  });

  it('names a refused connection, a broken one and a malformed reply', async () => {
    const gone = createTcpServer();
    gone.listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port: closedPort } = gone.address() as AddressInfo;
    gone.close();
    await once(gone, 'close');
    const refused = await send(open(closedPort), '/');
    expect([refused.error?.kind, refused.writtenMs]).toEqual(['ECONNREFUSED', -1]);

    const port = await rawServer((text, socket) => {
      if (text.includes('/reset')) socket.resetAndDestroy();
      else if (text.includes('/half')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
      else if (text.includes('/junk')) socket.write('hello\r\n\r\n');
      else if (text.includes('/big')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n');
      else socket.write(ok('fine'));
    });
    const transport = open(port);
    for (const [path, kind] of [
      ['/reset', 'ECONNRESET'],
      ['/half', 'ECONNRESET'],
      ['/junk', 'protocol'],
      ['/big', 'protocol'],
    ] as const) {
      const done = await send(transport, path);
      expect([path, done.error?.kind]).toEqual([path, kind]);
      expect(done.writtenMs).toBeGreaterThan(0);
    }
    expect((await send(transport, '/ok')).reply?.body.toString()).toBe('fine');
  });

  it('times out what is sent and what waits, and goes on with a new connection', async () => {
    const port = await rawServer((text, socket) => {
      if (!text.includes('/never')) socket.write(ok('later'));
    });
    const transport = open(port, { sockets: 1 });
    const [sent, waiting] = await Promise.all([
      send(transport, '/never', { timeoutMs: 120 }),
      send(transport, '/never', { timeoutMs: 60 }),
    ]);
    expect([sent.error?.kind, waiting.error?.kind]).toEqual(['timeout', 'timeout']);
    expect(sent.writtenMs).toBeGreaterThan(0);
    expect(waiting.writtenMs).toBe(-1);
    expect(sent.doneMs - sent.enqueuedMs).toBeGreaterThanOrEqual(120);
    expect((await send(transport, '/')).reply?.body.toString()).toBe('later');
    expect(transport.inFlight).toBe(0);
  });

  it('says of writes without a body that none follows, once', async () => {
    const heads: string[] = [];
    const port = await rawServer((text, socket) => {
      heads.push(text);
      socket.write(ok(''));
    });
    const transport = open(port, { sockets: 1 });
    for (const method of ['POST', 'PUT', 'PATCH', 'GET', 'DELETE']) await send(transport, '/', { method });
    await send(transport, '/', { method: 'POST', headers: 'x-own: 1\r\nContent-Length: 0\r\n' });
    await send(transport, '/', { method: 'POST', body: 'abc' });
    expect(heads.map((head) => head.match(/^content-length: .*(?=\r$)/gim))).toEqual([['content-length: 0'], ['content-length: 0'], ['content-length: 0'], null, null, ['Content-Length: 0'], ['content-length: 3']]);
  });

  it('bounds its queue by what still waits, not by what timed out in it', async () => {
    const transport = open(await rawServer(() => undefined), { sockets: 1, queueMax: 2 });
    const first = send(transport, '/a');
    await expect.poll(() => transport.connections).toBe(1);
    await send(transport, '/b', { timeoutMs: 30 });
    for (let round = 0; round < 3; round++) {
      const pair = await Promise.all([send(transport, '/c', { timeoutMs: 30 }), send(transport, '/d', { timeoutMs: 30 })]);
      expect(pair.map(({ error }) => error?.kind)).toEqual(['timeout', 'timeout']);
    }
    transport.close();
    expect((await first).error?.kind).toBe('aborted');
    expect(transport.inFlight).toBe(0);
  });

  it('bounds its queue and fails everything in flight when closed', async () => {
    const transport = open(await rawServer(() => undefined), { sockets: 1, queueMax: 2 });
    const all = [send(transport, '/a'), send(transport, '/b')];
    const third = await send(transport, '/c');
    expect(third.error?.kind).toBe('queue_full');
    transport.close();
    expect((await Promise.all(all)).map((done) => done.error?.kind)).toEqual(['aborted', 'aborted']);
    expect((await send(transport, '/d')).error?.kind).toBe('aborted');
  });

  it('refuses an address outside this machine at connect, also by name', async () => {
    const target = new URL('http://192.0.2.1:81');
    const done = await send(open(1, { target }), '/');
    expect([done.error?.kind, done.error?.message]).toEqual(['refused_target', expect.stringContaining('192.0.2.1')]);
    const port = await rawServer((_text, socket) => socket.write(ok('local')));
    const byName = await send(open(port, { target: new URL(`http://localhost:${port}`) }), '/');
    expect(byName.reply?.body.toString()).toBe('local');
  });

  it('notices when an idle connection is closed, and when bytes come unasked', async () => {
    let last: Socket | undefined;
    const port = await rawServer((_text, socket, nth) => {
      last = socket;
      socket.write(ok(String(nth)));
    });
    const transport = open(port, { sockets: 1 });
    for (const disturb of [() => last?.end(), () => last?.write('surprise')]) {
      const before = (await send(transport, '/')).reply?.body.toString();
      disturb();
      await expect.poll(() => transport.connections).toBe(0);
      expect((await send(transport, '/')).reply?.body.toString()).toBe(String(Number(before) + 1));
    }
  });
});
