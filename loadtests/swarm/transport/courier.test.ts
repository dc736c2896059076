import * as fc from 'fast-check';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { Exchange } from '../exchange.ts';
import { localOnly } from '../guard.ts';
import { everyone } from '../partition.ts';
import { failureOfReply, judgeReply } from '../replies.ts';
import type { Courier } from './courier.ts';
import { createCourier, plainLink } from './create-transport.ts';
import { inflateBody, inflatedMaxBytes } from './inflate.ts';
import { nextHop, withoutHeaders } from './redirect.ts';
import type { RequestLinks, ScenarioLinks } from './scenario-links.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

let wallMs = Date.UTC(2026, 0, 1);

async function open(target: string, habits: ScenarioLinks = {}): Promise<Courier> {
  const now = (): number => performance.now();
  const courier = await createCourier({ target, policy: localOnly, link: plainLink, sockets: 2, partition: everyone, habits, now, nowMs: () => wallMs, randomBytes });
  const timer = setInterval(() => courier.tick(now()), 5);
  closers.push(() => {
    clearInterval(timer);
    courier.close();
  });
  return courier;
}

interface Asked extends RequestLinks {
  readonly method?: string;
  readonly headers?: string;
  readonly body?: string;
  readonly place?: number;
  readonly timeoutMs?: number;
}

function send(courier: Courier, path: string, asked: Asked = {}): Promise<Exchange> {
  return new Promise((resolve) => {
    const exchange = new Exchange(asked.method ?? 'GET', path, asked.headers ?? '', asked.body, asked.timeoutMs ?? 5_000, resolve);
    exchange.place = asked.place ?? 0;
    if (asked.retries !== undefined || asked.redirects !== undefined) exchange.links = asked;
    courier.send(exchange);
  });
}

const text = (done: Exchange): string => done.reply?.body.toString() ?? String(done.error);

describe('compression', () => {
  const packers: Readonly<Record<string, (body: string) => Buffer>> = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync, bare: deflateRawSync };

  it('is asked for only by scenarios that say so, and undone in every coding', async () => {
    const asked: unknown[] = [];
    const target = await listen((request, response) => {
      asked.push(request.headers['accept-encoding']);
      const coding = request.url?.slice(1) ?? '';
      response.setHeader('content-encoding', coding === 'bare' ? 'deflate' : coding);
      response.end(packers[coding]?.('hello '.repeat(200_000)));
    });
    const courier = await open(target, { compression: true });
    for (const coding of Object.keys(packers)) {
      const done = await send(courier, `/${coding}`);
      expect(done.error).toBeUndefined();
      expect(done.reply?.body.length).toBe(1_200_000);
      expect(done.bytesReceived).toBeLessThan(10_000);
    }
    expect((await send(await open(target), '/gzip')).reply?.body.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
    expect(asked).toEqual([...Array.from({ length: 4 }, () => 'gzip, br, deflate'), undefined]);
  });

  it('is the inverse of packing, also twice over', () => {
    const holds = fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.constantFrom('gzip', 'br', 'deflate'), (bytes, coding) => {
      const packed = packers[coding]!(Buffer.from(bytes) as unknown as string);
      let body: Buffer | undefined;
      inflateBody(gzipSync(packed), `${coding}, gzip`, (inflated) => (body = inflated));
      expect(body).toEqual(Buffer.from(bytes));
    });
    fc.assert(holds, { numRuns: 50 });
  });

  it('names what is broken, unknown or too large', async () => {
    const outcome = (body: Buffer, coding: string): Promise<string> =>
      new Promise((resolve) => inflateBody(body, coding, (_body, error) => resolve(`${error?.kind}: ${error?.message}`)));
    expect(await outcome(Buffer.from('plain'), 'gzip')).toContain('inflate: the body of the reply does not inflate');
    expect(await outcome(Buffer.from('plain'), 'zstd')).toContain('"zstd", which was not asked for');
    expect(await outcome(Buffer.from('plain'), 'gzip, gzip, gzip, gzip')).toContain('the limit is 3');
    expect(await outcome(gzipSync(Buffer.alloc(inflatedMaxBytes + 1)), 'gzip')).toContain(`more than ${inflatedMaxBytes} bytes`);
  });
});

