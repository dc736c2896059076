import { expect, test } from 'vitest';
import type { RuleHealth } from '../alerting/alert.ts';
import { findProblem } from './working.ts';

const group = (evaluatedAtMs: number | undefined, ...healths: RuleHealth[]) => ({ intervalMs: 15_000, evaluatedAtMs, rules: healths.map((health) => ({ state: { health, error: health === 'error' ? 'no route' : undefined } })) });

test('it works while any group was evaluated lately and at most half of the rules fail', () => {
  expect(findProblem([], 0, 1e9)).toBeUndefined();
  expect(findProblem([group(undefined, 'unknown')], 1_000, 61_000)).toBeUndefined();
  expect(findProblem([group(undefined, 'unknown')], 1_000, 61_001)).toBe('no rule was evaluated for 60 s');
  expect(findProblem([group(5_000, 'ok'), group(90_000, 'error', 'no-data')], 0, 150_000)).toBeUndefined();
  expect(findProblem([group(90_000, 'ok'), group(90_000, 'error', 'error')], 0, 100_000)).toBe('2 of 3 rules fail, the first with: no route');
  // What is left of groups that are no longer loaded is never evaluated.
  expect(findProblem([group(undefined), group(90_000, 'ok')], 0, 100_000)).toBeUndefined();
});
