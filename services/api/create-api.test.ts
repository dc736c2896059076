import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { tracingOff } from '../../ops/telemetry/tracing.ts';
import { createTokens } from '../accounts/token.ts';
import type { Database } from '../platform/database.ts';
import { listen, type Listening } from '../platform/http/server.ts';
import { conflict, unauthorized } from '../platform/problem.ts';
import { route } from '../platform/route.ts';
import { createApi, type Api, type ApiOptions } from './create-api.ts';

const host = createNodeHost();
const tokens = createTokens({ clock: host.clock, secret: 'a secret of at least thirty-two characters' });
const userToken = tokens.issue({ userId: 7, role: 'user', sessionId: 's' });
const adminToken = tokens.issue({ userId: 0, role: 'admin', sessionId: 's' });
const silent: Database = { query: () => Promise.resolve([]), transaction: () => Promise.reject(new Error('unused')), close: () => Promise.resolve() };

let release: () => void;
let aborted: Promise<unknown>;
const responses = { 200: null };
const routes = [
  route({
    method: 'post', path: '/things/{thingId}', operationId: 'putThing', summary: 'Echo', auth: 'user', idempotent: true,
    params: z.object({ thingId: z.coerce.number().int() }),
    query: z.object({ tag: z.union([z.string(), z.array(z.string())]).optional() }),
    body: z.object({ text: z.string().max(100_000) }),
    responses,
    handle: ({ userId, params, query, body, writeId, clientAddress }) => ({ status: 200, body: { userId, ...params, ...query, text: body.text.slice(0, 20), writeId, clientAddress } }),
  }),
  route({ method: 'get', path: '/things/bytes', operationId: 'bytes', summary: 'UTF-8 bytes', auth: 'none', responses, handle: () => ({ status: 200, json: Buffer.from('{"text":"żółć 🎉"}') }) }),
  route({ method: 'get', path: '/things/broken', operationId: 'broken', summary: 'Throws', auth: 'none', responses, handle: () => { throw new Error('secret detail'); } }),
  route({ method: 'get', path: '/things/nul', operationId: 'nul', summary: 'Stores NUL', auth: 'none', responses, handle: () => { throw Object.assign(new Error('invalid byte sequence'), { code: '22021' }); } }),
  route({ method: 'get', path: '/things/patient', operationId: 'patient', summary: 'Takes its time', auth: 'none', responses, timeoutMs: 60_000, handle: () => host.timers.sleep(600).then(() => ({ status: 204 })) }),
  route({ method: 'post', path: '/signed', operationId: 'signed', summary: 'Checks a signature', auth: 'none', responses, cost: 0, refusalCost: 10, handle: ({ headers }) => { if (headers['x-signature'] === 'good') return { status: 204 }; throw unauthorized('bad_signature', 'no', 'Signature'); } }),
  route({ method: 'get', path: '/pages', operationId: 'pages', summary: 'Pages', auth: 'none', query: z.object({ limit: z.coerce.number().int().max(50).max(50) }), responses, handle: () => ({ status: 204 }) }),
  route({ method: 'get', path: '/admin/things', operationId: 'adminThings', summary: 'Operators', auth: 'admin', responses, handle: () => ({ status: 204 }) }),
  route({ method: 'get', path: '/things/conflict', operationId: 'conflict', summary: 'Refuses', auth: 'none', responses, handle: () => { throw conflict('thing_taken', 'taken'); } }),
  route({ method: 'get', path: '/things/admin', operationId: 'adminOnly', summary: 'Admins', auth: 'admin', responses, handle: () => ({ status: 204 }) }),
  route({
    method: 'get', path: '/things/slow', operationId: 'slow', summary: 'Waits', auth: 'none', responses,
    handle: ({ signal }) => new Promise((resolve) => {
      release = () => resolve({ status: 200, body: { ok: true } });
      aborted = once(signal, 'abort');
    }),
  }),
  route({
    method: 'get', path: '/things/stream', operationId: 'stream', summary: 'Streams', auth: 'none', responses,
    handle: () => ({ status: 200, headers: { 'content-type': 'text/plain' }, stream: (out) => { out.write('a'); out.write('b'); return Promise.resolve(); } }),
  }),
];