describe('redirects', () => {
  const server: RequestListener = (request, response) => {
    const [, status, ...rest] = (request.url ?? '').split('/');
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (/^30\d$/.test(status ?? '')) response.writeHead(Number(status), { location: `/${rest.join('/')}` }).end('moved');
      else response.end(JSON.stringify({ method: request.method, url: request.url, body: Buffer.concat(parts).toString(), headers: request.headers }));
    });
  };

  it('are the reply itself by default, and beyond the number allowed', async () => {
    const target = await listen(server);
    expect((await send(await open(target), '/302/here')).reply?.status).toBe(302);
    expect((await send(await open(target, { redirects: 1 }), '/302/302/here')).reply?.status).toBe(302);
    expect((await send(await open(target, { redirects: 2 }), '/302/302/here')).reply?.json()).toMatchObject({ url: '/here' });
    const own = await send(await open(target), '/302/here?x=1', { redirects: 1 });
    expect(own.reply?.json()).toMatchObject({ url: '/here?x=1' });
    expect([own.path, own.settled]).toEqual(['/302/here?x=1', true]);
  });

  it('fail where the limit was reached, unless the request expects or refuses that', async () => {
    const courier = await open(await listen(server), { redirects: 2, compression: true });
    const reply = (await send(courier, '/307/302/303/here')).reply!;
    expect([reply.status, reply.body.toString(), reply.headers['location']]).toEqual([303, 'moved', '/here']);
    expect(failureOfReply(reply, { method: 'GET', path: '/a' })).toEqual({ kind: 'too_many_redirects', message: 'GET /a answered 303 after 2 redirects, the limit' });
    expect([{}, { expect: [302] }, { expect: [303] }, { refuse: [303] }].map((request) => judgeReply(reply, request))).toEqual(['failed', 'failed', 'ok', 'refused']);
    // What nobody asked to follow, and what was followed to its end, reached no limit.
    for (const redirects of [0, 3]) expect(judgeReply((await send(courier, '/307/302/303/here', { redirects })).reply!, {})).toBe('ok');
  });

  it('change the method and drop the body as fetch does, and count all bytes', async () => {
    const courier = await open(await listen(server), { redirects: 5 });
    const post = { method: 'POST', body: 'payload', headers: 'content-type: text/plain\r\nx-own: 1\r\n' };
    for (const [status, method, body] of [[301, 'GET', ''], [302, 'GET', ''], [303, 'GET', ''], [307, 'POST', 'payload'], [308, 'POST', 'payload']] as const) {
      const done = await send(courier, `/${status}/end`, post);
      const seen = done.reply?.json<{ headers: Record<string, string> }>();
      expect(seen).toMatchObject({ method, body, headers: { 'x-own': '1' } });
      expect(seen?.headers['content-type']).toBe(method === 'GET' ? undefined : 'text/plain');
      expect([done.method, done.body]).toEqual(['POST', 'payload']);
      expect(done.bytesSent).toBeGreaterThan(150);
      expect(done.doneMs).toBeGreaterThan(done.writtenMs);
    }
    expect(courier.counts.redirects).toBe(5);
  });

  it('keep credentials from other origins, and ask the guard about each', async () => {
    const other = await listen(server);
    const target = await listen((request, response) => {
      const to: Readonly<Record<string, string>> = { '/out': `${other}/end`, '/away': 'http://192.0.2.1/', '/live': 'https://www.example.com/', '/odd': 'ftp://127.0.0.1/' };
      response.writeHead(302, { location: to[request.url ?? ''] }).end();
    });
    const courier = await open(target, { redirects: 3 });
    const headers = 'authorization: Bearer secret\r\nx-own: 1\r\n';
    const out = (await send(courier, '/out', { headers })).reply?.json<{ headers: Record<string, string> }>();
    expect(out?.headers).toMatchObject({ 'x-own': '1', host: new URL(other).host });
    expect(out?.headers['authorization']).toBeUndefined();
    for (const [path, kind, part] of [['/away', 'refused_target', '192.0.2.1'], ['/live', 'refused_target', 'looks like production'], ['/odd', 'protocol', 'ftp:']] as const) {
      const done = await send(courier, path, { headers });
      expect([path, done.error?.kind, done.error?.message]).toEqual([path, kind, expect.stringContaining(part)]);
    }
  });

  it('share one timeout over all hops', async () => {
    const courier = await open(await listen((request, response) => {
      if (request.url === '/never') return;
      response.writeHead(302, { location: '/never' }).end();
    }), { redirects: 3 });
    const done = await send(courier, '/first', { timeoutMs: 120 });
    expect(done.error?.kind).toBe('timeout');
    expect(done.doneMs - done.enqueuedMs).toBeGreaterThanOrEqual(119);
    expect(done.doneMs - done.enqueuedMs).toBeLessThan(1_000);
  });

  it('never make one origin of two, nor lose a header they need not', () => {
    const hop = { method: 'GET', url: new URL('http://127.0.0.1:1/a/b'), headers: 'Authorization: x\r\nx-own: 1\r\n', body: undefined };
    expect(nextHop(hop, 302, '//127.0.0.1:2/c')).toMatchObject({ headers: 'x-own: 1\r\n' });
    expect(nextHop(hop, 302, '../c#part')).toMatchObject({ headers: hop.headers, url: new URL('http://127.0.0.1:1/c') });
    const names = fc.stringMatching(/^[a-z-]{1,10}$/);
    fc.assert(fc.property(fc.array(fc.tuple(names, fc.stringMatching(/^[ -~]{0,10}$/))), names, (pairs, dropped) => {
      const lines = (some: readonly (readonly [string, string])[]): string => some.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      expect(withoutHeaders(lines(pairs), [dropped])).toBe(lines(pairs.filter(([name]) => name !== dropped)));
    }));
  });
});

