import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNodeHost } from '../core/node-host.ts';
import { isAlive } from '../supervisor/process-table.ts';
import { readStackState } from '../supervisor/stack-state.ts';
import type { Context } from './command.ts';
import { db } from './db.ts';
import { loadStackDir, startLoadServer, withDatabase } from './load-server.ts';
import { startLoadStack } from './load-stack.ts';

const users = 20;
let folder = '';
let context: Context;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sora-load-'));
  // As root the database has another user, who must be able to pass.
  chmodSync(folder, 0o711);
  const topology = join(folder, 'topology.json');
  const server = { runtime: 'node', entry: 'ops/supervisor/fixture/server.ts', env: { PORT: '${port}', FIXTURE: '${databaseUrl}' }, readiness: { kind: 'http', path: '/readyz', timeoutMs: 20_000 } };
  writeFileSync(topology, JSON.stringify({
    version: 1, ports: { postgres: 1, gateway: 2, api: 3 }, env: { SORA_INSTANCE: '${instance}' },
    processes: [
      { name: 'postgres', kind: 'database', runtime: 'postgres', port: 'postgres', readiness: { kind: 'postgres', timeoutMs: 60_000 } },
      { ...server, name: 'api', kind: 'api', port: 'api', dependsOn: ['postgres'] },
      { ...server, name: 'gateway', kind: 'gateway', port: 'gateway', dependsOn: ['api'] },
    ],
  }));
  context = { host: createNodeHost(), root: join(import.meta.dirname, '../..'), home: join(folder, 'home'), topology };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (runId: string, signal = new AbortController().signal, keep = false) =>
  startLoadStack(context, { runId, users, seed: 1, replicas: {}, keep, signal });

async function ask<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('each run has a seeded database of its own, one run at a time, and nothing of it stays', async () => {
  let pids: number[] = [];
  {
    await using first = await start('20260101-first');
    const url = first.env['SORA_DATABASE_URL'] ?? '';
    expect(new URL(url).pathname).toBe('/run_20260101_first');
    const [count] = await ask<{ accounts: number }>(url, 'select count(*)::int as accounts from accounts where seeded');
    expect(count?.accounts).toBeGreaterThanOrEqual(users);
    expect(first.env['SORA_TARGET']).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await expect(start('20260101-second')).rejects.toMatchObject({ exitCode: 104, message: expect.stringContaining('already up') as string });
    // What a run that was killed leaves behind.
    await ask(url, 'create database run_leftover');
    pids = readStackState(context.host, loadStackDir(context))?.processes.flatMap(({ pid }) => pid ?? []) ?? [];
    expect(pids).toHaveLength(3);
  }
  expect(pids.filter((pid) => isAlive(context.host, pid))).toEqual([]);
  await using second = await start('20260101-second');
  const rows = await ask<{ datname: string }>(second.env['SORA_DATABASE_URL'] ?? '', "select datname from pg_database where datname like 'run%'");
  expect(rows.map(({ datname }) => datname)).toEqual(['run_20260101_second']);
}, 120_000);

test('a kept database is reached, opened and dropped after its run', async () => {
  {
    await using kept = await start('20260101-kept', undefined, true);
    expect(kept.env['SORA_DATABASE_URL']).toContain('/kept_20260101_kept');
  }
  {
    await using server = await startLoadServer(context);
    const [count] = await ask<{ accounts: number }>(withDatabase(server.tcpUrl, 'kept_20260101_kept'), 'select count(*)::int as accounts from accounts');
    expect(count?.accounts).toBeGreaterThanOrEqual(users);
    // It is up already: this one is used and not stopped.
    const names = async (): Promise<string[]> => (await ask<{ datname: string }>(server.url, "select datname from pg_database where datname like 'kept%'")).map(({ datname }) => datname);
    expect(await db.run(context, ['drop', 'kept_20260101_kept', '--stack', 'load', '-o', 'json'])).toBe(0);
    expect(await names()).toEqual([]);
  }
}, 120_000);

test('an interrupt before the run begins stops what was started', async () => {
  const interrupt = new AbortController();
  interrupt.abort();
  await expect(start('20260101-third', interrupt.signal)).rejects.toMatchObject({ exitCode: 105 });
  const state = readStackState(context.host, loadStackDir(context));
  expect(state?.processes.filter(({ pid }) => pid !== null && isAlive(context.host, pid))).toEqual([]);
}, 60_000);
