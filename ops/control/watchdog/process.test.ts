import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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
  const [watchdogPort = 0, controlPort = 0] = await findFreePorts(2);
  const heartbeats = { SORA_HEARTBEAT_SECRET: secret };
  run('ops/control/watchdog/main.ts', { ...heartbeats, PORT: String(watchdogPort), SORA_WATCHDOG_AFTER: '2s', SORA_WATCHDOG_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}` });
  const startControl = (env: Record<string, string> = {}): ChildProcess => run('ops/control/main.ts', {
    ...heartbeats, ...env, PORT: String(controlPort), SORA_CONTROL_DATABASE_URL: database.url, SORA_WATCHDOG_URL: `http://127.0.0.1:${watchdogPort}`, SORA_HEARTBEAT_INTERVAL: '1s',
    SORA_VIEWER_TOKEN: secret, SORA_OPERATOR_TOKEN: secret, SORA_ADMIN_TOKEN: secret, SORA_ACK_SECRET: secret,
  });
  const control = startControl();
  const isReady = (port: number): Promise<number> => fetch(`http://127.0.0.1:${port}/readyz`).then(({ status }) => status, () => 0);
  await expect.poll(async () => [await isReady(watchdogPort), await isReady(controlPort)], { timeout: 20_000 }).toEqual([200, 200]);
  // One that had to wait for its control plane may have told that already.
  told.length = 0;
  control.kill('SIGSTOP');
  await until(/no sign of life for [2-9]/);
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
  const third = startControl({ SORA_STOP_IS_PLANNED: 'yes' });
  await until(/is back after/);
  told.length = 0;
  const stopped = once(third, 'exit');
  third.kill('SIGTERM');
  expect(await stopped).toEqual([0, null]);
  expect(await (await fetch(`http://127.0.0.1:${watchdogPort}/readyz`)).json()).toMatchObject({ phase: 'resting' });
  expect(told).toEqual([]);
}, 60_000);