describe('retries', () => {
  /** Answers as told, one outcome a request. */
  const scripted = (outcomes: readonly (number | 'drop')[]): RequestListener => {
    let nth = 0;
    return (request: IncomingMessage, response: ServerResponse) => {
      const outcome = outcomes[nth++] ?? 200;
      if (outcome === 'drop') request.socket.destroy();
      else response.writeHead(outcome).end(String(nth));
    };
  };

  it('happen only where asked for, as often as asked for, and are counted apart', async () => {
    const none = await send(await open(await listen(scripted([503]))), '/');
    expect([none.reply?.status, none.doubtful]).toEqual([503, false]);
    const courier = await open(await listen(scripted([503, 'drop', 200, 404, 503, 503, 503])));
    const retries = { attempts: 2, on: ['transport', 503] } as const;
    const third = await send(courier, '/', { retries });
    expect([third.reply?.status, text(third), third.doubtful, courier.counts.retries]).toEqual([200, '3', true, 2]);
    expect((await send(courier, '/', { retries })).reply?.status).toBe(404);
    expect((await send(courier, '/', { retries })).reply?.status).toBe(503);
    expect(courier.counts.retries).toBe(4);
  });

  it('leave what was not asked for as it is', async () => {
    const courier = await open(await listen(scripted(['drop', 503])));
    expect((await send(courier, '/', { retries: { attempts: 3, on: [503] } })).error?.kind).toBe('ECONNRESET');
    expect((await send(courier, '/', { retries: { attempts: 3, on: ['transport'] } })).reply?.status).toBe(503);
    expect(courier.counts.retries).toBe(0);
  });
});

describe('cookies', () => {
  const echo: RequestListener = (request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://x');
    response.setHeader('set-cookie', searchParams.getAll('set'));
    response.end(request.headers.cookie ?? '');
  };
  const set = (...lines: string[]): string => `/?${lines.map((line) => `set=${encodeURIComponent(line)}`).join('&')}`;

  it('belong to the user that was given them, until they expire or are taken back', async () => {
    const courier = await open(await listen(echo), { cookies: true });
    await send(courier, set('a=1; Path=/', 'b=2; Path=/; Max-Age=60; HttpOnly', 'c=3; Path=/deep', 'd=4; Domain=example.com'), { place: 1 });
    expect(text(await send(courier, '/', { place: 1 }))).toBe('a=1; b=2');
    expect(text(await send(courier, '/deep/x', { place: 1 }))).toBe('c=3; a=1; b=2');
    expect(text(await send(courier, '/', { place: 2 }))).toBe('');
    expect(text(await send(courier, '/', { place: 1, headers: 'cookie: own=1\r\n' }))).toBe('own=1');
    wallMs += 61_000;
    expect(text(await send(courier, '/', { place: 1 }))).toBe('a=1');
    expect(courier.cookies?.users).toBe(1);
    await send(courier, set('a=; Path=/; Max-Age=0', 'c=; Path=/deep; Max-Age=0'), { place: 1 });
    expect([courier.cookies?.users, text(await send(courier, '/', { place: 1 }))]).toEqual([0, '']);
  });

  it('are sent along redirects, and bounded', async () => {
    const courier = await open(await listen((request, response) => {
      if (request.url === '/login') response.writeHead(303, { location: '/home', 'set-cookie': 'sid=7; Path=/' }).end();
      else echo(request, response);
    }), { cookies: true, redirects: 1 });
    expect(text(await send(courier, '/login', { method: 'POST' }))).toBe('sid=7');
    await send(courier, set(...Array.from({ length: 40 }, (_, n) => `k${n}=v; Path=/`)));
    await send(courier, set(...Array.from({ length: 40 }, (_, n) => `m${n}=v; Path=/`), `big=${'x'.repeat(5_000)}`));
    expect(text(await send(courier, '/')).split('; ')).toHaveLength(50);
  });

  it('are forgotten when another visitor takes the place', async () => {
    const courier = await open(await listen(echo), { cookies: true });
    await send(courier, set('a=1'), { place: 3 });
    courier.forget(3);
    expect([text(await send(courier, '/', { place: 3 })), courier.cookies?.users]).toEqual(['', 0]);
  });

  it('are not kept where the scenario does not ask for them', async () => {
    const courier = await open(await listen(echo));
    await send(courier, set('a=1'));
    expect(text(await send(courier, '/'))).toBe('');
  });
});
