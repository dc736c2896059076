import { afterEach, beforeEach, expect, test, vi } from 'vitest';
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

const run = { runId: '20260101-000000-9f2c', scenario: 'launch-mix', summary: 'run, 10000 users', plannedMs: 600_000 };
const { plannedMs, ...told } = run;
const context = (env: Record<string, string> = { SORA_CONTROL_URL: receiver.url, SORA_CONTROL_TOKEN: 't' }) => ({ host: { ...host, process: { ...host.process, env } }, home: '/nowhere' });
const phases = (): unknown[] => receiver.requests.map(({ body }) => (JSON.parse(body) as { events: { details: { phase: string } }[] }).events[0]?.details.phase);

test('the start is told before the work and the end after it, whatever came of it', async () => {
  expect(await announced(context(), run, () => Promise.resolve(phases()))).toEqual(['started']);
  await expect(announced(context(), run, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(phases()).toEqual(['started', 'ended', 'started', 'ended']);
  expect(JSON.parse(receiver.requests[0]?.body ?? '')).toEqual({ events: [{ atMs: host.clock.nowMs(), key: 'load-run:20260101-000000-9f2c:started', details: { kind: 'load-run', phase: 'started', ...told, plannedEndMs: host.clock.nowMs() + plannedMs } }] });
});

test('while the work lasts it is told again every 30 s, and not after it', async () => {
  let end: (value: number) => void = () => undefined;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const result = announced(context(), run, () => new Promise<number>((resolve) => {
    end = resolve;
    begin();
  }));
  await begun;
  await host.advance(30_000);
  await receiver.until(2);
  await host.advance(30_000);
  await receiver.until(3);
  end(9);
  expect(await result).toBe(9);
  await host.advance(120_000);
  expect(phases()).toEqual(['started', 'renewed', 'renewed', 'ended']);
  const keys = receiver.requests.map(({ body }) => (JSON.parse(body) as { events: { key: string }[] }).events[0]?.key);
  expect(new Set(keys).size).toBe(4);
});

test('an end that could not be told is told again', async () => {
  receiver.next({ kind: 'reply', status: 204 }, { kind: 'reply', status: 503 }, { kind: 'reply', status: 503 }, { kind: 'reply', status: 204 });
  const result = announced(context(), run, () => Promise.resolve(7));
  await receiver.until(2);
  await vi.waitFor(async () => {
    await host.advance(1_000);
    expect(phases()).toEqual(['started', 'ended', 'ended', 'ended']);
  });
  expect(await result).toBe(7);
  expect(host.written.stderr).toBe('');
});

test('without a control plane nothing is said; one that refuses or hangs is a warning', async () => {
  expect(await announced(context({}), run, () => Promise.resolve(7))).toBe(7);
  expect(host.written.stderr).toBe('');
  receiver.next({ kind: 'reply', status: 403, body: '{"detail":"this needs the role operator"}' }, { kind: 'silence' });
  receiver.always({ kind: 'silence' });
  const result = announced(context(), run, () => Promise.resolve(8));
  for (const count of [2, 3, 4]) {
    await receiver.until(count);
    await host.advance(3_000);
    await vi.waitFor(() => expect(host.written.stderr).toContain('started'));
    await host.advance(2_000);
  }
  expect(await result).toBe(8);
  expect(host.written.stderr).toBe('the control plane was not told that the run has started: this needs the role operator\nthe control plane was not told that the run has ended: no reply within 3000 ms\n');
});
