import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { runSwarm, type SwarmOptions } from './coordinator.ts';
import { Histogram } from './histogram.ts';
import { type RunMeasurement, type TimeName, writesByUser } from './measurement.ts';
import { checksumOf } from './write-id.ts';

const host = createNodeHost();
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}.ts`, import.meta.url));

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

/** The bare server in a process of its own, which signals can freeze. */
async function bareServer(): Promise<{ target: string; pid: number }> {
  const child = spawn(host.process.execPath, [fileURLToPath(new URL('../bench/bare-server.ts', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  closers.push(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { target: `http://127.0.0.1:${line.toString().trim()}`, pid: child.pid! };
}

function run(name: string, target: string, options: Partial<SwarmOptions> = {}): Promise<RunMeasurement> {
  return runSwarm({ host, scenarioFile: fixture(name), target, runId: 'aabbccdd', log: () => undefined, ...options });
}

const sum = (measured: RunMeasurement, field: 'total' | 'failed' | 'refused' | 'requests', phase?: string): number =>
  measured.operations.filter((one) => phase === undefined || one.phase === phase).reduce((all, one) => all + one[field], 0);

const p99Ms = (measured: RunMeasurement, name: TimeName): number =>
  Histogram.fromSparse(...measured.operations.map(({ times }) => times[name])).quantile(0.99) / 1_000;

