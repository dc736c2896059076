import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const root = join(import.meta.dirname, '../..');
const bun = join(root, 'node_modules/.bin/bun');
const runtimes = [{ runtime: 'node', path: process.execPath }, ...(existsSync(bun) ? [{ runtime: 'bun', path: bun }] : [])];

/** An api process of the test: counts what comes over the wire and misbehaves by path. */
class Api {
  readonly seen: string[] = [];
  readonly server: Server;
  readonly #stalled: ServerResponse[] = [];
  readonly releaseBig = Promise.withResolvers<void>();
  sentBytes = 0;
  constructor() {
    this.server = createServer((request, response) => void this.#serve(request, response));
  }
  async listen(path?: string): Promise<string> {
    this.server.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path });
    await once(this.server, 'listening');
    return path === undefined ? `http://127.0.0.1:${(this.server.address() as AddressInfo).port}` : `unix:${path}`;
  }
  count = (line: string): number => this.seen.filter((one) => one === line).length;
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/readyz') return void response.end('ok');
    const line = `${request.method} ${request.url}`;
    this.seen.push(line);
    let sizeBytes = 0;
    for await (const piece of request as AsyncIterable<Buffer>) sizeBytes += piece.length;
    if (request.url === '/die') return void request.socket.destroy();
    if (request.url === '/die-once') return void (this.count(line) === 1 ? request.socket.destroy() : response.end('alive'));
    if (request.url === '/half') {
      response.writeHead(200, { 'content-length': 100 });
      return void response.write('half', () => request.socket.destroy());
    }
    if (request.url === '/stall') return void this.#stalled.push(response);
    if (request.url === '/chunks') {
      for (const piece of ['one ', 'two ', 'three']) response.write(piece);
      return void response.end();
    }
    if (request.url === '/big') return await this.#sendBig(response).catch(() => {});
    response.setHeader('x-client', String(request.headers['x-forwarded-for']));
    response.end(`${request.url} ${sizeBytes}`);
  }
  /** 40 MB, as fast as the gateway takes them. */
  async #sendBig(response: ServerResponse): Promise<void> {
    const piece = Buffer.alloc(100_000, 120);
    for (let count = 0; count < 400; count++) {
      this.sentBytes += piece.length;
      if (!response.write(piece)) await once(response, 'drain');
    }
    response.end();
  }
  release(): void {
    for (const response of this.#stalled.splice(0)) response.end('at last');
  }
  get stalled(): number {
    return this.#stalled.length;
  }
  kill(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

class Running {
  readonly child: ChildProcess;
  port = 0;
  adminPort = 0;
  constructor(path: string, upstreams: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(path, [join(root, 'services/gateway/main.ts')], {
      env: { ...process.env, PORT: '0', SORA_ADMIN_PORT: '0', SORA_UPSTREAMS: upstreams.join(','), SORA_TRUSTED_PEERS: '127.0.0.1', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }
  async ready(): Promise<this> {
    let text = '';
    // The pipe stays open and is read to its end: the gateway writes to it when it stops.
    this.child.stderr?.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    await vi.waitFor(() => expect(text).toContain('\n'), { timeout: 10_000 });
    const line = JSON.parse(text.split('\n', 1)[0] as string) as { port: number; adminPort: number };
    this.port = line.port;
    this.adminPort = line.adminPort;
    return this.#probe();
  }
  /** Where its log goes to a file and says nothing on stderr. */
  readyAt(port: number, adminPort: number): Promise<this> {
    this.port = port;
    this.adminPort = adminPort;
    return this.#probe();
  }
  async #probe(): Promise<this> {
    await vi.waitFor(async () => expect((await fetch(`http://127.0.0.1:${this.adminPort}/readyz`)).status).toBe(200), { timeout: 10_000 });
    return this;
  }
  get = (path: string, init?: RequestInit): Promise<Response> => fetch(`http://127.0.0.1:${this.port}${path}`, init);
  async metric(line: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.adminPort}/metrics`)).text();
    return Number(text.split('\n').find((one) => one.startsWith(`${line} `))?.slice(line.length));
  }
  socket(): Socket {
    return connect({ port: this.port, host: '127.0.0.1', allowHalfOpen: true });
  }
  /** Sends raw bytes; answers all that comes until the gateway closes. */
  async raw(text: string): Promise<string> {
    const socket = this.socket();
    socket.write(text);
    return (await socket.setEncoding('latin1').toArray()).join('');
  }
  async stop(): Promise<number | null> {
    if (this.child.exitCode === null) {
      this.child.kill('SIGTERM');
      await once(this.child, 'exit');
    }
    return this.child.exitCode;
  }
}

describe.each(runtimes)('the gateway on $runtime', ({ runtime, path }) => {
  const socketPath = join(tmpdir(), `sora-gateway-test-${process.pid}-${runtime}.sock`);
  const api = new Api();
  let gateway: Running;
  beforeAll(async () => {
    gateway = new Running(path, [await api.listen(socketPath)]);
    await gateway.ready();
  });
  afterAll(async () => {
    await gateway.stop();
    api.kill();
    rmSync(socketPath, { force: true });
  });

  test('forwards over a unix socket, with the client address, both kinds of body, and problems', async () => {
    const reply = await gateway.get('/feed', { headers: { 'x-forwarded-for': '1.2.3.4' } });
    expect([reply.status, reply.headers.get('x-client'), await reply.text()]).toEqual([200, '1.2.3.4', '/feed 0']);
    expect(await (await gateway.get('/posts', { method: 'POST', body: Buffer.alloc(5_000_000) })).text()).toBe('/posts 5000000');
    const body = new Blob([Buffer.alloc(3_000_000)]).stream();
    expect(await (await gateway.get('/posts', { method: 'POST', body, duplex: 'half' } as RequestInit)).text()).toBe('/posts 3000000');
    expect(await (await gateway.get('/chunks')).text()).toBe('one two three');
    const hidden = await gateway.get('/admin/sessions', { method: 'POST' });
    expect([hidden.status, hidden.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
    expect(await (await gateway.get('/gateway/readyz')).text()).toBe('ok\n');
  });

  test('refuses smuggling and closes', async () => {
    const before = api.seen.length;
    const reply = await gateway.raw('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(reply).toMatch(/^HTTP\/1.1 400 .*ambiguous_length/s);
    expect(reply.match(/HTTP\/1.1/g)).toHaveLength(1);
    expect(await gateway.raw(`GET / HTTP/1.1\r\nX-A: ${'a'.repeat(17_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /);
    expect(api.seen).toHaveLength(before);
  });

  test('answers pipelined requests in order, then honours close', async () => {
    const reply = await gateway.raw('GET /p1 HTTP/1.1\r\nHost: a\r\n\r\nGET /p2 HTTP/1.1\r\nHost: a\r\n\r\nGET /p3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(reply.match(/\/p\d 0/g)).toEqual(['/p1 0', '/p2 0', '/p3 0']);
    expect(reply.match(/Connection: close/g)).toHaveLength(1);
  });

  test('repeats a GET and a keyed POST once, a bare POST never', async () => {
    const retries = await gateway.metric('gateway_retries_total');
    expect(await (await gateway.get('/die-once')).text()).toBe('alive');
    expect(api.count('GET /die-once')).toBe(2);
    expect(await (await gateway.get('/die-once', { method: 'POST', headers: { 'idempotency-key': 'k' }, body: 'x' })).text()).toBe('alive');
    expect(api.count('POST /die-once')).toBe(2);
    expect((await gateway.get('/die', { method: 'POST', body: 'x' })).status).toBe(502);
    expect(api.count('POST /die')).toBe(1);
    expect((await gateway.get('/die')).status).toBe(502);
    expect(api.count('GET /die')).toBe(2);
    expect(await gateway.metric('gateway_retries_total')).toBe(retries + 3);
  });

  test('a reply cut short breaks the client connection, and is not repeated', async () => {
    const text = await gateway.raw('GET /half HTTP/1.1\r\nHost: a\r\n\r\n').catch((error: NodeJS.ErrnoException) => error.code);
    expect(text === 'ECONNRESET' || text?.endsWith('half')).toBe(true);
    expect(api.count('GET /half')).toBe(1);
  });

  test('a slow reader slows the server instead of filling the gateway', async () => {
    const socket = gateway.socket();
    socket.pause();
    socket.write('GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    // The server stands still once every buffer on the way is full.
    let last = -1;
    await expect.poll(() => {
      const still = api.sentBytes > 0 && api.sentBytes === last;
      last = api.sentBytes;
      return still;
    }, { interval: 200, timeout: 10_000 }).toBe(true);
    expect(api.sentBytes).toBeLessThan(25_000_000);
    let sizeBytes = 0;
    for await (const piece of socket as AsyncIterable<Buffer>) sizeBytes += piece.length;
    expect(sizeBytes).toBeGreaterThan(40_000_000);
  });

  test('a client that leaves ends its request upstream', async () => {
    const socket = gateway.socket();
    socket.write('GET /stall HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(() => api.stalled).toBe(1);
    expect(await gateway.metric('gateway_in_flight')).toBe(1);
    socket.destroy();
    await expect.poll(() => gateway.metric('gateway_in_flight')).toBe(0);
    api.release();
  });
});

describe.each(runtimes)('the gateway on $runtime over TCP', ({ path }) => {
  test('goes round a dead process, says 503 when all are dead, and finishes what is in flight on SIGTERM', async () => {
    const apis = [new Api(), new Api()] as const;
    const gateway = await new Running(path, [await apis[0].listen(), await apis[1].listen()]).ready();
    try {
      await expect.poll(async () => {
        await Promise.all(Array.from({ length: 10 }, async () => await (await gateway.get('/spread')).text()));
        return apis.every((api) => api.seen.length > 0);
      }).toBe(true);
      apis[0].kill();
      const replies = await Promise.all(Array.from({ length: 40 }, () => gateway.get('/after')));
      expect(replies.map((reply) => reply.status)).toEqual(replies.map(() => 200));
      const stalled = gateway.get('/stall');
      await expect.poll(() => apis[1].stalled).toBe(1);
      gateway.child.kill('SIGTERM');
      await expect.poll(() => gateway.get('/late').then(() => 'served', () => 'refused')).toBe('refused');
      apis[1].release();
      expect(await (await stalled).text()).toBe('at last');
      expect(await gateway.stop()).toBe(0);
    } finally {
      await gateway.stop();
      for (const api of apis) api.kill();
    }
  });

  test('no process left: 503 with Retry-After at once, and back by itself', async () => {
    const api = new Api();
    const url = await api.listen();
    const gateway = await new Running(path, [url]).ready();
    try {
      api.kill();
      await expect.poll(async () => (await gateway.get('/x')).status).toBe(503);
      const reply = await gateway.get('/x', { method: 'POST', body: 'x' });
      expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await reply.json()).toMatchObject({ code: 'no_upstream' });
      const again = new Api();
      again.server.listen(Number(new URL(url).port), '127.0.0.1');
      await expect.poll(async () => (await gateway.get('/x')).status, { timeout: 5_000 }).toBe(200);
      again.kill();
    } finally {
      await gateway.stop();
    }
  });

  test('with a log folder, its own 502 is found there under the id that the client was told', async () => {
    const api = new Api();
    const logDir = mkdtempSync(join(tmpdir(), 'sora-gateway-logs-'));
    const ports = [await freePort(), await freePort()] as const;
    const gateway = new Running(path, [await api.listen()], { SORA_LOG_DIR: logDir, PORT: String(ports[0]), SORA_ADMIN_PORT: String(ports[1]) });
    try {
      await gateway.readyAt(...ports);
      expect((await gateway.get('/spread')).status).toBe(200);
      const reply = await gateway.get('/die');
      expect(reply.status).toBe(502);
      expect(await gateway.stop()).toBe(0);
      const lines = readFileSync(join(logDir, 'gateway.log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines.map(({ severity, message }) => [severity, message])).toEqual([
        ['INFO', 'listening'], ['WARNING', 'request failed at the gateway'], ['INFO', 'stopping'],
      ]);
      expect(lines[1]).toMatchObject({ correlationId: reply.headers.get('x-correlation-id'), status: 502, code: 'bad_upstream', method: 'GET' });
    } finally {
      await gateway.stop();
      api.kill();
      rmSync(logDir, { recursive: true });
    }
  });

  test('a taken port and a bad setting end with 104 and one line', async () => {
    const taken = new Api();
    const port = new URL(await taken.listen()).port;
    for (const env of [{ PORT: port }, { SORA_TRUSTED_PEERS: 'nonsense' }]) {
      const { child } = new Running(path, ['http://127.0.0.1:1'], env);
      const [text, [code]] = await Promise.all([(child.stderr as NodeJS.ReadableStream & { toArray(): Promise<Buffer[]> }).toArray(), once(child, 'exit')]);
      expect(code).toBe(104);
      expect(Buffer.concat(text).toString().trim().split('\n')).toHaveLength(1);
    }
    taken.kill();
  });
});