interface Answer { status: number; headers: IncomingHttpHeaders; text: string; body: Record<string, unknown> }
let logged: Record<string, unknown>[];
const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) });
let api: Api;
let server: Listening;
let metrics: Registry;

async function start(options: Partial<ApiOptions> = {}): Promise<void> {
  metrics = new Registry();
  logged = [];
  api = createApi({ host, db: silent, log, metrics }, [{ name: 'things', routes }], { tokens, tracer: tracingOff, hashUser: String, ...options });
  api.lifecycle.phase = 'ready';
  server = await listen(host, api.listener, { port: 0 });
}
async function stop(): Promise<void> {
  await server.stop(Promise.resolve(), 0);
  api.close();
}
beforeEach(() => start());
afterEach(stop);

function call(method: string, path: string, headers: Record<string, string> = {}, body?: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port: server.port, host: '127.0.0.1', method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = /json/.test(response.headers['content-type'] ?? '');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: (isJson ? JSON.parse(text) : {}) as Record<string, unknown> });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}
/** Resolves once the slow handler has begun. */
async function inFlight(): Promise<void> {
  while (!(await metrics.metrics()).includes('http_server_active_requests 1')) await nextTurn();
}
const key = '11111111-2222-3333-4444-55555555ABCD';
const write = { authorization: `Bearer ${userToken}`, 'idempotency-key': key, 'content-type': 'application/json' };

