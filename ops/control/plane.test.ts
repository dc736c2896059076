import { createServer } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client } from 'pg';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { createTestDatabase } from '../../tests/database.ts';
import type { TestDatabase } from '../../tests/database.ts';
import type { Host } from '../core/host.ts';
import { createNodeHost } from '../core/node-host.ts';
import { findFreePorts } from '../supervisor/ports.ts';
import { createTelemetry } from '../telemetry/telemetry.ts';
import { controlClient } from './client.ts';
import { readControlEnvironment } from './environment.ts';
import { startPlane } from './plane.ts';
import type { Plane } from './plane.ts';
import { readAlertSettings } from './settings.ts';

const secret = (name: string): string => name.padEnd(40, '.');
const root = resolve(import.meta.dirname, '../..');
const cleanups: (() => unknown)[] = [];
let database: TestDatabase;
let host: Host;
let failures = 0;
/** What the receiver was sent, and who waits for more. */
const received: { status: string; message: string; ackUrl: string }[] = [];
let look = (): void => undefined;

async function serve(handle: (body: string) => string): Promise<number> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => response.writeHead(200, { 'content-type': 'text/plain' }).end(handle(body)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A way to a database that can be made to carry nothing, as where its server hangs or its machine has vanished. */
async function freezable(url: string): Promise<{ readonly url: string; freeze(): void; thaw(): void }> {
  const { host: address, port, user = '', password, database: name = '' } = new Client(url);
  const held: (() => void)[] = [];
  const sockets = new Set<Socket>();
  let isFrozen = false;
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    const carry = (work: () => void): void => void (isFrozen ? held.push(work) : work());
    from.on('data', (chunk: Buffer) => carry(() => void to.write(chunk)));
    from.on('error', () => undefined).on('close', () => carry(() => void to.destroy()));
  };
  const server = createTcpServer((near) => {
    const far = address.startsWith('/') ? connect(`${address}/.s.PGSQL.${port}`) : connect(port, address);
    join(near, far);
    join(far, near);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password ?? '')}@127.0.0.1:${(server.address() as AddressInfo).port}/${name}`,
    freeze: () => void (isFrozen = true),
    thaw() {
      isFrozen = false;
      for (const work of held.splice(0)) work();
    },
  };
}

/** The message after those that came before it was asked for. */
function message(index: number): Promise<(typeof received)[number]> {
  return new Promise((done) => {
    look = () => {
      const found = received[index];
      if (found !== undefined) done(found);
    };
    look();
  });
}

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sora-plane-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const target = await serve(() => `# TYPE fixture_failures gauge\nfixture_failures ${failures}\n`);
  const receiver = await serve((body) => {
    received.push({ status: (JSON.parse(body) as { status: string }).status, message: body, ackUrl: /"(http:[^"]*\/ack\/[^"]*)"/.exec(body)?.[1] ?? '' });
    look();
    return '';
  });
  const [port = 0] = await findFreePorts(1);
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  write('receivers.yaml', 'receivers: {}\n');
  database = await createTestDatabase({ migrate: false });
  const real = createNodeHost();
  const env = {
    PORT: String(port), SORA_CONTROL_DATABASE_URL: database.url, SORA_SCRAPE_INTERVAL: '1s', SORA_EVALUATION_INTERVAL: '1s',
    SORA_VIEWER_TOKEN: secret('viewer'), SORA_OPERATOR_TOKEN: secret('operator'), SORA_ADMIN_TOKEN: secret('admin'), SORA_ACK_SECRET: secret('ack'), SORA_HEARTBEAT_SECRET: secret('heartbeat'),
    SORA_TOPOLOGY: write('topology.json', JSON.stringify({ version: 1, ports: { web: target }, processes: [{ name: 'web', kind: 'api', runtime: 'node', entry: 'x.ts', port: 'web', readiness: { kind: 'http', path: '/', timeoutMs: 1_000 } }] })),
    SORA_ALERT_RULES: write('rules.yaml', 'groups: [{ name: g, rules: [{ alert: TooMany, expr: fixture_failures > 3, labels: { severity: critical, service: web }, annotations: { summary: "{{ $value }} failures", runbook: runbooks/x.md } }] }]\n'),
    SORA_ALERT_ROUTING: write('routing.yaml', `route: { receiver: all, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 4h }\nreceivers: [{ name: all, webhook_configs: [{ url: "http://127.0.0.1:${receiver}/" }] }]\n`),
    SORA_ALERT_ONCALL: write('oncall.yaml', 'people: {}\nschedules: {}\npolicies: {}\n'),
    SORA_CONTROL_URL: `http://127.0.0.1:${port}`, SORA_CONTROL_TOKEN: secret('operator'),
  };
  host = { ...real, process: { ...real.process, env } };
});
afterAll(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  await database[Symbol.asyncDispose]();
});

