import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createTestDatabase } from '../../../tests/database.ts';
import { findFreePorts } from '../../supervisor/ports.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const root = join(import.meta.dirname, '../../..');
const secret = 'heartbeat-'.padEnd(40, 'x');

function run(entry: string, env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [join(root, entry)], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, SORA_LOG_LEVEL: 'silent', SORA_STATE_DIR: '', ...env } });
  cleanups.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  });
  return child;
}

/** Stands between the control plane and its database, which falls and comes back with `isUp`. */
async function startProxy(url: string): Promise<{ readonly url: string; setUp(isUp: boolean): void }> {
  const target = new URL(url);
  const { port, hostname } = target;
  const folder = target.searchParams.get('host');
  const sockets = new Set<Socket>();
  let isUp = true;
  const server = createTcpServer((client) => {
    if (!isUp) {
      client.destroy();
      return;
    }
    const upstream = folder === null ? connect(Number(port), hostname) : connect(`${folder}/.s.PGSQL.${port}`);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  cleanups.push(() => {
    cut();
    server.close();
  });
  target.searchParams.delete('host');
  target.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: target.href,
    setUp(next) {
      isUp = next;
      if (!isUp) cut();
    },
  };
}

test('a control plane that hangs or is killed is told of by its watchdog, a process of its own', async () => {
  const told: string[] = [];
  let look = (): void => undefined;
  const until = (summary: RegExp): Promise<void> => new Promise((resolve) => {
    look = () => {
      if (told.some((text) => summary.test(text))) resolve();
    };
    look();
  });
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      told.push((JSON.parse(body) as { commonAnnotations: { summary: string } }).commonAnnotations.summary);
      response.end();
      look();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => receiver.close());
  const database = await createTestDatabase({ migrate: false });
  cleanups.push(() => database[Symbol.asyncDispose]());
  const proxy = await startProxy(database.url);
  const [watchdogPort = 0, controlPort = 0] = await findFreePorts(2);
  const heartbeats = { SORA_HEARTBEAT_SECRET: secret };
  const stateDir = mkdtempSync(join(tmpdir(), 'sora-watchdog-'));
  cleanups.push(() => rmSync(stateDir, { recursive: true }));
  const startWatchdog = (): ChildProcess => run('ops/control/watchdog/main.ts', { ...heartbeats, PORT: String(watchdogPort), SORA_STATE_DIR: stateDir, SORA_WATCHDOG_AFTER: '4s', SORA_WATCHDOG_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}` });
  const watchdog = startWatchdog();
  const startControl = (env: Record<string, string> = {}): ChildProcess => run('ops/control/main.ts', {
    ...heartbeats, ...env, PORT: String(controlPort), SORA_CONTROL_DATABASE_URL: proxy.url, SORA_WATCHDOG_URL: `http://127.0.0.1:${watchdogPort}`, SORA_HEARTBEAT_INTERVAL: '1s',
    SORA_VIEWER_TOKEN: secret, SORA_OPERATOR_TOKEN: secret, SORA_ADMIN_TOKEN: secret, SORA_ACK_SECRET: secret,
  });
  const control = startControl();
  const isReady = (port: number): Promise<number> => fetch(`http://127.0.0.1:${port}/readyz`).then(({ status }) => status, () => 0);
  await expect.poll(async () => [await isReady(watchdogPort), await isReady(controlPort)], { timeout: 40_000 }).toEqual([200, 200]);
  // One that had to wait for its control plane may have told that already.
  told.length = 0;
  // It lives and evaluates, but could tell nobody of anything.
  proxy.setUp(false);
  await until(/no sign of life for [4-9]/);
  proxy.setUp(true);
  await until(/is back after/);
  expect(control.exitCode).toBeNull();
  told.length = 0;
  control.kill('SIGSTOP');
  await until(/no sign of life for [4-9]/);
  control.kill('SIGCONT');
  await until(/is back after/);
  const gone = once(control, 'exit');
  told.length = 0;
  control.kill('SIGKILL');
  await gone;
  const other = startControl();
  await until(/is back after|died and is back/);
  told.length = 0;
  // Nothing says that the stack as a whole is stopped, as in a container that is ended: somebody must know of it.
  const ended = once(other, 'exit');
  other.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  await until(/told to end/);
  // Whoever comes after the watchdog that told it tells that it is over.
  const watchdogGone = once(watchdog, 'exit');
  watchdog.kill('SIGKILL');
  await watchdogGone;
  startWatchdog();
  await expect.poll(() => isReady(watchdogPort), { timeout: 40_000 }).toBe(200);
  const third = startControl({ SORA_STOP_IS_PLANNED: 'yes' });
  await until(/is back after/);
  told.length = 0;
  const stopped = once(third, 'exit');
  third.kill('SIGTERM');
  expect(await stopped).toEqual([0, null]);
  expect(await (await fetch(`http://127.0.0.1:${watchdogPort}/readyz`)).json()).toMatchObject({ phase: 'resting' });
  expect(told).toEqual([]);
}, 120_000);

test('a mistake in the files of receivers is the last word of both processes, and in their logs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sora-mistake-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  for (const name of ['routing.yaml', 'oncall.yaml']) copyFileSync(join(root, 'alerts', name), join(folder, name));
  const receivers = readFileSync(join(root, 'alerts/receivers.yaml'), 'utf8');
  writeFileSync(join(folder, 'receivers.yaml'), receivers.replace('kind: webhook', 'kind: webhok'));
  const database = await createTestDatabase({ migrate: false });
  cleanups.push(() => database[Symbol.asyncDispose]());
  const env = {
    ...process.env, PORT: '0', SORA_STATE_DIR: folder, SORA_LOG_DIR: folder, SORA_ALERT_ROUTING: join(folder, 'routing.yaml'), SORA_ALERT_ONCALL: join(folder, 'oncall.yaml'),
    SORA_CONTROL_DATABASE_URL: database.url, SORA_HEARTBEAT_SECRET: secret, SORA_VIEWER_TOKEN: secret, SORA_OPERATOR_TOKEN: secret, SORA_ADMIN_TOKEN: secret, SORA_ACK_SECRET: secret,
  };
  for (const [service, entry] of [['watchdog', 'ops/control/watchdog/main.ts'], ['control', 'ops/control/main.ts']] as const) {
    const child = spawn(process.execPath, [join(root, entry)], { stdio: ['ignore', 'ignore', 'pipe'], env });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, 'close')).toEqual([104, null]);
    expect(said).toContain('kind: must be one of slack');
    expect(said).not.toContain('sonic');
    expect(readFileSync(join(folder, `${service}.log`), 'utf8')).toContain('could not start');
  }
}, 60_000);
