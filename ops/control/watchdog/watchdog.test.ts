import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createTestHost } from '../../core/test-host.ts';
import type { Outcome } from '../../alerting/notifiers/outcome.ts';
import { fileMemory } from './memory.ts';
import { notificationOf } from './telling.ts';
import type { Telling } from './watch.ts';
import { startWatchdog } from './watchdog.ts';

const folder = mkdtempSync(join(tmpdir(), 'sora-watchdog-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = (): string => join(folder, `${++files}.json`);

const limits = { afterMs: 60_000, repeatMs: 3_600_000 };

function start(outcomes: readonly Outcome[] = [], host = createTestHost(), path = newFile()) {
  const sent: Telling[] = [];
  const problems: string[] = [];
  let next = 0;
  const receiver = { name: 'webhook[0]', send: (telling: Telling): Promise<Outcome> => Promise.resolve(sent.push(telling)).then(() => outcomes[next++] ?? { kind: 'sent' }) };
  const watchdog = startWatchdog({ host, limits, receivers: [receiver], memory: fileMemory(host, path, (text) => problems.push(text)), log: () => undefined });
  return { host, watchdog, sent, problems };
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

test('one that is started anew tells the end of what its predecessor told', async () => {
  const path = newFile();
  const { host, watchdog, sent } = start([], createTestHost(), path);
  watchdog.hear({ instance: 'a', kind: 'alive' });
  watchdog.hear({ instance: 'a', kind: 'interrupted' });
  await watchdog.settled(1_000);
  watchdog.stop();
  await host.advance(7_200_000);
  const next = start([], host, path);
  await host.advance(30_000);
  next.watchdog.hear({ instance: 'b', kind: 'alive' });
  await host.advance(1_000);
  expect([...sent, ...next.sent].map(({ what, episode }) => [what, episode])).toEqual([['interrupted', 1], ['back', 1]]);
  next.watchdog.stop();
});

test('what was told and never taken is told once more by who comes next, under the same id', async () => {
  const path = newFile();
  const { host, watchdog, sent } = start([{ kind: 'retry', error: 'down', afterMs: 600_000 }], createTestHost(), path);
  await host.advance(61_000);
  watchdog.stop();
  const next = start([], host, path);
  await host.advance(1_000);
  const ids = [...sent, ...next.sent].map((telling) => notificationOf(telling, { kind: 'webhook', index: 0 }, 'watchdog').id);
  expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
  next.watchdog.stop();
  expect(start([], host, path).sent).toEqual([]);
});

test('a file that says nothing, or cannot be written, is told and stops no watchdog', async () => {
  const [host, path] = [createTestHost(), newFile()];
  host.files.writeText(path, '{"phase":');
  const { sent, problems, watchdog } = start([], host, path);
  expect(problems).toMatchObject([expect.stringContaining('cannot be read')]);
  await host.advance(61_000);
  expect(sent).toHaveLength(1);
  watchdog.stop();
  const failing = fileMemory({ files: { ...host.files, writeText: () => { throw new Error('no space'); } } }, path, (text) => problems.push(text));
  const nothing = { state: watchdog.state(), unsent: [] };
  failing.keep(nothing);
  failing.keep(nothing);
  expect(problems.filter((text) => text.includes('no space'))).toHaveLength(1);
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
