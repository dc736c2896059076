import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { Crew } from '../crew.ts';
import { localOnly } from '../guard.ts';
import { loadScenario } from '../load-scenario.ts';
import { planRun } from '../run-plan.ts';
import type { WorkerJob } from '../worker-messages.ts';
import { findBun, requireBun } from './bun-runtime.ts';
import { plainLink } from './create-transport.ts';
import type { Runtime } from './limits.ts';

const host = createNodeHost();
const scenarioFile = fileURLToPath(new URL('../fixtures/hello.ts', import.meta.url));
const workerFile = fileURLToPath(new URL('../worker-main.ts', import.meta.url));
const hasBun = findBun(host) !== undefined;
if (!hasBun) console.warn('the test of Bun workers is skipped: the executable of the package bun is not in place');

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.skipIf(!hasBun)('wires of Bun', () => {
  it('carry large bodies both ways, find names, and say why not', { timeout: 30_000 }, async () => {
    const closed = await listen(() => undefined);
    closers.pop()?.();
    const target = await listen((request, response) => {
      if (request.url === '/cut') request.socket.destroy();
      if (request.url === '/echo') request.pipe(response);
    });
    const probe = fileURLToPath(new URL('../fixtures/bun-probe.ts', import.meta.url));
    const child = spawn(requireBun(host), [probe, target, closed], { stdio: ['ignore', 'pipe', 'inherit'] });
    closers.push(() => void child.kill('SIGKILL'));
    let printed = '';
    child.stdout.on('data', (bytes: Buffer) => (printed += bytes.toString()));
    await once(child, 'close');
    expect(JSON.parse(printed)).toEqual(['200 5000000', '200 8', '200 7', 'timeout', 'ECONNRESET', 'ECONNREFUSED']);
  });
});

describe.skipIf(!hasBun)('workers under Bun', () => {
  it('load a scenario from anywhere, by the name of the package', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sora-bun-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const visit = "{ name: 'visit', weight: 1, steps: [{ op: 'home', run: async () => undefined }] }";
    const think = "thinkTimeMs: { kind: 'constant', value: 1000 }";
    writeFileSync(join(folder, 'away.ts'), `import { scenario } from 'sora';\nexport default scenario({ name: 'away', description: '', users: 1, rampMs: 0, holdMs: 1000, ${think}, journeys: [${visit}], thresholds: {} });\n`);
    const loader = new URL('../load-scenario.ts', import.meta.url).href;
    writeFileSync(join(folder, 'load.ts'), `const { loadScenario } = await import('${loader}');\nconsole.log((await loadScenario('${join(folder, 'away.ts')}')).name);\n`);
    const child = spawn(requireBun(host), [join(folder, 'load.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
    closers.push(() => void child.kill('SIGKILL'));
    let printed = '';
    child.stdout.on('data', (bytes: Buffer) => (printed += bytes.toString()));
    await once(child, 'close');
    expect(printed).toBe('away\n');
  });

  it('hold a connection for each of their users, from their source addresses, and merge with those under Node', { timeout: 60_000 }, async () => {
    const socketsByAddress = new Map<string, Set<unknown>>();
    const target = await listen((request, response) => {
      const address = request.socket.remoteAddress ?? '';
      socketsByAddress.set(address, (socketsByAddress.get(address) ?? new Set()).add(request.socket));
      response.end('hello');
    });
    const users = 400;
    const plan = planRun(await loadScenario(scenarioFile), { users, rampMs: 500, holdMs: 2_500, thinkTimeMs: { kind: 'constant', value: 500 } }, 'aabbccdd');
    const runtimes: readonly Runtime[] = ['bun', 'node'];
    const jobs = runtimes.map((runtime, worker): WorkerJob => ({
      worker, scenarioFile, plan, target, policy: localOnly, sockets: users / 2, shared: new Map([['any', Number.NaN]]), nurseryMb: 8, sampledUser: 0,
      partition: { index: worker, count: 2 },
      link: { ...plainLink, kind: 'per-user', runtime, sourceAddresses: ['127.0.0.0/8'], sourceCount: 4 },
    }));
    const said: string[] = [];
    const crew = new Crew({ host, workerFile, plan, users, jobs, graceMs: 1_000, onTick: undefined, log: (text) => said.push(text) });
    closers.push(() => crew.dismiss());
    await crew.prepare();
    const { merge, results, workersLost } = await crew.run(host.clock.nowMs() + 100);
    expect([workersLost, said]).toEqual([[], []]);
    expect(merge.errors).toEqual([]);
    // Users of an even place come from 127.0.0.1 and .3, under Bun; the others from .2 and .4.
    const connections = Object.fromEntries([...socketsByAddress].map(([address, sockets]) => [address, sockets.size]));
    expect(connections).toEqual({ '127.0.0.1': 100, '127.0.0.2': 100, '127.0.0.3': 100, '127.0.0.4': 100 });
    const total = merge.operations.reduce((sum, { total: count }) => sum + count, 0);
    const completed = results.map((result) => result.completed.reduce((sum, count) => sum + count, 0));
    expect(completed.reduce((sum, count) => sum + count, 0)).toBe(total);
    for (const count of completed) expect(count).toBeGreaterThan(users / 2);
    expect(merge.health.map(({ usersStarted }) => usersStarted)).toEqual([users / 2, users / 2]);
  });
});
