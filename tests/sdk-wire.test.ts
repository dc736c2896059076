import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { runSwarm } from '../loadtests/swarm/coordinator.ts';
import { createNodeHost } from '../ops/core/node-host.ts';
import { createTestHost } from '../ops/core/test-host.ts';
import { AvaloClient } from '../services/sdk/client.ts';
import { createNodeTransport } from '../services/sdk/node-transport.ts';
import { withDeduplication, withLimit, withRetries } from '../services/sdk/policies.ts';
import { callsAtOnce } from './fixtures/sdk-journey.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A real server that keeps the line of every request that reached it. */
async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<{ url: string; lines: string[] }> {
  const lines: string[] = [];
  const server = createServer((request, response) => {
    lines.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, lines };
}

const countBy = (lines: readonly string[]): Record<string, number> => Object.fromEntries([...Map.groupBy(lines, (line) => line)].map(([line, all]) => [line, all.length]));

describe('under the harness', () => {
  test('each call of the SDK is one request on the wire, whatever the server answers', async () => {
    let turn = 0;
    // What a retrying client would send again: refusals with Retry-After, server errors, broken connections.
    const server = await listen((_request, response) => {
      const status = [200, 503, 429, 502][turn++ % 5];
      if (status === undefined) response.destroy();
      else response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' }).end('{"items":[],"nextCursor":null}');
    });
    const measured = await runSwarm({
      host: createNodeHost(), scenarioFile: join(import.meta.dirname, 'fixtures/sdk-journey.ts'), target: server.url,
      runId: 'ab12cd34', overrides: { sockets: 128, workers: 2 }, log: () => undefined,
    });
    const operations = (op: string): number => measured.operations.filter((sample) => sample.op === op).reduce((sum, { total }) => sum + total, 0);
    expect(operations('read')).toBeGreaterThan(100);
    expect(operations('write')).toBeGreaterThan(100);
    expect(operations('together')).toBeGreaterThan(20);
    expect(measured.unsent).toBe(0);
    expect(countBy(server.lines)).toEqual({
      'GET /profiles/7': operations('read'),
      'PUT /posts/7/like': operations('write'),
      'GET /feed?limit=20': operations('together') * callsAtOnce,
    });
    expect(measured.operations.reduce((sum, { requests }) => sum + requests, 0)).toBe(server.lines.length);
  });
});

describe('an application’s client', () => {
  test('repeats what may be repeated, joins equal reads, and holds back beyond its limit', async () => {
    const host = createTestHost();
    const waiting: (() => void)[] = [];
    let refusals = 2;
    const server = await listen((request, response) => {
      const reply = (status: number): void => void response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '2' }).end('{}');
      if (request.url === '/feed') waiting.push(() => reply(200));
      else reply(request.method === 'POST' || refusals-- > 0 ? 503 : 200);
    });
    const bare = createNodeTransport({ baseUrl: server.url, token: 'a token' });
    const client = new AvaloClient(withRetries(host, withDeduplication(withLimit(bare, 2, 1))));

    const like = client.likePost(7, '00000000-0000-0000-0000-000000000001');
    await expect.poll(() => server.lines.length).toBe(1);
    // The pause is the server's: nothing is sent before it is over.
    await expect.poll(async () => (await host.advance(500), server.lines.length)).toBe(2);
    expect(host.clock.monotonicMs()).toBeGreaterThanOrEqual(2_000);
    await expect.poll(async () => (await host.advance(500), server.lines.length)).toBe(3);
    expect((await like).status).toBe(200);

    // Without a key a POST may have been done: it is not sent twice.
    expect((await client.moderate('is this fine?')).status).toBe(503);
    expect(countBy(server.lines)).toEqual({ 'PUT /posts/7/like': 3, 'POST /ai/moderations': 1 });

    const reads = [client.getFeed(), client.getFeed(), client.getFeed()];
    await expect.poll(() => waiting.length).toBe(1);
    for (const answer of waiting.splice(0)) answer();
    expect((await Promise.all(reads)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(countBy(server.lines)['GET /feed']).toBe(1);
    bare.close();
  });

  test('its limit lets so many through, lets so many wait, and refuses the rest', async () => {
    const waiting: (() => void)[] = [];
    const server = await listen((_request, response) => void waiting.push(() => response.end('{}')));
    const bare = createNodeTransport({ baseUrl: server.url });
    const client = new AvaloClient(withLimit(bare, 2, 1));
    const calls = [1, 2, 3].map((id) => client.getProfile(id));
    await expect(client.getProfile(4)).rejects.toMatchObject({ code: 'client_limit' });
    await expect.poll(() => waiting.length).toBe(2);
    expect(server.lines).toEqual(['GET /profiles/1', 'GET /profiles/2']);
    waiting.shift()?.();
    await expect.poll(() => server.lines.length).toBe(3);
    for (const answer of waiting.splice(0)) answer();
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200]);
    bare.close();
  });
});
