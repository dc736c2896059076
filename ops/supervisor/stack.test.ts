import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createNodeHost } from '../core/node-host.ts';
import { listClusterPids } from './embedded-postgres-lock.ts';
import { shortHash } from './embedded-postgres-place.ts';
import { isAlive } from './process-table.ts';
import { readLiveStack, readStackState } from './stack-state.ts';
import type { StackState } from './stack-state.ts';

const host = createNodeHost();
const root = join(import.meta.dirname, '../..');
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface FixtureEvent {
  readonly event: string;
  readonly name?: string;
  readonly state?: string;
  readonly pid?: number | null;
  readonly message?: string;
}

const server = {
  kind: 'api', runtime: 'node', entry: 'ops/supervisor/fixture/server.ts', port: 'web',
  env: { PORT: '${port}' }, readiness: { kind: 'http', path: '/readyz', timeoutMs: 20_000 },
};

/** Starts a supervisor of its own on a topology of the test's. */
function startSupervisor(processes: object[], extra: object = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sora-stack-'));
  // As root the database has another user, who must be able to pass.
  chmodSync(folder, 0o711);
  const stateDir = join(folder, 'stack');
  const databaseFolder = join(folder, 'pg');
  mkdirSync(stateDir);
  const topology = join(stateDir, 'topology.json');
  writeFileSync(topology, JSON.stringify({
    version: 1, ports: { web: 20_000, other: 20_100, postgres: 20_200 }, env: { SORA_INSTANCE: '${instance}' }, processes,
  }));
  const config = join(stateDir, 'config.json');
  writeFileSync(config, JSON.stringify({
    topology, root, stateDir, ports: 'free', databaseFolder, databaseUrl: 'postgres://nobody@127.0.0.1:1/none', ...extra,
  }));
  const child = spawn(process.execPath, [join(root, 'ops/supervisor/main.ts'), '--config', config, '--tied'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const events: FixtureEvent[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(JSON.parse(line) as FixtureEvent);
    for (const look of waiting) look();
  });
  const until = (matches: (event: FixtureEvent, index: number) => boolean): Promise<FixtureEvent> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = events.find(matches);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  cleanups.push(async () => {
    const gone = exited(child);
    child.stdin.end();
    await gone;
    rmSync(folder, { recursive: true, force: true });
  });
  const state = (): StackState => readStackState(host, stateDir) ?? expect.fail('no state');
  return { child, stateDir, databaseFolder, events, until, state };
}

function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

async function untilGone(pids: readonly number[], withinMs: number): Promise<void> {
  const startMs = performance.now();
  while (pids.some((pid) => isAlive(host, pid))) {
    if (performance.now() - startMs > withinMs) expect.fail(`${pids.join(', ')}: still there after ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function pidsOf(state: StackState): number[] {
  return state.processes.flatMap(({ pid }) => pid ?? []);
}

function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

test('starts in order, restarts what is killed, notices unreadiness, stops when its starter goes', async () => {
  const { child, stateDir, events, until, state } = startSupervisor([
    { ...server, name: 'first' },
    { ...server, name: 'second', port: 'other', dependsOn: ['first'], replicas: 2 },
  ]);
  await until(({ event }) => event === 'up');
  expect(readLiveStack(host, stateDir)?.phase).toBe('up');
  const order = events.filter(({ state }) => state === 'ready' || state === 'starting').map(({ name, state }) => `${name} ${state}`);
  expect(order.indexOf('first ready')).toBeLessThan(order.indexOf('second-1 starting'));
  const before = state().processes[0] ?? expect.fail('no process');
  expect(await ask(before.url ?? '')).toContain(`"pid":${before.pid}`);

  process.kill(before.pid ?? 0, 'SIGKILL');
  const since = events.length;
  await until(({ name, state }, index) => index >= since && name === 'first' && state === 'ready');
  const after = state().processes[0] ?? expect.fail('no process');
  expect(after.pid).not.toBe(before.pid);
  expect(after).toMatchObject({ restarts: 1, state: 'ready', port: before.port });

  await ask(`${after.url}/?ready=no`);
  await until(({ name, state }) => name === 'first' && state === 'unready');
  await ask(`${after.url}/?ready=yes`);
  const pids = pidsOf(state());
  const gone = exited(child);
  child.stdin.end();
  await gone;
  expect(pids.filter((pid) => isAlive(host, pid))).toEqual([]);
  expect(readLiveStack(host, stateDir)).toBeUndefined();
});

test('a process that is given up after all was up makes the whole stack failed, until it is started again on request', async () => {
  const { child, until, state } = startSupervisor([{ ...server, name: 'web' }]);
  await until(({ event }) => event === 'up');
  let seen = -1;
  for (let round = 0; round < 5; round++) {
    const ready = await until((event, index) => index > seen && event.event === 'process' && event.state === 'ready' && (seen = index) >= 0);
    process.kill(ready.pid ?? expect.fail('no pid'), 'SIGKILL');
  }
  await until(({ event, state }) => event === 'process' && state === 'failed');
  await expect.poll(() => state().phase).toBe('failed');
  child.kill('SIGUSR2');
  await until((event, index) => index > seen && event.state === 'ready');
  await expect.poll(() => state().phase).toBe('up');
  expect(state().processes).toMatchObject([{ name: 'web', state: 'ready', crashes: 0, restarts: 5 }]);
});

test('a crash loop ends failed, with the last words of the process', async () => {
  const { child, until, events } = startSupervisor([{ ...server, name: 'doomed', args: ['--crash'] }]);
  const failed = await until(({ event }) => event === 'failed');
  expect(failed.message).toContain('doomed did not start: it ended 5 times');
  await exited(child);
  expect(child.exitCode).toBe(104);
  expect(events.filter(({ state }) => state === 'starting')).toHaveLength(5);
});

test('nothing outlives a killed supervisor by 10 s: neither the polite, nor the stubborn, nor the frozen', async () => {
  const { child, databaseFolder, until, state } = startSupervisor([
    { ...server, name: 'polite' },
    { ...server, name: 'stubborn', port: 'other', args: ['--stubborn'], replicas: 2 },
    { name: 'postgres', kind: 'database', runtime: 'postgres', port: 'postgres', readiness: { kind: 'postgres', timeoutMs: 60_000 } },
  ], { databaseUrl: undefined });
  await until(({ event }) => event === 'up');
  const processes = state().processes;
  const pids = pidsOf(state());
  expect(pids).toHaveLength(4);
  const frozen = processes.find(({ name }) => name === 'stubborn-2')?.pid ?? 0;
  process.kill(frozen, 'SIGSTOP');
  const cluster = `sora-${shortHash(databaseFolder)}`;
  expect(listClusterPids(host, cluster).length).toBeGreaterThan(3);
  child.kill('SIGKILL');
  await untilGone(pids, 10_000);
  expect(listClusterPids(host, cluster)).toEqual([]);
}, 40_000);

test('a killed postmaster comes back, with what was committed', async () => {
  const { until, state, events, stateDir } = startSupervisor([
    { name: 'postgres', kind: 'database', runtime: 'postgres', port: 'postgres', readiness: { kind: 'postgres', timeoutMs: 60_000 } },
  ], { databaseUrl: undefined });
  await until(({ event }) => event === 'up');
  const { Client } = await import('pg');
  const { databaseUrl } = JSON.parse(readFileSync(join(stateDir, 'secrets.json'), 'utf8')) as { databaseUrl: string };
  const first = new Client({ connectionString: databaseUrl });
  first.on('error', () => undefined);
  await first.connect();
  await first.query('create table kept as select 7 as number');
  const since = events.length;
  process.kill(state().processes[0]?.pid ?? 0, 'SIGKILL');
  await until(({ state }, index) => index >= since && state === 'ready');
  const second = new Client({ connectionString: databaseUrl });
  await second.connect();
  expect((await second.query('select number from kept')).rows).toEqual([{ number: 7 }]);
  await second.end();
});

test('the control plane has a database of its own: either falls without the other, and it is left out unless asked for', async () => {
  const database = { runtime: 'postgres', kind: 'database', readiness: { kind: 'postgres', timeoutMs: 60_000 } };
  const processes = [
    { ...database, name: 'postgres', port: 'postgres' },
    { ...database, name: 'control-postgres', plane: 'control', port: 'other' },
    { ...server, name: 'control', kind: 'control', plane: 'control', dependsOn: ['control-postgres'], env: { PORT: '${port}', FIXTURE: '${controlDatabaseUrl}${rehearsal}${secret:control-viewer}' } },
  ];
  const controlDatabaseFolder = mkdtempSync(join(tmpdir(), 'sora-stack-'));
  chmodSync(controlDatabaseFolder, 0o711);
  cleanups.push(() => rmSync(controlDatabaseFolder, { recursive: true, force: true }));
  const { until, state, stateDir, events } = startSupervisor(processes, { databaseUrl: undefined, control: true, controlDatabaseFolder: join(controlDatabaseFolder, 'pg'), rehearsal: 'run-7' });
  await until(({ event }) => event === 'up');
  const secrets = JSON.parse(readFileSync(join(stateDir, 'secrets.json'), 'utf8')) as Record<string, string>;
  const names = [secrets['databaseUrl'], secrets['controlDatabaseTcpUrl']].map((url) => new URL(url ?? '').pathname);
  expect(names).toEqual(['/sora', '/sora_control']);
  const pidOf = (name: string): number => state().processes.find((process) => process.name === name)?.pid ?? expect.fail(`no ${name}`);
  const [before, control] = [pidOf('control-postgres'), pidOf('control')];
  process.kill(pidOf('postgres'), 'SIGKILL');
  const since = events.length;
  await until(({ name, state }, index) => index >= since && name === 'postgres' && state === 'ready');
  expect([pidOf('control-postgres'), pidOf('control')]).toEqual([before, control]);
  expect(state().processes.map(({ name, restarts, crashes, readyAt }) => [name, restarts, crashes, readyAt !== null])).toEqual([['postgres', 1, 1, true], ['control-postgres', 0, 0, true], ['control', 0, 0, true]]);

  const alone = startSupervisor([{ ...server, name: 'api' }, ...processes], { databaseUrl: 'postgres://nobody@127.0.0.1:1/none', control: false });
  await alone.until(({ event }) => event === 'up');
  expect(alone.state().processes.map(({ name }) => name)).toEqual(['api']);
});

test('a start right after a kill waits until the reaper has made room, and finds its port free', async () => {
  const first = startSupervisor([{ ...server, name: 'stubborn', args: ['--stubborn'] }]);
  await first.until(({ event }) => event === 'up');
  const [old = expect.fail('no process')] = first.state().processes;
  const [pid = 0] = pidsOf(first.state());
  first.child.kill('SIGKILL');
  await exited(first.child);
  expect(isAlive(host, pid)).toBe(true);
  const second = startSupervisor([{ ...server, name: 'stubborn' }], { stateDir: first.stateDir, ports: 'fixed', portOverrides: { web: old.port } });
  await second.until(({ event }) => event === 'up');
  expect(isAlive(host, pid)).toBe(false);
  expect(readStackState(host, first.stateDir)?.processes[0]).toMatchObject({ port: old.port, state: 'ready' });
}, 40_000);