describe('createApi', () => {
  it.each([
    ['POST', '/things/five', { where: 'path', path: 'thingId', message: '"five" is not a number' }],
    ['GET', '/pages?limit=99', { where: 'query', path: 'limit', message: expect.stringMatching(/<=50; found "99"$/) }],
    ['GET', '/pages', { where: 'query', path: 'limit', message: 'is missing' }],
    ['GET', `/pages?limit=${'9'.repeat(80)}`, { where: 'query', path: 'limit', message: expect.stringMatching(/found "9{60}…"$/) }],
  ])('names the value that %s %s got wrong, once', async (method, path, error) => {
    const { body } = await call(method, path, write, method === 'POST' ? '{"text":""}' : undefined);
    expect(body).toMatchObject({ status: 400, code: 'invalid_request', errors: [error] });
  });

  it('repeats nothing of a body, which may hold a password', async () => {
    const { text } = await call('POST', '/things/5', write, '{"text":["secret-word"]}');
    expect(text).toContain('body text');
    expect(text).not.toContain('secret-');
  });

  it('logs a refusal under the id that the client was told, at most ten at once of a kind', async () => {
    const ids = Array.from({ length: 14 }, (_, index) => `refusal-${index}`);
    for (const id of ids) await call('GET', '/things/conflict', { 'x-correlation-id': id });
    await call('POST', '/things/five', { ...write, 'x-correlation-id': 'refusal-other' }, '{}');
    const refused = logged.filter(({ msg }) => msg === 'request refused');
    expect(refused.map(({ correlationId }) => correlationId)).toEqual([...ids.slice(0, 10), 'refusal-other']);
    expect(refused[0]).toMatchObject({ level: 30, route: 'conflict', status: 409, code: 'thing_taken' });
    expect(refused[0]).not.toHaveProperty('err');
  });

  it('challenges a 401 by what it wants', async () => {
    expect((await call('POST', '/things/5', { ...write, authorization: '' }, '{}')).headers['www-authenticate']).toBe('Bearer');
    expect((await call('POST', '/signed', {})).headers['www-authenticate']).toBe('Signature');
  });

  it('hands a handler validated input, and the key in lower case', async () => {
    const { status, body } = await call('POST', '/things/5?tag=a&tag=b', write, '{"text":"hi"}');
    expect(status).toBe(200);
    expect(body).toEqual({ userId: 7, thingId: 5, tag: ['a', 'b'], text: 'hi', writeId: key.toLowerCase(), clientAddress: '127.0.0.1' });
  });

  it.each([
    ['no token', 'POST', '/things/5', { ...write, authorization: '' }, '{}', 401, 'token_missing'],
    ['a forged token', 'POST', '/things/5', { ...write, authorization: `Bearer ${userToken}x` }, '{}', 401, 'token_invalid'],
    ['a user where an admin is needed', 'GET', '/things/admin', write, undefined, 403, 'admin_only'],
    ['no key', 'POST', '/things/5', { authorization: write.authorization }, '{}', 400, 'idempotency_key'],
    ['a malformed key', 'POST', '/things/5', { ...write, 'idempotency-key': 'x' }, '{}', 400, 'idempotency_key'],
    ['a malformed path parameter', 'POST', '/things/five', write, '{"text":""}', 400, 'invalid_request'],
    ['a body its schema refuses', 'POST', '/things/5', write, '{"text":1}', 400, 'invalid_request'],
    ['an empty body', 'POST', '/things/5', write, undefined, 400, 'invalid_request'],
    ['no JSON', 'POST', '/things/5', write, '{', 400, 'invalid_json'],
    ['another content type', 'POST', '/things/5', { ...write, 'content-type': 'text/plain' }, 'x', 415, 'unsupported_media_type'],
    ['a large body', 'POST', '/things/5', write, `{"text":"${'x'.repeat(70_000)}"}`, 413, 'body_too_large'],
    ['a large body in chunks', 'POST', '/things/5', { ...write, 'transfer-encoding': 'chunked' }, `{"text":"${'x'.repeat(70_000)}"}`, 413, 'body_too_large'],
    ['an unknown path', 'GET', '/nothing', {}, undefined, 404, 'route_not_found'],
    ['a wrong method', 'DELETE', '/things/bytes', {}, undefined, 405, 'method_not_allowed'],
    ['a path that is not validly encoded', 'POST', '/things/%zz', write, '{}', 400, 'malformed_path'],
    ['a refusal', 'GET', '/things/conflict', {}, undefined, 409, 'thing_taken'],
    ['text that cannot be stored', 'GET', '/things/nul', {}, undefined, 400, 'invalid_text'],
    ['an unexpected error', 'GET', '/things/broken', {}, undefined, 500, 'internal_error'],
  ])('answers %s with a problem document', async (_what, method, path, headers, body, status, code) => {
    const answer = await call(method, path, { ...headers, 'x-correlation-id': 'my-correlation-1' }, body).catch((error: unknown) => error as Answer);
    expect(answer).toMatchObject({
      status,
      headers: { 'content-type': 'application/problem+json', 'x-correlation-id': 'my-correlation-1' },
      body: { status, code, correlationId: 'my-correlation-1', instance: path, type: `urn:sora:problem:${code}`, title: expect.any(String), detail: expect.any(String) },
    });
    expect(answer.text).not.toContain('secret detail');
  });

  it('makes a correlation id where none or a malformed one comes', async () => {
    for (const given of [{}, { 'x-correlation-id': 'a b' }, { 'x-correlation-id': 'trace.id:0123' }]) {
      expect((await call('GET', '/livez', given)).headers['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('sends bytes unchanged, streams, and takes an admin', async () => {
    expect((await call('GET', '/things/bytes')).body).toEqual({ text: 'żółć 🎉' });
    expect((await call('GET', '/things/stream')).text).toBe('ab');
    expect((await call('GET', '/things/admin', { authorization: `Bearer ${adminToken}` })).status).toBe(204);
  });

  it('writes head and body in one chunk', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /things/bytes HTTP/1.1\r\nhost: x\r\n\r\n');
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(chunk.toString()).toContain('🎉');
    socket.destroy();
  });

  it('limits each user and each address, and says when to come back', async () => {
    await stop();
    await start({ userPerMinute: 60, addressPerMinute: 120, trustedPeers: '127.0.0.1' });
    const from = (address: string, token = userToken): Promise<Answer> => call('GET', '/things/admin', { authorization: `Bearer ${token}`, 'x-forwarded-for': address });
    // The user's burst is 10, whatever the address; then 429 although each address is fresh.
    const byUser = await Promise.all(Array.from({ length: 11 }, (_, index) => call('POST', '/things/1', { ...write, 'x-forwarded-for': `203.0.113.${index}` }, '{"text":""}')));
    expect(byUser.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([...Array.from({ length: 10 }, () => 200), 429]);
    const refused = byUser.find((answer) => answer.status === 429);
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    const byAddress = await Promise.all(Array.from({ length: 13 }, () => from('203.0.113.99', adminToken)));
    expect(byAddress.filter((answer) => answer.status === 429)).toHaveLength(1);
    expect(await metrics.metrics()).toContain('http_server_rate_limited_total{by="user"} 1');
  });

  it('charges the address for refused signatures, and never for good ones', async () => {
    await stop();
    await start({ addressPerMinute: 200 });
    const signed = async (signature: string): Promise<number> => (await call('POST', '/signed', { 'x-signature': signature })).status;
    // The burst is 20 points, a refusal costs 10.
    expect([await signed('bad'), await signed('bad'), await signed('bad'), await signed('good')]).toEqual([401, 401, 429, 204]);
  });

  it('gives a route the time it asks for', async () => {
    await stop();
    await start({ requestTimeoutMs: 1 });
    expect((await call('GET', '/things/patient')).status).toBe(204);
  });

  it('answers 504 past the deadline and aborts the handler', async () => {
    await stop();
    await start({ requestTimeoutMs: 1 });
    expect(await call('GET', '/things/slow')).toMatchObject({ status: 504, body: { code: 'timeout' } });
    await aborted;
    release();
  });

  it('sheds beyond its limit, but never probes', async () => {
    await stop();
    await start({ admission: { inFlightMax: 1 } });
    const slow = call('GET', '/things/slow');
    await inFlight();
    expect(await call('GET', '/things/bytes')).toMatchObject({ status: 503, headers: { 'retry-after': '1' }, body: { code: 'overloaded' } });
    expect((await call('GET', '/livez')).status).toBe(200);
    expect((await call('GET', '/metrics?x')).status).toBe(200);
    for (const path of ['/metricsX', '/ledger/auditX', '/admin/x', '/admin/audit/writes/1/x']) expect((await call('GET', path)).status).toBe(503);
    release();
    expect((await slow).status).toBe(200);
  });

  it('tells liveness and readiness apart', async () => {
    api.lifecycle.phase = 'stopping';
    expect((await call('GET', '/livez')).status).toBe(200);
    expect(await call('GET', '/readyz')).toMatchObject({ status: 503, body: { reason: 'stopping' } });
  });

  it('finishes what is in flight before it stops', async () => {
    const slow = call('GET', '/things/slow');
    await inFlight();
    const stopped = server.stop(api.idle(), 5_000);
    await expect(call('GET', '/livez')).rejects.toThrow('ECONNREFUSED');
    release();
    expect((await slow).status).toBe(200);
    await stopped;
  });

  it('describes itself in OpenAPI 3.1 and measures by route', async () => {
    const { body } = await call('GET', '/openapi.json');
    expect(body).toMatchObject({ openapi: '3.1.0', paths: { '/things/{thingId}': { post: { operationId: 'putThing', security: [{ bearer: [] }] } } } });
    const paths = body['paths'] as Record<string, unknown>;
    expect(paths['/things/admin']).toMatchObject({ get: { security: [{ bearer: ['admin'] }], description: expect.stringContaining('role admin') } });
    expect(Object.keys(paths).filter((path) => /^\/(admin|metrics)/.test(path))).toEqual([]);
    expect(paths).toHaveProperty('/readyz');
    expect(body['info']).toMatchObject({ description: expect.stringMatching(/admin@seed\.avalo\.test/) });
    expect((await call('GET', '/docs')).text).toContain('/openapi.json');
    expect(await metrics.metrics()).toContain('http_server_request_duration_seconds_count{http_request_method="GET",http_route="/openapi.json",http_response_status_code="200"} 1');
  });
});
