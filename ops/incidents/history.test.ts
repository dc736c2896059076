import { expect, test } from 'vitest';
import type { EventFilter, LoggedEvent } from '../core/event-log/event.ts';
import { historyMax, readHistory } from './history.ts';

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