describe('runSwarm', () => {
  it('drives 10,000 users for 5 s over two workers, and every one is accounted for', async () => {
    const { target } = await bareServer();
    const seconds: number[] = [];
    const measured = await run('hello', target, {
      overrides: { workers: 2, thinkTimeMs: { kind: 'exponential', mean: 2_000 } },
      onTick: (live) => seconds.push(live.second),
    });
    expect(sum(measured, 'failed')).toBe(0);
    expect(measured.errors).toEqual([]);
    // 5,000/s in the hold of 4 s, half of that in the ramp of 1 s; drawn at random.
    expect(Math.abs(sum(measured, 'total', 'hold') - 20_000)).toBeLessThan(600);
    expect(Math.abs(sum(measured, 'total', 'ramp') - 2_500)).toBeLessThan(300);
    expect(measured.series.reduce((all, point) => all + point.total, 0)).toBe(sum(measured, 'total'));
    expect(measured.workers.map(({ worker }) => worker)).toEqual([0, 1]);
    expect(measured.operationsPerUser.completedRatio).toBeGreaterThan(0.85);
    expect(measured.history.length).toBeGreaterThan(0);
    expect(measured.history.every(({ user }) => user === 5_000)).toBe(true);
    expect(measured.slowest).toHaveLength(20);
    expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
    expect(measured.phases.map(({ name }) => name).slice(0, 2)).toEqual(['ramp', 'hold']);
    expect([measured.interrupted, measured.workersLost, measured.unsent]).toEqual([false, [], 0]);
  });

  it('shows a server frozen for 1 s in the response times and hardly in the service times', async () => {
    const { target, pid } = await bareServer();
    const measured = await run('hello', target, {
      overrides: { users: 500, rampMs: 500, holdMs: 4_000, thinkTimeMs: { kind: 'exponential', mean: 500 }, sockets: 4, workers: 1 },
      onTick: ({ second }) => {
        if (second !== 1) return;
        process.kill(pid, 'SIGSTOP');
        setTimeout(() => process.kill(pid, 'SIGCONT'), 1_000);
      },
    });
    expect(sum(measured, 'failed')).toBe(0);
    expect(p99Ms(measured, 'response')).toBeGreaterThan(700);
    expect(p99Ms(measured, 'service')).toBeLessThan(p99Ms(measured, 'response') / 10);
    expect(p99Ms(measured, 'poolWait')).toBeGreaterThan(700);
    // The wait is the system's; the generator was hardly ever late itself.
    expect(p99Ms(measured, 'lateness')).toBeLessThan(p99Ms(measured, 'response') / 3);
  });

  it('goes on without a worker that was killed, and says so', async () => {
    const { target } = await bareServer();
    let pids: readonly number[] = [];
    const measured = await run('hello', target, {
      overrides: { users: 200, rampMs: 0, holdMs: 3_000, thinkTimeMs: { kind: 'constant', value: 100 }, workers: 2 },
      onWorkers: (started) => {
        pids = started;
      },
      onTick: ({ second }) => {
        if (second === 0) process.kill(pids[1]!, 'SIGKILL');
      },
    });
    expect(measured.workersLost).toEqual([1]);
    expect(measured.operationsPerUser.completedRatio).toBe(0.5);
    const perS = measured.series.map(({ total }) => total);
    expect(perS[0]).toBeGreaterThan(perS[2]! * 1.5);
    expect(perS[2]).toBeGreaterThan(800);
  });

  it('ends with what there is when every worker is lost', async () => {
    const { target } = await bareServer();
    let pids: readonly number[] = [];
    const measured = await run('hello', target, {
      overrides: { users: 100, rampMs: 0, holdMs: 60_000, workers: 1, thinkTimeMs: { kind: 'constant', value: 200 } },
      onWorkers: (started) => {
        pids = started;
      },
      onTick: () => process.kill(pids[0]!, 'SIGKILL'),
    });
    expect(measured.workersLost).toEqual([0]);
    expect(sum(measured, 'total')).toBeGreaterThan(100);
  });

  it('stops early when interrupted, and returns what was measured', async () => {
    const { target } = await bareServer();
    const abort = new AbortController();
    const measured = await run('hello', target, {
      signal: abort.signal,
      overrides: { users: 300, rampMs: 0, holdMs: 60_000, workers: 2, thinkTimeMs: { kind: 'constant', value: 100 } },
      onTick: ({ second }) => {
        if (second === 0) abort.abort();
      },
    });
    expect([measured.interrupted, measured.workersLost, measured.unsent]).toEqual([true, [], 0]);
    expect(sum(measured, 'total')).toBeGreaterThan(1_000);
    expect(measured.endedAtMs - measured.startedAtMs).toBeLessThan(5_000);
    expect(measured.phases.map(({ name }) => name)).toEqual(['hold']);
  });

  it('counts a throw of a journey, keeps its first stack, and goes on', async () => {
    const target = await listen((_request, response) => response.setHeader('x-correlation-id', 'c-1').end('ok'));
    const measured = await run('throws', target);
    expect(sum(measured, 'total')).toBeGreaterThan(150);
    const [group] = measured.errors;
    expect(measured.errors).toHaveLength(1);
    expect([group?.kind, group?.op, group?.firstMessage]).toEqual(['throw: TypeError', 'visit', expect.stringMatching(/^throws\.ts:\d+:\d+: a mistake in the journey$/)]);
    expect(group?.firstStack).toContain('throws.ts');
    expect(group?.firstCorrelationId).toBe('c-1');
    expect(group?.count).toBe(sum(measured, 'failed'));
    expect(measured.slowest[0]?.correlationId).toBe('c-1');
  });

  it('keeps what a teardown threw as an error, and all that was measured before', async () => {
    const target = await listen((_request, response) => void response.end('ok'));
    const measured = await run('untidy', target);
    expect(sum(measured, 'total')).toBe(25);
    expect(measured.teardownFailed).toBe('teardown of untidy threw: no such row');
    expect(measured.errors).toMatchObject([{ kind: 'throw: TypeError', op: 'teardown', count: 1, firstMessage: 'teardown of untidy threw: no such row' }]);
    expect((await run('throws', target, { overrides: { holdMs: 200 } })).teardownFailed).toBeUndefined();
  });

  it('gives up at the end of the drain on a server that never answers', async () => {
    const target = await listen(() => undefined);
    const measured = await run('throws', target, { overrides: { users: 10, sockets: 4, drainMs: 500, holdMs: 500 } });
    expect(sum(measured, 'failed')).toBe(sum(measured, 'total'));
    expect(sum(measured, 'total')).toBe(50);
    expect(Object.fromEntries(measured.errors.map(({ kind, count }) => [kind, count]))).toEqual({ timeout: 4, unsent: 46 });
    expect(measured.unsent).toBe(46);
    expect(measured.endedAtMs - measured.startedAtMs).toBeLessThan(4_000);
  });

  it('runs setup, shares its answer, and acknowledges exactly the writes the server made', async () => {
    const ids = new Map<string, string>();
    const target = await listen((request, response) => {
      let text = '';
      request.on('data', (part: Buffer) => (text += part.toString()));
      request.on('end', () => {
        if (request.url === '/sessions') {
          const { users } = JSON.parse(text) as { users: number };
          expect(request.headers.authorization).toBe('Bearer secret');
          response.end(JSON.stringify(Array.from({ length: users }, (_, user) => `token-${user}`)));
        } else {
          ids.set(String(request.headers['idempotency-key']), String(request.headers.authorization));
          response.writeHead(201).end();
        }
      });
    });
    const measured = await run('set-up', target, { adminSecret: 'secret', overrides: { workers: 3 } });
    expect(sum(measured, 'failed')).toBe(0);
    expect(measured.writes.byKind).toEqual({ note: ids.size });
    const users = [...writesByUser(measured.writes)];
    expect(users).toHaveLength(40);
    for (const { user, acknowledged, checksum } of users) {
      const own = [...ids].filter(([, token]) => token === `Bearer token-${user}`).map(([id]) => id);
      expect([user, acknowledged, checksum]).toEqual([user, own.length, own.reduce((all, id) => all + checksumOf(id), 0)]);
    }
  });
});

describe('runSwarm refuses', () => {
  const target = 'http://127.0.0.1:1';

  it.each<[string, string, Partial<SwarmOptions>, string, number]>([
    ['a missing file', 'nowhere', {}, 'does not load', 107],
    ['a setup that throws', 'bad-setup', {}, 'no such fixture', 107],
    ['a target elsewhere', 'hello', { target: 'http://192.0.2.7' }, '192.0.2.7', 104],
    ['no users', 'hello', { overrides: { users: 0 } }, 'users 0', 104],
    ['half a user', 'hello', { overrides: { users: 1.5 } }, '1.5', 104],
    ['absurd users', 'hello', { overrides: { users: 1e9 } }, '10000000', 104],
    ['no think time', 'hello', { overrides: { thinkTimeMs: { kind: 'constant', value: 0 } } }, 'think time', 104],
    ['too many workers', 'hello', { overrides: { workers: 65 } }, 'workers 65', 104],
  ])('%s', async (_name, name, options, message, exitCode) => {
    await expect(run(name, target, options)).rejects.toMatchObject({ message: expect.stringContaining(message) as string, exitCode });
  });
});
