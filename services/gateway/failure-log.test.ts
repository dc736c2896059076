import { expect, test } from 'vitest';
import { FailureLog } from './failure-log.ts';

function open(): { failures: FailureLog; lines: Record<string, unknown>[]; report: (code: string, nowMs: number) => void } {
  const lines: Record<string, unknown>[] = [];
  const failures = new FailureLog({ warn: (fields) => void lines.push(fields as Record<string, unknown>) });
  const report = (code: string, nowMs: number): void =>
    failures.report({ correlationId: `id-${nowMs}`, code, status: 503, method: 'GET', detail: 'why' }, nowMs);
  return { failures, lines, report };
}

test('ten lines a code in five seconds, then one with the number left out', () => {
  const { failures, lines, report } = open();
  for (let count = 0; count < 1_000; count++) report('overloaded', 100 + count);
  report('bad_upstream', 1_100);
  expect(lines).toHaveLength(11);
  expect(lines[0]).toEqual({ correlationId: 'id-100', code: 'overloaded', status: 503, method: 'GET', detail: 'why' });
  failures.endWindows(5_099);
  expect(lines).toHaveLength(11);
  failures.endWindows(5_100);
  expect(lines.slice(11)).toEqual([{ code: 'overloaded', suppressed: 990, windowMs: 5_000 }]);
  failures.endWindows(Infinity);
  expect(lines).toHaveLength(12);
});

test('a new window starts with what the last one left out', () => {
  const { lines, report } = open();
  for (let count = 0; count < 12; count++) report('no_upstream', 0);
  report('no_upstream', 5_000);
  expect(lines.slice(10)).toMatchObject([{ suppressed: 2 }, { correlationId: 'id-5000' }]);
});
