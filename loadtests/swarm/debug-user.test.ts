import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { authorFrames } from './author-frames.ts';
import { debugUser } from './debug-user.ts';
import { TransportError } from './transport-error.ts';
import type { DebugEvent } from './debug-stage.ts';

const host = createNodeHost();
const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl';
const server = createServer((request, response) => {
  response.setHeader('x-correlation-id', 'c-9').setHeader('set-cookie', 'session=abc');
  if (request.url === '/login') response.end(JSON.stringify({ accessToken: token }));
  else if (request.url === '/cart') response.end(JSON.stringify({ cart: 'cart-31', owner: 'jane@example.com' }));
  else response.writeHead(402).end('{"title":"declined"}');
});
let target = '';

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const options = { host, scenarioFile: fileURLToPath(new URL('./fixtures/carry.ts', import.meta.url)), runId: 'aabbccdd' };

describe('debugUser', () => {
  it('tells each request, reply, check and carried value, in order, with secrets masked', async () => {
    const events: DebugEvent[] = [];
    for await (const event of debugUser({ ...options, target, user: 7 })) events.push(event);
    expect(events.map(({ kind }) => kind).join(' ')).toBe(
      'step request reply check carried end ' +
        'step request reply check carried carried end ' +
        'step request reply end ' +
        'step threw end',
    );
    const of = <Kind extends DebugEvent['kind']>(kind: Kind): Extract<DebugEvent, { kind: Kind }>[] =>
      events.filter((event): event is Extract<DebugEvent, { kind: Kind }> => event.kind === kind);
    expect(of('end').map(({ op, outcome }) => [op, outcome])).toEqual([
      ['login', 'ok'],
      ['cart', 'failed'],
      ['pay', 'refused'],
      ['leave', 'failed'],
    ]);
    expect(of('check').map(({ name, ok }) => [name, ok])).toEqual([
      ['has a token', true],
      ['came back', false],
    ]);
    expect(of('carried')).toContainEqual({ kind: 'carried', name: 'cart', value: '"cart-31"' });
    expect(of('reply').map(({ status }) => status)).toEqual([200, 200, 402]);
    expect(of('reply')[1]?.headers['x-correlation-id']).toBe('c-9');
    expect(of('request')[2]?.body).toContain('cart-31');
    const told = JSON.stringify(events);
    for (const secret of [token, 'hunter2', 'session=abc', 'jane@example.com', 'u7@example.com']) expect(told).not.toContain(secret);
  });

  it('shows the frames of what the author wrote, and none of its own', async () => {
    const stacks: string[] = [];
    for await (const event of debugUser({ ...options, target, user: 7 })) if (event.kind === 'threw') stacks.push(event.stack);
    expect(stacks).toHaveLength(1);
    expect(stacks[0]).toMatch(/^at .*fixtures\/carry\.ts:\d+/);
    for (const internal of ['debug-stage', 'debug-user', 'node:']) expect(stacks[0]).not.toContain(internal);
    expect(authorFrames(new TransportError('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'))).toBe('');
  });

  it('tells of a server that is not there', async () => {
    const kinds: string[] = [];
    for await (const event of debugUser({ ...options, target: 'http://127.0.0.1:1', user: 0 })) {
      kinds.push(event.kind === 'no-reply' ? event.error : event.kind);
    }
    expect(kinds.slice(0, 5)).toEqual(['step', 'request', expect.stringContaining('ECONNREFUSED'), 'threw', 'end']);
  });

  it('calls a setup that throws a scenario error, as a run does', async () => {
    const scenarioFile = fileURLToPath(new URL('./fixtures/bad-setup.ts', import.meta.url));
    await expect(debugUser({ ...options, scenarioFile, target, user: 0 }).next()).rejects.toMatchObject({ exitCode: 107, message: expect.stringContaining('no such fixture') as string });
  });

  it('refuses a user that the scenario has not', async () => {
    const events = debugUser({ ...options, target, user: 10 });
    await expect(events.next()).rejects.toThrow('user 10 does not exist; the scenario has 10');
  });
});

describe('debugUser of a client that does things by itself', () => {
  const seen: string[] = [];
  const site = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.cookie ?? ''}`);
    if (request.url === '/login') response.writeHead(302, { location: '/home', 'set-cookie': 'sid=s3cr3t' }).end();
    else if (request.url === '/circle') response.writeHead(302, { location: '/circle' }).end();
    else if (request.url === '/home') response.end('welcome');
    else response.writeHead(seen.filter((line) => line.includes('/busy')).length === 1 ? 503 : 200).end();
  });
  let origin = '';

  beforeAll(async () => {
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    site.closeAllConnections();
    site.close();
  });

  it('tells of each redirect and each further try with all headers that went out, without cookies and credentials, and of no pause before a session', async () => {
    const events: DebugEvent[] = [];
    const scenarioFile = fileURLToPath(new URL('./fixtures/redirected.ts', import.meta.url));
    for await (const event of debugUser({ ...options, scenarioFile, target: origin, user: 0 })) events.push(event);
    expect(seen).toEqual(['POST /login ', 'GET /home sid=s3cr3t', 'GET /busy sid=s3cr3t', 'GET /busy sid=s3cr3t']);
    const exchanged = events.flatMap((event) => (event.kind === 'request' ? [`${event.method} ${event.path}`] : event.kind === 'reply' ? [`${event.status} ${event.verdict}`] : []));
    expect(exchanged).toEqual(['POST /login', '302 followed', 'GET /home', '200 ok', 'GET /busy', '503 followed', 'GET /busy', '200 ok']);
    const [login, home] = events.filter((event) => event.kind === 'request');
    const common = { host: new URL(origin).host, 'accept-encoding': 'gzip, br, deflate' };
    expect(login).toMatchObject({ headers: { ...common, authorization: '[redacted]', 'content-type': 'application/json', 'content-length': '15' }, body: '{"name":"jane"}' });
    expect(home?.headers).toEqual({ ...common, authorization: '[redacted]', cookie: '[redacted]' });
    expect(home?.body).toBe('');
    expect(JSON.stringify(events)).not.toMatch(/s3cr3t|hunter2/);
    expect(events.find(({ kind }) => kind === 'step')).toMatchObject({ thinkTimeMs: 0 });
  });

  it('tells how what went in circles failed, and what could not be written, though the journey catches that', async () => {
    const ends: string[] = [];
    const scenarioFile = fileURLToPath(new URL('./fixtures/lost.ts', import.meta.url));
    for await (const event of debugUser({ ...options, scenarioFile, target: origin, user: 0 })) if (event.kind === 'end') ends.push(`${event.op} ${event.outcome}: ${event.reason}`);
    expect(ends).toEqual(['circle failed: GET /circle answered 302 after 3 redirects, the limit', 'circle, as expected ok: ', expect.stringContaining('unwritten failed: path "/new town"')]);
  });
});