async function start(env: Record<string, string> = {}, log: Logger = createTelemetry(host, { service: 'control', level: 'silent' }).log): Promise<Plane> {
  const own = { ...host, process: { ...host.process, env: { ...host.process.env, ...env } } };
  return startPlane({ host, root, env: readControlEnvironment(own), settings: await readAlertSettings(own, root), log, metrics: new Registry() });
}

test('a condition becomes a message, is acknowledged by its link, outlives a restart, and its end is told', async () => {
  const client = controlClient({ host, home: '/' });
  let plane = await start();
  failures = 5;
  const fired = await message(0);
  expect(fired).toMatchObject({ status: 'firing', message: expect.stringContaining('5 failures') as string });
  const queried = await client.get('/api/v1/query?query=ALERTS', z.object({ data: z.object({ result: z.array(z.object({ metric: z.record(z.string(), z.string()) })) }) }));
  expect(queried.data.result[0]?.metric).toMatchObject({ alertname: 'TooMany', alertstate: 'firing' });
  expect((await client.get('/api/v1/rules', z.object({ data: z.object({ groups: z.array(z.object({ rules: z.array(z.object({ state: z.string() })) })) }) }))).data.groups[0]?.rules[0]?.state).toBe('firing');

  const page = await (await fetch(fired.ackUrl)).text();
  const fingerprints = /name="fingerprints" value="([^"]*)"/.exec(page)?.[1] ?? '';
  expect((await fetch(fired.ackUrl, { method: 'POST', body: new URLSearchParams({ by: 'Ada', fingerprints }) })).status).toBe(200);
  const kinds = async (kind: string): Promise<string[]> => (await client.get(`/api/sora/v1/events?kind=${kind}`, z.object({ events: z.array(z.object({ actor: z.string() })) }))).events.map(({ actor }) => actor);
  expect(await kinds('ack')).toEqual(['Ada']);

  await plane.stop(true);
  plane = await start();
  await client.post('/api/sora/v1/events', { events: [{ details: { kind: 'config', subject: 'web', summary: 'mended' } }] }, z.unknown());
  failures = 0;
  // Straight from firing to resolved: the restart told nothing anew.
  expect((await message(1)).status).toBe('resolved');
  expect(received).toHaveLength(2);
  const ahead = { kind: 'load-run', phase: 'started', runId: 'r', scenario: 's', summary: '' };
  await expect(client.post('/api/sora/v1/events', { events: [{ atMs: Date.now() + 3_600_000, details: ahead }] }, z.unknown())).rejects.toMatchObject({ message: expect.stringContaining('ahead of the control plane') as string, exitCode: 104 });
  await expect(client.post('/api/sora/v1/events', { events: [{ details: { kind: 'login', role: 'admin' } }] }, z.unknown())).rejects.toMatchObject({ message: expect.stringContaining('of these kinds only') as string, exitCode: 104 });
  const readMetrics = async (): Promise<string[]> => (await (await fetch(`${plane.url}/metrics`)).text()).split('\n').map((line) => line.replace(/ [^ ]*$/, (value) => (line.startsWith('sora_notifications') ? value : '')));
  // Sent is not yet recorded as sent.
  await expect.poll(readMetrics).toContain('sora_notifications_total{outcome="sent",integration="webhook",severity="critical"} 2');
  expect(await readMetrics()).toEqual(expect.arrayContaining(['sora_disk_free_bytes{volume="state"}', 'sora_store_samples_total', 'sora_rule_evaluations_total', 'sora_rule_evaluation_failures_total', 'sora_heartbeats_total{outcome="sent"}', 'process_cold_start_seconds']));
  expect((await fetch(`${plane.url}/readyz`)).status).toBe(200);
  // The address that messages name.
  const shown = await fetch(plane.url, { headers: { accept: 'text/html,*/*;q=0.8' } });
  expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(await shown.text()).toContain('npx sora alerts ls');
  expect((await fetch(plane.url)).headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect((await fetch(`${plane.url}/nothing`)).status).toBe(404);
  expect((await fetch(`${plane.url}/api/v1/query?query=up`)).status).toBe(401);

  // A second one on the same database changes nothing of the first: it waits, unready, and takes over when that ends.
  const [port = 0] = await findFreePorts(1);
  const second = start({ PORT: String(port) });
  const readyz = (): Promise<number> => fetch(`http://127.0.0.1:${port}/readyz`).then(({ status }) => status, () => 0);
  await expect.poll(readyz).toBe(503);
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  expect((await fetch(`${plane.url}/readyz`)).status).toBe(200);
  await plane.stop(true);
  const other = await second;
  expect(await readyz()).toBe(200);
  await other.stop(true);
}, 60_000);

