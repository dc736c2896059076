import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { createTestHost } from '../../core/test-host.ts';
import type { Outcome } from '../../alerting/notifiers/outcome.ts';
import { notificationOf } from './telling.ts';
import type { Telling } from './watch.ts';
import { startWatchdog } from './watchdog.ts';

const limits = { afterMs: 60_000, repeatMs: 3_600_000 };

function start(outcomes: readonly Outcome[] = []) {
  const host = createTestHost();
  const sent: Telling[] = [];
  let next = 0;
  const receiver = { name: 'webhook[0]', send: (telling: Telling): Promise<Outcome> => Promise.resolve(sent.push(telling)).then(() => outcomes[next++] ?? { kind: 'sent' }) };
  const watchdog = startWatchdog({ host, limits, receivers: [receiver], log: () => undefined });
  return { host, watchdog, sent };
}

test('killing the control plane is told within its limit and a second, and its return too', async () => {
  const { host, watchdog, sent } = start();
  for (let beat = 0; beat < 5; beat++) {
    watchdog.hear({ instance: 'a', kind: 'alive' });
    await host.advance(10_000);
  }
  await host.advance(49_000);
  expect(sent).toEqual([]);
  await host.advance(1_000);
  expect(sent.map(({ what }) => what)).toEqual(['silent']);
  watchdog.hear({ instance: 'b', kind: 'alive' });
  await host.advance(1_000);
  expect(sent.map(({ what }) => what)).toEqual(['silent', 'back']);
  expect(watchdog.counts).toEqual({ told: 2, undelivered: 0 });
});

test('what a receiver does not take is tried again, as long as it may', async () => {
  const { host, watchdog, sent } = start([{ kind: 'retry', error: 'down' }, { kind: 'retry', error: 'down', afterMs: 30_000 }]);
  await host.advance(61_000);
  expect(sent).toHaveLength(2);
  await host.advance(29_000);
  expect(sent).toHaveLength(2);
  await host.advance(2_000);
  expect(sent).toHaveLength(3);
  expect(watchdog.counts.undelivered).toBe(0);
  const refusing = start([{ kind: 'refused', error: 'no' }]);
  await refusing.host.advance(61_000);
  expect([refusing.sent.length, refusing.watchdog.counts.undelivered]).toEqual([1, 1]);
  const dead = start(Array.from({ length: 20 }, () => ({ kind: 'retry', error: 'down' }) as const));
  await dead.host.advance(1_800_000);
  expect([dead.sent.length, dead.watchdog.counts.undelivered]).toEqual([14, 1]);
});

test('a stop on purpose is not told', async () => {
  const { host, watchdog, sent } = start();
  watchdog.hear({ instance: 'a', kind: 'alive' });
  watchdog.hear({ instance: 'a', kind: 'stopping' });
  await host.advance(7_200_000);
  expect(sent).toEqual([]);
  await watchdog.settled(1_000);
  watchdog.stop();
});

test('each telling becomes a notification of one episode, its end a resolve', () => {
  const telling: Telling = { what: 'silent', episode: 3, lastSeenMs: 1_000, atMs: 66_000 };
  const fired = notificationOf(telling, { kind: 'webhook', index: 0 }, 'watchdog');
  const back = notificationOf({ ...telling, what: 'back', atMs: 90_000 }, { kind: 'webhook', index: 0 }, 'watchdog');
  expect(fired).toMatchObject({ status: 'firing', reason: 'new', severity: 'critical', commonAnnotations: { summary: 'the control plane has given no sign of life for 1m5s' }, alerts: [{ startsAtMs: 1_000, value: 65 }] });
  expect(back).toMatchObject({ status: 'resolved', reason: 'resolved', groupKey: fired.groupKey, alerts: [{ endsAtMs: 90_000 }] });
  expect(back.id).not.toBe(fired.id);
  expect(notificationOf({ ...telling, what: 'stopped', atMs: 90_000 }, { kind: 'webhook', index: 0 }, 'watchdog')).toMatchObject({ status: 'resolved', groupKey: fired.groupKey, commonAnnotations: { summary: 'the control plane was stopped on purpose' } });
  expect(existsSync(resolve(import.meta.dirname, '../../..', fired.commonAnnotations['runbook'] ?? ''))).toBe(true);
  expect(notificationOf(telling, { kind: 'webhook', index: 0 }, 'watchdog').id).toBe(fired.id);
});
