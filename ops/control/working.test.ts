import { expect, test } from 'vitest';
import type { RuleHealth } from '../alerting/alert.ts';
import { findProblem } from './working.ts';
import type { Observation } from './working.ts';

const group = (evaluatedAtMs: number | undefined, ...healths: RuleHealth[]) => ({ group: { name: 'slow' }, intervalMs: 15_000, evaluatedAtMs, rules: healths.map((health) => ({ state: { health, error: health === 'error' ? 'no route' : undefined } })) });

type Groups = Observation['groups'];
const limits = { sinceMs: 0, patienceMs: 30_000 };
const find = (groups: Groups, nowMs: number, rest: Partial<Observation & typeof limits> = {}) =>
  findProblem({ groups, unsavedSinceMs: undefined, undecidedSinceMs: undefined, unpostedSinceMs: undefined, outboxReadAtMs: nowMs, ...rest }, { ...limits, ...rest }, nowMs);

test('it works while every group was evaluated lately and at most half of the rules fail', () => {
  expect(find([], 1e9)).toBeUndefined();
  expect(find([group(undefined, 'unknown')], 61_000, { sinceMs: 1_000 })).toBeUndefined();
  expect(find([group(undefined, 'unknown')], 61_001, { sinceMs: 1_000 })).toBe('no rule of the group slow was evaluated for 60 s');
  expect(find([group(95_000, 'ok'), group(90_000, 'error', 'no-data')], 150_000)).toBeUndefined();
  // One that hangs is not hidden by others, nor is one with a long interval late before its time.
  expect(find([group(5_000, 'ok'), group(140_000, 'ok')], 150_000)).toBe('no rule of the group slow was evaluated for 145 s');
  expect(find([{ ...group(5_000, 'ok'), intervalMs: 60_000 }, group(140_000, 'ok')], 150_000)).toBeUndefined();
  expect(find([{ ...group(5_000, 'ok'), intervalMs: 1_000 }], 35_000)).toBeUndefined();
  expect(find([group(90_000, 'ok'), group(90_000, 'error', 'error')], 100_000)).toBe('2 of 3 rules fail, the first with: no route');
  // What is left of groups that are no longer loaded is never evaluated.
  expect(find([group(undefined), group(90_000, 'ok')], 100_000)).toBeUndefined();
});

test('it does not while nothing that fires could be told', () => {
  const groups = [group(100_000, 'ok')];
  expect(find(groups, 100_000, { outboxReadAtMs: 70_000, unsavedSinceMs: 70_000, undecidedSinceMs: 70_000, unpostedSinceMs: 70_000 })).toBeUndefined();
  expect(find(groups, 100_000, { outboxReadAtMs: 69_999 })).toBe('the outbox could not be read for 30 s');
  expect(find(groups, 100_000, { outboxReadAtMs: undefined, sinceMs: 60_000 })).toBe('the outbox could not be read for 40 s');
  expect(find(groups, 100_000, { undecidedSinceMs: 60_000 })).toBe('nothing could be routed for 40 s');
  expect(find(groups, 100_000, { unpostedSinceMs: 60_000 })).toBe('Alertmanager has taken no alerts for 40 s');
  expect(find(groups, 100_000, { unsavedSinceMs: 60_000 })).toBe('the state of alerts could not be saved for 40 s');
});
