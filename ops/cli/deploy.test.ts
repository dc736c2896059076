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
