import { expect, test } from 'vitest';
import { createTestHost } from '../core/test-host.ts';
import { Gate } from '../metricstore/http-api/gate.ts';
import type { EventFilter, LoggedEvent } from '../core/event-log/event.ts';
import { createSpanReader } from './spans.ts';
import { createScript, minuteMs, startMs } from './fixture.ts';
import { historyMax, readAround, readHistory } from './history.ts';

/** A log of that many events. */
const logOf = (count: number) => ({
  append: () => Promise.resolve(),
  read: ({ afterSequence = 0, limit = 0 }: EventFilter) => Promise.resolve(Array.from({ length: Math.min(limit, count - afterSequence) }, (_, index): LoggedEvent => ({ sequence: afterSequence + index + 1, atMs: 0, actor: 'sora', details: { kind: 'login', role: 'admin' } }))),
});

test('what is too much to read is left out from the oldest on, and said', async () => {
  const cuts: number[] = [];
  const events = await readHistory(logOf(historyMax + 7), { kinds: ['login'], fromMs: 0 }, (count) => cuts.push(count));
  expect([events.length, events[0]?.sequence, cuts]).toEqual([historyMax, 8, [7]]);
  await readHistory(logOf(historyMax), { kinds: ['login'], fromMs: 0 }, (count) => cuts.push(count));
  expect(cuts).toEqual([7]);
});

/** A log that holds these, and what it was asked for. */
function fixedLog(events: readonly LoggedEvent[]) {
  const asked: EventFilter[] = [];
  return {
    asked,
    append: () => Promise.resolve(),
    read: (filter: EventFilter) => {
      asked.push(filter);
      const { kinds, fromMs = 0, toMs = Infinity, afterSequence = 0, limit = 0 } = filter;
      return Promise.resolve(events.filter(({ sequence, atMs, details }) => sequence > afterSequence && atMs >= fromMs && atMs <= toMs && (kinds?.includes(details.kind) ?? true)).slice(0, limit));
    },
  };
}

test('what came after an incident takes nothing from its timeline but the notes', async () => {
  const script = createScript();
  script.fire(0, 'Down');
  script.end(5, 'Down');
  for (let minute = 10; minute < 300; minute++) script.fire(minute, 'Later');
  script.mark(400, 'note', 'inc-1', 'written up');
  const cuts: number[] = [];
  const incident = { startedAtMs: startMs, resolvedAtMs: startMs + 5 * minuteMs };
  const around = (one: typeof incident | { startedAtMs: number; resolvedAtMs: undefined }) => readAround(fixedLog(script.events), one, (count) => cuts.push(count));
  expect((await around(incident)).map(({ sequence }) => sequence)).toEqual([1, 2, script.events.length]);
  expect(await around({ ...incident, resolvedAtMs: undefined })).toHaveLength(script.events.length);
  expect(cuts).toEqual([]);
});

test('incidents are read once for all budgets that are asked for together, and again for a longer one, later or after a failure', async () => {
  const script = createScript();
  script.fire(0, 'Old');
  script.end(5, 'Old');
  script.fire(60, 'Down');
  const host = createTestHost(startMs + 70 * minuteMs);
  const log = fixedLog(script.events);
  let isDown = false;
  const read = createSpanReader({ host, log: { ...log, read: (filter) => (isDown ? Promise.reject(new Error('down')) : log.read(filter)) }, gate: new Gate(host), onCut: () => undefined });
  const nowMs = host.clock.nowMs();
  const ids = async (fromMs: number) => (await read(fromMs, nowMs)).map(({ id }) => id);
  expect(await Promise.all([ids(startMs - minuteMs), ids(startMs), ids(startMs + 30 * minuteMs)])).toEqual([['inc-1', 'inc-3'], ['inc-1', 'inc-3'], ['inc-3']]);
  expect(log.asked).toHaveLength(1);
  await ids(startMs - 2 * minuteMs);
  expect(log.asked).toHaveLength(2);
  await host.advance(11_000);
  isDown = true;
  await expect(ids(startMs)).rejects.toThrow('down');
  isDown = false;
  expect(await ids(startMs)).toEqual(['inc-1', 'inc-3']);
  expect(log.asked).toHaveLength(3);
});
