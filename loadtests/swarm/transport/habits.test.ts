import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { runSwarm } from '../coordinator.ts';
import { fateOfWrite } from '../replies.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

/** Log-in by redirect and cookie, pages in gzip, and saves that are refused the first time. */
async function serve(): Promise<{ target: string; saves: Map<string, number> }> {
  const saves = new Map<string, number>();
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const url = request.url ?? '';
    const user = /sid=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
    if (url === '/login') {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => response.writeHead(302, { location: '/home', 'set-cookie': `sid=user-${(JSON.parse(body) as { user: number }).user}; Path=/` }).end());
    } else if (url === '/circle') {
      response.writeHead(302, { location: url }).end('round and round');
    } else if (url === '/home') {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(JSON.stringify({ user, method: request.method })));
    } else {
      const tries = (saves.get(url) ?? 0) + 1;
      saves.set(url, tries);
      response.writeHead(user === undefined ? 401 : tries === 1 ? 503 : 201).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { target: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, saves };
}

describe('the habits of a scenario', () => {
  it('are its users’ in a run, and counted', { timeout: 60_000 }, async () => {
    const { target, saves } = await serve();
    const scenarioFile = fileURLToPath(new URL('../fixtures/wayfarer.ts', import.meta.url));
    const measured = await runSwarm({ host: createNodeHost(), scenarioFile, target, runId: 'aabbccdd', log: () => undefined });
    expect(measured.errors).toEqual([]);
    const total = (op: string): number => measured.operations.filter((sample) => sample.op === op).reduce((sum, sample) => sum + sample.total, 0);
    expect(total('login')).toBeGreaterThanOrEqual(20);
    expect(total('save')).toBeGreaterThan(5);
    expect([...saves.values()].every((tries) => tries === 2)).toBe(true);
    expect(measured.workers.map(({ links }) => links)).toEqual([{ opened: 20, retries: total('save'), redirects: total('login') }]);
    // Requests as their authors count them: one for each, however often it was sent.
    expect(measured.operations.reduce((sum, { requests }) => sum + requests, 0)).toBe(total('login') + total('save'));
    expect(measured.writes.byKind).toEqual({ note: total('save') });
  });

  it('fail what they could not carry out, though the journey catches it or never asks', { timeout: 60_000 }, async () => {
    const { target } = await serve();
    const scenarioFile = fileURLToPath(new URL('../fixtures/lost.ts', import.meta.url));
    const measured = await runSwarm({ host: createNodeHost(), scenarioFile, target, runId: 'aabbccdd', log: () => undefined });
    const counts: Record<string, [number, number]> = {};
    for (const { op, total, failed } of measured.operations) counts[op] = [(counts[op]?.[0] ?? 0) + total, (counts[op]?.[1] ?? 0) + failed];
    const visits = counts['circle']![0];
    expect(visits).toBeGreaterThan(0);
    expect(counts).toEqual({ circle: [visits, visits], 'circle, as expected': [visits, 0], unwritten: [visits, visits] });
    const errors = Object.fromEntries(measured.errors.map(({ op, kind, count }) => [op, [kind, count]]));
    expect(errors).toEqual({ circle: ['too_many_redirects', visits], unwritten: ['throw: malformed_request', visits] });
    expect(measured.errors.map(({ firstMessage }) => firstMessage).join()).toContain('GET /circle answered 302 after 3 redirects, the limit: round and round');
  });

  it('leave in doubt what an earlier try may have written', () => {
    expect(fateOfWrite(409, true)).toBe('absent');
    expect(fateOfWrite(409, true, true)).toBe('unknown');
    expect(fateOfWrite(undefined, false, true)).toBe('unknown');
    expect(fateOfWrite(201, true, true)).toBe('acknowledged');
  });
});
