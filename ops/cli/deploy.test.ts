import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { startReceiver } from '../alerting/notifiers/fixture.ts';
import { createTestHost } from '../core/test-host.ts';
import { deploy } from './deploy.ts';

test('config tells the control plane what was configured otherwise, and says what is missing', async () => {
  await using receiver = await startReceiver();
  receiver.always({ kind: 'reply', status: 204 });
  const host = createTestHost();
  const context = { host: { ...host, process: { ...host.process, env: { SORA_CONTROL_URL: receiver.url, SORA_CONTROL_TOKEN: 't' } } }, home: '/nowhere', root: '/nowhere' } as unknown as Parameters<typeof deploy.run>[0];
  expect(await deploy.run(context, ['config', '--subject', 'gateway', '--summary', 'pool from 10 to 20'])).toBe(0);
  expect(JSON.parse(receiver.requests[0]?.body ?? '')).toEqual({ events: [{ details: { kind: 'config', subject: 'gateway', summary: 'pool from 10 to 20' } }] });
  expect(host.written.stdout).toBe('recorded gateway: pool from 10 to 20\n');
  await expect(deploy.run(context, ['config', '--subject', 'gateway'])).rejects.toThrow('sora deploy config needs --summary');
});

test('record warns of a service that the topology does not have, and of what is no commit', async () => {
  await using receiver = await startReceiver();
  receiver.always({ kind: 'reply', status: 200, body: '{"recorded":true}' });
  const host = createTestHost();
  const root = resolve(import.meta.dirname, '../..');
  const context = { host: { ...host, process: { ...host.process, env: { SORA_CONTROL_URL: receiver.url, SORA_CONTROL_TOKEN: 't' } } }, home: '/nowhere', root, topology: join(root, 'topology.json') };
  const record = (service: string, commit: string): Promise<number> => deploy.run(context, ['record', '--service', service, '--version', '1', '--commit', commit, '--committed-at', '1767268800']);
  expect(await record('api', '5ad0e1f')).toBe(0);
  expect(host.written.stderr).toBe('');
  expect(await record('apii', 'zzz')).toBe(0);
  expect(host.written.stderr).toBe('warning: the topology has no service "apii"; did you mean api?\nwarning: "zzz" does not look like a commit: 7 to 64 of 0-9 and a-f\n');
  expect(receiver.requests).toHaveLength(2);
});
