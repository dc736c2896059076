import { afterEach, beforeEach, expect, test } from 'vitest';
import { startReceiver } from '../alerting/notifiers/fixture.ts';
import type { Receiver } from '../alerting/notifiers/fixture.ts';
import { createTestHost } from '../core/test-host.ts';
import type { TestHost } from '../core/test-host.ts';
import { announced } from './announce.ts';

let receiver: Receiver;
let host: TestHost;
beforeEach(async () => {
  receiver = await startReceiver();
  receiver.always({ kind: 'reply', status: 204 });
  host = createTestHost();
});
afterEach(() => receiver[Symbol.asyncDispose]());

const run = { runId: '20260101-000000-9f2c', scenario: 'launch-mix', summary: 'run, 10000 users' };
const context = (env: Record<string, string> = { SORA_CONTROL_URL: receiver.url, SORA_CONTROL_TOKEN: 't' }) => ({ host: { ...host, process: { ...host.process, env } }, home: '/nowhere' });
const phases = (): unknown[] => receiver.requests.map(({ body }) => (JSON.parse(body) as { events: { details: { phase: string } }[] }).events[0]?.details.phase);

test('the start is told before the work and the end after it, whatever came of it', async () => {
  expect(await announced(context(), run, () => Promise.resolve(phases()))).toEqual(['started']);
  await expect(announced(context(), run, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(phases()).toEqual(['started', 'ended', 'started', 'ended']);
  expect(JSON.parse(receiver.requests[0]?.body ?? '')).toEqual({ events: [{ atMs: host.clock.nowMs(), key: 'load-run:20260101-000000-9f2c:started', details: { kind: 'load-run', phase: 'started', ...run } }] });
});

test('without a control plane nothing is said; one that refuses or hangs is a warning', async () => {
  expect(await announced(context({}), run, () => Promise.resolve(7))).toBe(7);
  expect(host.written.stderr).toBe('');
  receiver.next({ kind: 'reply', status: 403, body: '{"detail":"this needs the role operator"}' }, { kind: 'silence' });
  const result = announced(context(), run, () => Promise.resolve(8));
  await receiver.until(2);
  await host.advance(3_000);
  expect(await result).toBe(8);
  expect(host.written.stderr).toBe('the control plane was not told that the run has started: this needs the role operator\nthe control plane was not told that the run has ended: no reply within 3000 ms\n');
});
