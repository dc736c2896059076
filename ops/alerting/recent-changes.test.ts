import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventDetails, EventFilter, LoggedEvent } from '../core/event-log/event.ts';
import { readRecentChanges, recentChanges, recentChangesMax, recentChangesSpanMs } from './recent-changes.ts';

const nowMs = Date.UTC(2026, 0, 1, 12);
const minute = 60_000;
let sequence = 0;
const event = (atMs: number, details: EventDetails): LoggedEvent => ({ sequence: ++sequence, atMs, actor: 'kim', details });
const deploy = (atMs: number): LoggedEvent => event(atMs, { kind: 'deploy', service: 'api', version: '1.4.2', commit: '0123456789abcdef', committedAtMs: 0, outcome: 'succeeded', rework: false });
const fault = (atMs: number, phase: 'started' | 'ended', faultId = 'f1'): LoggedEvent => event(atMs, { kind: 'fault', phase, faultId, fault: 'kill -9', target: 'postgres' });

describe('recentChanges', () => {
  test('names deploys, configuration, load runs and faults of the last 30 min, newest first', () => {
    const changes = recentChanges([
      deploy(nowMs - 31 * minute),
      deploy(nowMs - 20 * minute),
      event(nowMs - 10 * minute, { kind: 'config', subject: 'pool', summary: 'size 10 to 20' }),
      event(nowMs - 9 * minute, { kind: 'login', role: 'admin' }),
      event(nowMs - 5 * minute, { kind: 'load-run', phase: 'started', runId: 'r1', scenario: 'launch-mix', summary: '10,000 users' }),
      event(nowMs - 1 * minute, { kind: 'load-run', phase: 'renewed', runId: 'r1', scenario: 'launch-mix', summary: '10,000 users' }),
    ], nowMs);
    expect(changes.map(({ kind, text }) => [kind, text])).toEqual([
      ['load-run', 'launch-mix r1 started, still under way: 10,000 users'],
      ['config', 'pool: size 10 to 20 by kim'],
      ['deploy', 'api 1.4.2 (0123456789ab) by kim'],
    ]);
  });

  test('a fault that began earlier is named while it lasts, and no longer', () => {
    expect(recentChanges([fault(nowMs - 90 * minute, 'started')], nowMs)).toMatchObject([{ kind: 'fault', text: 'kill -9 on postgres started, still under way' }]);
    expect(recentChanges([fault(nowMs - 90 * minute, 'started'), fault(nowMs - 80 * minute, 'ended')], nowMs)).toEqual([]);
  });

  test('a load run that fell silent is not said to be under way', () => {
    const started = event(nowMs - 5 * minute, { kind: 'load-run', phase: 'started', runId: 'r1', scenario: 'launch-mix', summary: '' });
    expect(recentChanges([started], nowMs)).toMatchObject([{ text: 'launch-mix r1 started' }]);
  });

  test('a load run that began before all that was read is named by its last renewal, while it lasts', () => {
    const run = (minutesAgo: number, phase: 'renewed' | 'ended'): LoggedEvent => event(nowMs - minutesAgo * minute, { kind: 'load-run', phase, runId: 'soak', scenario: 'steady', summary: '' });
    expect(recentChanges([run(3, 'renewed'), run(1, 'renewed')], nowMs)).toMatchObject([{ atMs: nowMs - minute, text: 'steady soak started earlier, still under way' }]);
    expect(recentChanges([run(4, 'renewed')], nowMs)).toEqual([]);
    expect(recentChanges([run(2, 'renewed'), run(1, 'ended')], nowMs).map(({ text }) => text)).toEqual(['steady soak ended']);
  });

  test('the newest are read, however many there are', async () => {
    const many = Array.from({ length: 25_000 }, (_, index) => event(nowMs - 25 * minute + index, { kind: 'config', subject: 'flags', summary: String(index) }));
    const events = [fault(nowMs - 300 * minute, 'started', 'f9'), ...many, deploy(nowMs - minute)];
    const read = ({ kinds, fromMs = 0, toMs = Infinity, afterSequence = 0, limit = 10_000 }: EventFilter) =>
      Promise.resolve(events.filter((one) => one.sequence > afterSequence && one.atMs >= fromMs && one.atMs <= toMs && (kinds?.includes(one.details.kind) ?? true)).slice(0, limit));
    const changes = await readRecentChanges({ append: () => Promise.resolve(), read }, nowMs);
    expect(changes.map(({ text }) => text).slice(0, 2)).toEqual(['api 1.4.2 (0123456789ab) by kim', 'flags: 24999 by kim']);
  });

  test('whatever the log holds, changes are of the past, in order and bounded', () => {
    const anyEvent = fc.tuple(fc.integer({ min: -200, max: 20 }), fc.constantFrom('deploy', 'started', 'ended'), fc.constantFrom('a', 'b')).map(([minutes, what, id]) =>
      what === 'deploy' ? deploy(nowMs + minutes * minute) : fault(nowMs + minutes * minute, what === 'started' ? 'started' : 'ended', id));
    fc.assert(fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
      const changes = recentChanges(events, nowMs);
      expect(changes.length).toBeLessThanOrEqual(recentChangesMax);
      expect(changes.every((change) => change.atMs <= nowMs)).toBe(true);
      expect(changes.map((change) => change.atMs)).toEqual(changes.map((change) => change.atMs).toSorted((a, b) => b - a));
      expect(changes.every((change) => change.atMs > nowMs - recentChangesSpanMs || change.kind === 'fault')).toBe(true);
    }));
  });
});
