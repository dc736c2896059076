/**
 * `kill -9` of the real control plane in every state of an alert's life, between its two commits, and between sending
 * and recording: nothing is forgotten, each kill repeats each message at most once, and under the same id.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createTestDatabase } from '../../tests/database.ts';
import type { TestDatabase } from '../../tests/database.ts';
import { startReceiver } from '../alerting/notifiers/fixture.ts';
import type { Receiver } from '../alerting/notifiers/fixture.ts';
import { createEventLog } from '../core/event-log/log.ts';
import { createNodeHost } from '../core/node-host.ts';
import { findFreePorts } from '../supervisor/ports.ts';
import { openControlDatabase } from './database.ts';
import type { ControlDatabase } from './database.ts';

const root = join(import.meta.dirname, '../..');
const token = 'secret'.padEnd(40, '.');
const intervalMs = 1_000;
const forMs = 4_000;
const keepFiringForMs = 2_000;
const polling = { timeout: 30_000, interval: 50 };
const cleanups: (() => unknown)[] = [];
const values = { failures: 0, other: 0 };
let url: string;
let env: Record<string, string>;
let postgres: TestDatabase;
let database: ControlDatabase;
let receiver: Receiver;
let control: ChildProcess;

beforeAll(async () => {
  postgres = await createTestDatabase({ migrate: false });
  cleanups.push(() => postgres[Symbol.asyncDispose]());
  database = openControlDatabase(createNodeHost(), postgres.url);
  cleanups.push(() => database.close());
  await database.migrate();
  receiver = await startReceiver();
  cleanups.push(() => receiver[Symbol.asyncDispose]());
  const exporter = createServer((_request, response) => response.end(`fixture_failures ${values.failures}\nfixture_other ${values.other}\n`));
  await new Promise<void>((resolve) => exporter.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    exporter.closeAllConnections();
    exporter.close();
  });
  const [port = 0] = await findFreePorts(1);
  url = `http://127.0.0.1:${port}`;
  env = settings(port, (exporter.address() as AddressInfo).port);
  cleanups.push(kill);
});
afterAll(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
});

function settings(port: number, exporterPort: number): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'sora-kill-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  write('receivers.yaml', 'receivers: {}\n');
  const labels = '{ severity: critical, service: web }';
  const annotations = '{ summary: "{{ $value }} failures", runbook: runbooks/x.md }';
  return {
    PORT: String(port), SORA_LOG_LEVEL: 'silent', SORA_STATE_DIR: '', SORA_CONTROL_DATABASE_URL: postgres.url, SORA_SCRAPE_INTERVAL: '1s', SORA_EVALUATION_INTERVAL: '1s',
    SORA_VIEWER_TOKEN: token, SORA_OPERATOR_TOKEN: token, SORA_ADMIN_TOKEN: token, SORA_ACK_SECRET: token, SORA_HEARTBEAT_SECRET: token,
    SORA_TOPOLOGY: write('topology.json', JSON.stringify({ version: 1, ports: { web: exporterPort }, processes: [{ name: 'web', kind: 'api', runtime: 'node', entry: 'x.ts', port: 'web', readiness: { kind: 'http', path: '/', timeoutMs: 1_000 } }] })),
    SORA_ALERT_RULES: write('rules.yaml', `groups:
  - name: lives
    rules:
      - { alert: Failing, expr: fixture_failures > 3, for: ${forMs}ms, keep_firing_for: ${keepFiringForMs}ms, labels: ${labels}, annotations: ${annotations} }
      - { alert: Other, expr: fixture_other > 0, labels: ${labels}, annotations: ${annotations} }
`),
    SORA_ALERT_ROUTING: write('routing.yaml', `route: { receiver: all, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 4h }\nreceivers: [{ name: all, webhook_configs: [{ url: "${receiver.url}/" }] }]\n`),
    SORA_ALERT_ONCALL: write('oncall.yaml', 'people: {}\nschedules: {}\npolicies: {}\n'),
  };
}

function start(): void {
  control = spawn(process.execPath, [join(root, 'ops/control/main.ts')], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });
}

async function kill(): Promise<void> {
  if (control.exitCode !== null || control.signalCode !== null) return;
  const gone = once(control, 'exit');
  control.kill('SIGKILL');
  await gone;
}

/** Every step of the alert's life that the event log knows. */
async function history(rule = 'Failing'): Promise<{ step: string; atMs: number; activeAtMs: number }[]> {
  const events = await createEventLog(database.pool).read({ kinds: ['alert'] });
  return events.flatMap(({ atMs, details }) => (details.kind === 'alert' && details.rule === rule ? [{ step: `${details.from}>${details.to}`, atMs, activeAtMs: details.activeAtMs }] : []));
}
const steps = async (): Promise<string[]> => (await history()).map(({ step }) => step);

/** The alert as the process would find it if it started now. */
async function saved(): Promise<{ state?: string; activeAtMs: number; keepFiringSinceMs?: number; evaluatedAtMs: number }> {
  const { rows } = await database.pool.query<{ alert: { state: string; activeAtMs: number; keepFiringSinceMs?: number } | null; evaluatedAtMs: number }>(
    `select state->'alerts'->0 as alert, evaluated_at_ms as "evaluatedAtMs" from alert_state where state->'alerts'->0->'labels'->>'alertname' = 'Failing'`,
  );
  return { activeAtMs: 0, ...rows[0]?.alert, evaluatedAtMs: rows[0]?.evaluatedAtMs ?? 0 };
}

