import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { createServer as createHttpsServer } from 'node:https';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { createNodeHost } from '../../../../ops/core/node-host.ts';
import { runSwarm } from '../../coordinator.ts';
import { Exchange } from '../../exchange.ts';
import { localOnly } from '../../guard.ts';
import { everyone } from '../../partition.ts';
import { bodyOf, headerLines } from '../../request-text.ts';
import type { Http } from '../../scenario.ts';
import { findBun } from '../bun-runtime.ts';
import { createCourier, plainLink } from '../create-transport.ts';
import type { Courier } from '../courier.ts';
import { makeCertificate } from '../test-certificate.ts';
import { Transport } from '../../transport.ts';
import { SocketHub } from './hub.ts';
import { openSocket, type UserSocket } from './user-socket.ts';

const own = makeCertificate('IP:127.0.0.1');
if (own === undefined) console.warn('the test over TLS is skipped: this machine has no openssl to make a certificate with');

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

/** A server of the package ws; `/refused` gets 403. */
async function serve(onSocket: (socket: WebSocket, request: IncomingMessage) => void): Promise<string> {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered].at(-1) ?? false });
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/refused') socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    else sockets.handleUpgrade(request, socket, head, (ready) => onSocket(ready, request));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that answers the handshake, or anything else, as told. */
async function serveRaw(onHead: (socket: Socket, head: string) => void): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => onHead(socket, bytes.toString('latin1')));
    closers.push(() => void socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Client {
  readonly courier: Courier;
  readonly http: Http;
  readonly done: Exchange[];
}

async function open(target: string, ca?: string): Promise<Client> {
  const now = (): number => performance.now();
  const courier = await createCourier({ target, policy: localOnly, link: { ...plainLink, tls: { ca } }, sockets: 2, partition: everyone, habits: {}, now, nowMs: () => Date.now(), randomBytes });
  const timer = setInterval(() => courier.tick(now()), 5);
  closers.push(() => {
    clearInterval(timer);
    courier.close();
  });
  const done: Exchange[] = [];
  const http: Http = {
    request: (request) =>
      new Promise((resolve, reject) => {
        const exchange = new Exchange(request.method, request.path, headerLines(request.headers), bodyOf(request.body).body, request.timeoutMs ?? 0, (ended) => {
          done.push(ended);
          if (ended.reply === undefined) reject(ended.error!);
          else resolve(ended.reply);
        });
        exchange.links = request;
        courier.send(exchange);
      }),
  };
  return { courier, http, done };
}

const kindOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'fine', (error: { kind?: string; code?: string }) => error.kind ?? error.code ?? 'unknown');

