import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { runSwarm } from '../coordinator.ts';
import type { DebugEvent } from '../debug-stage.ts';
import { debugUser } from '../debug-user.ts';

const host = createNodeHost();
const scenarioFile = fileURLToPath(new URL('../fixtures/caller.ts', import.meta.url));
const tickets = new Map<string, string>();
const callers: string[] = [];

/** Hands out tickets, and takes only those it has handed out. */
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (bytes: Buffer) => (body += bytes.toString()));
  request.on('end', () => {
    const [, what, id = ''] = (request.url ?? '').split('/');
    if (what === 'greet') {
      const { name } = JSON.parse(body) as { name: string };
      callers.push(name);
      tickets.set(`t${tickets.size}x${id}`, name);
      response.end(JSON.stringify({ ticket: `t${tickets.size - 1}x${id}` }));
      return;
    }
    const name = request.headers.authorization === `Bearer ${id}` ? tickets.get(id) : undefined;
    response.writeHead(name === undefined ? 404 : 200).end(JSON.stringify({ name }));
  });
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

describe('functions against a real server', () => {
  it('run in two worker processes, arrive openly, are fed from a file and measured by operation and tag', async () => {
    const measured = await runSwarm({ host, scenarioFile, target, runId: 'aabbccdd', overrides: { workers: 2, drainMs: 5_000 }, log: () => undefined });
    const counts: Record<string, [number, number]> = {};
    for (const { op, total, failed } of measured.operations) {
      const sum = (counts[op] ??= [0, 0]);
      sum[0] += total;
      sum[1] += failed;
    }
    // 60 in the constant second, 15 while the rate falls to 0; the throw falls to the group's journey, as the group has ended.
    expect(counts['POST /greet/:id']).toEqual([75, 0]);
    expect(counts['redeem']![1]).toBe(0);
    expect(counts['redeem']![0]).toBeGreaterThanOrEqual(73);
    expect(counts['call']).toEqual([7, 7]);
    expect(measured.errors.map(({ kind, op, count }) => [kind, op, count])).toEqual([['throw: RangeError', 'call', 7]]);
    expect(measured.errors[0]?.firstStack).toContain('fixtures/caller.ts');
    expect([measured.rampMs, measured.holdMs, measured.unsent]).toEqual([0, 1_000, 0]);
    const inHold = measured.operations.filter(({ op, phase }) => op === 'POST /greet/:id' && phase === 'hold').reduce((sum, { total }) => sum + total, 0);
    expect(inHold).toBe(60);
    // Each row fed a third of the arrivals, and both workers agree on which.
    expect(['Ann', 'Bo', 'Cy'].map((name) => callers.filter((caller) => caller === name).length)).toEqual([25, 25, 25]);
    const tagged = measured.tags ?? [];
    expect(new Set(tagged.map(({ name, value }) => `${name}=${value}`))).toEqual(new Set(['city=Rome', 'city=Oslo', 'city=Lima']));
    const all = Object.values(counts).reduce((sum, [total]) => sum + total, 0);
    expect(tagged.reduce((sum, { total }) => sum + total, 0)).toBe(all);
    expect(tagged.reduce((sum, { requests }) => sum + requests, 0)).toBe(measured.operations.reduce((sum, { requests }) => sum + requests, 0));
    expect(new Set(tagged.map(({ op }) => op))).toEqual(new Set(['POST /greet/:id', 'redeem', 'call']));
    const checks = measured.checks ?? [];
    expect(new Set(checks.map(({ name, op }) => `${name} in ${op}`))).toEqual(new Set(['it is theirs in redeem']));
    expect(checks.reduce((sum, { total }) => sum + total, 0)).toBe(counts['redeem']![0]);
    expect(tagged.reduce((sum, { checks: made }) => sum + made, 0)).toBe(counts['redeem']![0]);
    expect(measured.workers.map(({ namesBeyond }) => namesBeyond)).toEqual([{ operations: 0, tags: 0, checks: 0 }, { operations: 0, tags: 0, checks: 0 }]);
    expect(measured.workers.every(({ arrivalsQueued }) => arrivalsQueued !== undefined)).toBe(true);
    // Of the 40 users at most, those that were needed.
    expect(measured.operationsPerUser).toMatchObject({ completedRatio: 1 });
    expect(measured.operationsPerUser.min).toBeGreaterThan(0);
  });

  it('are debugged like steps: operations, pauses, requests, checks and throws in order', async () => {
    const events: DebugEvent[] = [];
    for await (const event of debugUser({ host, scenarioFile, target, runId: 'aabbccdd', user: 7 })) events.push(event);
    expect(events.map(({ kind }) => kind).join(' ')).toBe('step request reply end pause step request reply check end step threw end');
    expect(events.filter((event) => event.kind === 'end').map(({ op, outcome }) => [op, outcome])).toEqual([
      ['POST /greet/:id', 'ok'],
      ['redeem', 'ok'],
      ['call', 'failed'],
    ]);
    expect(events.find((event) => event.kind === 'pause')).toEqual({ kind: 'pause', pauseMs: 40 });
    expect(JSON.stringify(events)).toContain('hung up');
  });
});