test('with an Alertmanager that is away no heartbeat goes out, so that the watchdog tells what nobody else can', async () => {
  let posted = '';
  const alertmanager = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => (posted += chunk.toString()));
    request.on('end', () => response.end('{}'));
  });
  await new Promise<void>((done) => alertmanager.listen(0, '127.0.0.1', done));
  failures = 7;
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
  const plane = await start({ ALERTMANAGER_URL: `http://127.0.0.1:${(alertmanager.address() as AddressInfo).port}`, SORA_HEARTBEAT_INTERVAL: '1s' }, log);
  await expect.poll(() => posted, { timeout: 20_000 }).toContain('7 failures');
  alertmanager.closeAllConnections();
  alertmanager.close();
  // That the condition ends is posted at once, and not taken.
  failures = 0;
  await expect.poll(() => lines.join(''), { timeout: 20_000 }).toContain('no heartbeat: Alertmanager has taken no alerts for');
  await plane.stop(true);
}, 60_000);

test('with a database that takes what it is sent and answers nothing rules are evaluated on, and are told of when it answers', async () => {
  const way = await freezable(database.url);
  const plane = await start({ SORA_CONTROL_DATABASE_URL: way.url });
  const client = controlClient({ host, home: '/' });
  const firing = async (): Promise<string[]> => (await client.get('/api/v1/alerts', z.object({ data: z.object({ alerts: z.array(z.object({ state: z.string(), annotations: z.object({ summary: z.string() }) })) }) }))).data.alerts.map(({ state, annotations }) => `${state} ${annotations.summary}`);
  expect(await firing()).toEqual([]);
  way.freeze();
  for (failures = 8; failures < 11; failures++) await expect.poll(firing, { timeout: 10_000 }).toEqual([`firing ${failures} failures`]);
  const before = received.length;
  way.thaw();
  await expect.poll(() => received.slice(before).map(({ status, message: body }) => `${status} ${/\d+ failures/.exec(body)?.[0]}`), { timeout: 30_000 }).toEqual(['firing 8 failures']);
  failures = 0;
  await plane.stop(true);
}, 90_000);