/** How long its condition is known to hold while it is pending. */
async function pendingMs(): Promise<number> {
  const { state, activeAtMs, evaluatedAtMs } = await saved();
  return state === 'pending' ? evaluatedAtMs - activeAtMs : 0;
}

/** Phases of the notifications in the event log, as `phase id`. */
async function recorded(): Promise<string[]> {
  const events = await createEventLog(database.pool).read({ kinds: ['notification'] });
  return events.flatMap(({ details }) => (details.kind === 'notification' ? [`${details.phase} ${details.notificationId}`] : []));
}

/** Kills it when the step is committed and routing's decision on it is not. */
async function killBetweenCommits(step: string): Promise<void> {
  const lock = await database.pool.connect();
  try {
    await lock.query('begin');
    await lock.query('lock table alerting_group in share row exclusive mode');
    if (control.exitCode !== null || control.signalCode !== null) start();
    await expect.poll(steps, polling).toContain(step);
    await expect.poll(async () => (await database.pool.query(`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%into alerting_group %'`)).rowCount, polling).toBe(1);
    await kill();
  } finally {
    await lock.query('rollback');
    lock.release();
  }
}

/** Starts it and kills it when its message has come, before that is answered. */
async function killAtMessage(): Promise<void> {
  const before = receiver.requests.length;
  receiver.always(async () => {
    await kill();
    return { kind: 'close' };
  });
  start();
  await receiver.until(before + 1);
  await expect.poll(() => control.signalCode, polling).toBe('SIGKILL');
  receiver.always({ kind: 'reply', status: 200 });
}

const ids = (): unknown[] => receiver.requests.map(({ headers }) => headers['webhook-id']);
const statuses = (): string[] => receiver.requests.map(({ body }) => z.object({ status: z.string() }).parse(JSON.parse(body)).status);

/** When the process that runs evaluated first: its samples begin with it. */
async function firstEvaluationMs(): Promise<number> {
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent('sora_rule_group_last_evaluation_timestamp_seconds[5m]')}`, { headers: { authorization: `Bearer ${token}` } });
  const { data } = z.object({ data: z.object({ result: z.array(z.object({ values: z.array(z.tuple([z.number(), z.string()])) })) }) }).parse(await response.json());
  return Math.round((data.result[0]?.values[0]?.[0] ?? 0) * 1_000);
}

test('a control plane killed in every state of an alert forgets nothing and repeats one message a kill at most', async () => {
  start();
  values.failures = 5;
  await expect.poll(pendingMs, polling).toBeGreaterThan(0);
  await kill();
  const pending = await saved();
  expect(pending.state).toBe('pending');

  start();
  await expect.poll(async () => (await saved()).evaluatedAtMs, polling).toBeGreaterThan(pending.evaluatedAtMs);
  const firstMs = await firstEvaluationMs();
  await killBetweenCommits('pending>firing');
  expect(await recorded()).toEqual([]);
  expect(await steps()).toEqual(['inactive>pending', 'pending>firing']);
  const [, fired] = await history();
  // What was waited before the kill counts, the time it was down does not; an outage that misses no evaluation is none.
  const downMs = firstMs - pending.evaluatedAtMs;
  expect(fired?.activeAtMs).toBe(pending.activeAtMs + (downMs < 2 * intervalMs ? 0 : downMs));
  expect(fired?.atMs).toBe((fired?.activeAtMs ?? 0) + forMs);

  await killAtMessage();
  start();
  await receiver.until(2);
  const [firing = ''] = ids();
  await expect.poll(recorded, polling).toEqual([`queued ${String(firing)}`, `sent ${String(firing)}`]);
  await kill();
  expect(await saved()).toMatchObject({ state: 'firing' });

  values.failures = 0;
  start();
  await expect.poll(async () => (await saved()).keepFiringSinceMs, polling).toBeGreaterThan(0);
  await kill();
  const kept = await saved();
  expect(kept).toMatchObject({ state: 'firing' });

  await killBetweenCommits('firing>resolved');
  const [, , resolved] = await history();
  expect(resolved?.atMs).toBeGreaterThanOrEqual((kept.keepFiringSinceMs ?? Infinity) + keepFiringForMs);
  expect(await recorded()).toHaveLength(2);

  await killAtMessage();
  start();
  await receiver.until(4);
  const [, , end = ''] = ids();
  await expect.poll(recorded, polling).toContain(`sent ${String(end)}`);
  await kill();
  expect(await saved()).toMatchObject({ state: 'resolved' });

  // Whatever else there was to tell would come before this.
  values.other = 1;
  start();
  await receiver.until(5);
  const [, , , , other = ''] = ids();
  await expect.poll(recorded, polling).toEqual([firing, end, other].flatMap((id) => [`queued ${String(id)}`, `sent ${String(id)}`]));
  expect(ids()).toEqual([firing, firing, end, end, other]);
  expect(statuses()).toEqual(['firing', 'firing', 'resolved', 'resolved', 'firing']);
  expect(await steps()).toEqual(['inactive>pending', 'pending>firing', 'firing>resolved']);
  expect((await history('Other')).map(({ step }) => step)).toEqual(['inactive>firing']);
}, 180_000);