describe('WebSockets', () => {
  it('carry text and bytes both ways, with headers and a protocol, fragments and pings', async () => {
    let pongs = 0;
    const target = await serve((socket, request) => {
      socket.on('pong', () => pongs++);
      socket.on('message', (data: Buffer, isBinary) => {
        socket.ping('are you there?');
        socket.send(data.subarray(0, 3), { binary: isBinary, fin: false });
        socket.send(data.subarray(3), { binary: isBinary, fin: true });
      });
      socket.send(String(request.headers['x-own']));
    });
    const { http, done, courier } = await open(target);
    const socket = await openSocket(http, '/chat', { protocols: ['a', 'b.v2'], headers: { 'x-own': 'mine' } });
    expect([socket.protocol, socket.open, await socket.receive()]).toEqual(['b.v2', true, 'mine']);
    const large = Buffer.alloc(3_000_000, 'abcdefg');
    for (const data of ['żółć 漢字', Buffer.from([0, 255, 1, 2, 3]), 'x'.repeat(70_000), large]) {
      socket.send(data);
      const echo = await socket.receive();
      expect(typeof echo).toBe(typeof data);
      expect(Buffer.from(echo as Buffer).equals(Buffer.from(data as Buffer))).toBe(true);
    }
    await expect.poll(() => pongs).toBe(4);
    for (const exchange of done) expect(exchange.doneMs).toBeGreaterThanOrEqual(exchange.writtenMs);
    expect(done.at(-1)?.bytesSent).toBeGreaterThan(3_000_000);
    expect(done.at(-1)?.bytesReceived).toBeGreaterThan(3_000_000);
    socket.close();
    expect(socket.open).toBe(false);
    await expect.poll(() => courier.sockets.sockets).toBe(0);
    expect(() => socket.send('late')).toThrow('closed');
  });

  it('pass over what does not match, keep what comes early, and time out', async () => {
    const target = await serve((socket) => {
      for (const text of ['one', 'two', 'three']) socket.send(text);
      socket.on('message', () => {
        for (const text of ['noise', 'four']) socket.send(text);
      });
    });
    const { http } = await open(target);
    const socket = await openSocket(http, '/');
    expect(await socket.receive({ match: (data) => data === 'two' })).toBe('two');
    const four = socket.receive({ match: (data) => data === 'four' });
    socket.send('go');
    expect(await four).toBe('four');
    expect(await kindOf(socket.receive({ timeoutMs: 50 }))).toBe('timeout');
    const wrong = socket.receive({ match: () => { throw new Error('oh'); } });
    socket.send('go');
    expect(await kindOf(wrong)).toBe('protocol');
  });

  it('say how they ended: refused, closed, cut, aborted', async () => {
    const target = await serve((socket, request) => {
      socket.send('last words');
      if (request.url === '/close') socket.close(4001, 'go away');
      if (request.url === '/cut') setImmediate(() => socket.terminate());
    });
    const { http, courier } = await open(target);
    expect(await kindOf(openSocket(http, '/refused'))).toBe('ws_refused');
    const ends: [string, string][] = [['/close', '4001 (go away)'], ['/cut', '1006']];
    for (const [path, part] of ends) {
      const socket = await openSocket(http, path);
      expect(await socket.receive()).toBe('last words');
      await expect(socket.receive()).rejects.toMatchObject({ kind: 'ws_closed', message: expect.stringContaining(part) });
    }
    const socket: UserSocket = await openSocket(http, '/');
    await socket.receive();
    const waiting = kindOf(socket.receive());
    await expect.poll(() => courier.sockets.sockets).toBe(1);
    courier.close();
    expect(await waiting).toBe('aborted');
    expect(await kindOf(openSocket(http, '/'))).toBe('aborted');
    expect(() => socket.close(1005)).toThrow('may not be sent');
  });

  it('bound what a server may pile up, and what they send', async () => {
    const target = await serve((socket) => {
      for (let n = 0; n < 1_001; n++) socket.send(String(n));
    });
    const { http } = await open(target);
    const socket = await openSocket(http, '/');
    await expect.poll(() => socket.open).toBe(false);
    for (let n = 0; n < 1_000; n++) expect(await socket.receive()).toBe(String(n));
    expect(await kindOf(socket.receive())).toBe('ws_queue_full');
    const heavy = await serve((served) => {
      for (let n = 0; n < 3; n++) served.send(Buffer.alloc(6 * 1024 * 1024, n));
    });
    const heavily = await openSocket((await open(heavy)).http, '/');
    await expect.poll(() => heavily.open).toBe(false);
    for (let n = 0; n < 2; n++) expect((await heavily.receive())[0]).toBe(n);
    await expect(heavily.receive()).rejects.toMatchObject({ kind: 'ws_queue_full', message: expect.stringContaining('18874368 bytes') as string });
    const quiet = await openSocket((await open(await serve(() => {}))).http, '/');
    expect(() => quiet.send(Buffer.alloc(16 * 1024 * 1024 + 1))).toThrow('16777217 bytes');
  });

  it('refuse a message beyond 16 MB with 1009, and a handshake that is not to their key', async () => {
    let closeCode = 0;
    const target = await serve((socket) => {
      socket.on('close', (code) => (closeCode = code));
      socket.send(Buffer.alloc(16 * 1024 * 1024 + 1));
    });
    const { http } = await open(target);
    expect(await kindOf((await openSocket(http, '/')).receive())).toBe('ws_too_big');
    await expect.poll(() => closeCode).toBe(1009);
    const wrong = await serveRaw((socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: nonsense\r\n\r\n'));
    expect(await kindOf(openSocket((await open(wrong)).http, '/'))).toBe('protocol');
    const silent = await serveRaw(() => undefined);
    expect(await kindOf(openSocket((await open(silent)).http, '/', { timeoutMs: 50 }))).toBe('timeout');
    const chosen = await serveRaw((socket, head) => socket.write(head.includes('protocol: a') ? 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' : ''));
    expect(await kindOf(openSocket((await open(chosen)).http, '/', { protocols: ['a'] }))).toBe('ws_refused');
  });

  it.skipIf(own === undefined)('speak TLS where the target does', async () => {
    const server = createHttpsServer({ cert: own?.cert, key: own?.key });
    new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(data.toString())));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const socket = await openSocket((await open(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, own?.cert)).http, '/');
    socket.send('hidden');
    expect(await socket.receive()).toBe('hidden');
  });

  it('ask the guard first', async () => {
    expect(await kindOf(openSocket((await open('http://127.0.0.1:1')).http, '/'))).toBe('ECONNREFUSED');
    const target = new URL('http://192.0.2.1:81');
    const now = (): number => performance.now();
    const hub = new SocketHub(target, new Transport({ target, sockets: 1, now }), now, randomBytes);
    const refused = await new Promise<Exchange>((resolve) => hub.take(new Exchange('GET', '/', '', undefined, 1_000, resolve), { kind: 'connect', protocols: [] }));
    expect([refused.error?.kind, refused.writtenMs]).toEqual(['refused_target', -1]);
  });

  it.each([['node', true], ['bun', findBun(createNodeHost()) !== undefined]] as const)('are part of a run, under %s', { timeout: 60_000 }, async (runtime, isHere) => {
    if (!isHere) return console.warn('the part under Bun is skipped: its executable is not in place');
    const target = await serve((socket) => {
      socket.on('message', (data: Buffer) => {
        socket.send('noise');
        socket.send(data.toString());
      });
    });
    const measured = await runSwarm({
      host: createNodeHost(),
      scenarioFile: fileURLToPath(new URL('../../fixtures/chatter.ts', import.meta.url)),
      target,
      runId: 'aabbccdd',
      overrides: { transport: 'per-user', runtime, workers: 2 },
      log: () => undefined,
    });
    expect(measured.errors).toEqual([]);
    const total = (op: string): number => measured.operations.filter((sample) => sample.op === op).reduce((sum, sample) => sum + sample.total, 0);
    expect(total('talk')).toBeGreaterThan(20);
    expect(total('ws_connect')).toBeGreaterThan(20);
    expect(total('ws_message')).toBeGreaterThan(2 * total('ws_connect'));
    expect([measured.transport, measured.runtime]).toEqual(['per-user', runtime]);
  });
});
