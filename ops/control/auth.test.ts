import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { actorOf, authenticate, isBearer, requireRole, roleOf } from './auth.ts';
import type { AuthOptions } from './auth.ts';
import { notFoundHandler, problemHandler } from './problem.ts';

const tokens = { viewer: 'v'.repeat(40), operator: 'o'.repeat(40), admin: 'a'.repeat(40) };
const servers: Server[] = [];
let url = '';
let open = '';

async function start(options: AuthOptions): Promise<string> {
  const app = express();
  app.use(authenticate(tokens, options));
  for (const role of ['viewer', 'operator', 'admin'] as const) app.get(`/${role}`, requireRole(role), (request, response) => void response.json({ actor: actorOf(request), role: roleOf(request) }));
  app.post('/operator', requireRole('operator'), (request, response) => void response.json({ actor: actorOf(request) }));
  app.all('/api/v1/query', requireRole('viewer'), (request, response) => void response.json({ actor: actorOf(request), role: roleOf(request) }));
  app.post('/hook', requireRole('operator'), (request, response) => void response.json({ actor: actorOf(request) }));
  app.get('/defect', () => {
    throw new Error('secret detail');
  });
  app.use(notFoundHandler, problemHandler(() => undefined));
  const server = createServer(app);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  url = await start({ routeTokens: [{ method: 'POST', path: '/hook', token: 'h'.repeat(40), identity: { role: 'operator', actor: 'alertmanager' } }] });
  open = await start({ anonymousRead: true });
});
afterAll(() => {
  for (const server of servers) server.close();
});

async function ask(base: string, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<{ status: number; body: Record<string, unknown>; challenge: string | null }> {
  const reply = await fetch(`${base}/${path}`, { headers, method });
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown>, challenge: reply.headers.get('www-authenticate') };
}
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

describe('roles', () => {
  test.each([['viewer', [200, 403, 403]], ['operator', [200, 200, 403]], ['admin', [200, 200, 200]]] as const)('%s may do what is below it', async (role, expected) => {
    const found = await Promise.all(['viewer', 'operator', 'admin'].map((needed) => ask(url, needed, bearer(tokens[role]))));
    expect(found.map(({ status }) => status)).toEqual(expected);
    expect(found[0]?.body).toEqual({ actor: role, role });
  });

  test('without a token, with a wrong one or another scheme there is a challenge', async () => {
    for (const headers of [{}, bearer('x'), bearer(tokens.viewer.slice(1)), { authorization: 'Digest x' }, { authorization: 'Bearer' }] as Record<string, string>[]) {
      const { status, body, challenge } = await ask(url, 'viewer', headers);
      expect({ status, code: body['code'] }).toEqual({ status: 401, code: 'unauthorized' });
      expect(challenge).toContain('Bearer');
    }
  });

  const basic = (user: string, password: string) => ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });

  test('basic credentials carry the token as password, and the name of who asks', async () => {
    expect((await ask(url, 'operator', basic('Grafana', tokens.operator))).body).toEqual({ actor: 'Grafana', role: 'operator' });
    expect((await ask(url, 'viewer', basic(tokens.viewer, ''))).status).toBe(401);
  });

  test('basic credentials, which a browser adds to what another site has it post, change nothing', async () => {
    const foreign = { ...basic('ada', tokens.operator), 'sec-fetch-site': 'cross-site', 'content-type': 'application/x-www-form-urlencoded' };
    for (const headers of [foreign, basic('ada', tokens.operator), basic('ada', tokens.admin)]) {
      const { status, body } = await ask(url, 'operator', headers, 'POST');
      expect([status, body['code']]).toEqual([403, 'basic_reads_only']);
    }
    // Prometheus' API takes queries by POST as well, and changes nothing by them.
    expect((await ask(url, 'api/v1/query', basic('Grafana', tokens.viewer), 'POST')).status).toBe(200);
    expect((await ask(url, 'operator', bearer(tokens.operator), 'POST')).status).toBe(200);
  });

  test('a token of one route is of no use elsewhere', async () => {
    const hook = bearer('h'.repeat(40));
    expect((await ask(url, 'hook', hook, 'POST')).body).toEqual({ actor: 'alertmanager' });
    expect((await ask(url, 'hook', bearer(tokens.operator), 'POST')).body).toEqual({ actor: 'operator' });
    const refused = [['hook', 'GET'], ['operator', 'POST'], ['viewer', 'GET'], ['hook/x', 'POST'], ['operator?path=/hook', 'POST']] as const;
    for (const [path, method] of refused) expect((await ask(url, path, hook, method)).status).toBe(401);
    expect((await ask(url, 'hook', basic('x', 'h'.repeat(40)), 'POST')).status).toBe(403);
  });

  test('who calls may name itself, in words that fit a log', async () => {
    expect((await ask(url, 'admin', { ...bearer(tokens.admin), 'x-sora-actor': 'ada.l@example' })).body['actor']).toBe('ada.l@example');
    expect((await ask(url, 'admin', { ...bearer(tokens.admin), 'x-sora-actor': `"<script>` })).body['actor']).toBe('admin');
    expect((await ask(url, 'admin', { ...bearer(tokens.admin), 'x-sora-actor': 'a'.repeat(101) })).body['actor']).toBe('admin');
  });

  test('anonymous reading is for those who name a loopback address, and of Prometheus\u2019 API alone', async () => {
    expect((await ask(open, 'api/v1/query')).body).toEqual({ actor: 'anonymous', role: 'viewer' });
    // Events, incidents and the rest are not of Prometheus' API.
    expect((await ask(open, 'viewer')).status).toBe(401);
    expect((await ask(open, 'operator')).status).toBe(401);
    expect((await ask(open, 'api/v1/query', bearer('wrong'))).status).toBe(401);
    // What a page of another site does whose name was pointed at this machine.
    const rebound = await new Promise<number>((resolve, reject) => {
      void import('node:http').then(({ get }) => get(`${open}/api/v1/query`, { headers: { host: 'evil.example' } }, (reply) => resolve(reply.statusCode ?? 0)).on('error', reject));
    });
    expect(rebound).toBe(401);
  });

  test('a single token is compared as such', () => {
    expect([isBearer(`Bearer ${tokens.viewer}`, tokens.viewer), isBearer(`bearer ${tokens.viewer}`, tokens.viewer), isBearer('Bearer x', tokens.viewer), isBearer(undefined, tokens.viewer)]).toEqual([true, true, false, false]);
  });
});

test('errors are problem documents; a defect tells nothing of itself', async () => {
  expect((await ask(url, 'nothing', bearer(tokens.viewer))).body).toMatchObject({ status: 404, code: 'not_found', type: 'urn:sora:problem:not_found' });
  const defect = await ask(url, 'defect', bearer(tokens.viewer));
  expect(defect.status).toBe(500);
  expect(JSON.stringify(defect.body)).not.toContain('secret detail');
});
