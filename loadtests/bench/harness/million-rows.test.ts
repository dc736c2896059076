import { describe, expect, it } from 'vitest';
import { complaintOf, standingOf } from '../../../ops/core/bench-limits.ts';
import { sampleFacts, sampleRun } from '../../report/sample.ts';
import { buildSummary } from '../../report/summary.ts';
import type { Summary } from '../../report/summary-schema.ts';
import { millionRows } from './million-rows.ts';

const sample = buildSummary(sampleRun({ users: 1_000_000, holdMs: 600_000 }), sampleFacts());
const million: Summary = {
  ...sample, verdict: 'pass', reasons: [], generator: { ...sample.generator, cpuUsPerOperation: 9, bytesPerUser: 1_200, fixedBytes: 300e6, rssBytes: 1_500e6 },
};
const standings = (run: Summary): Record<string, string> =>
  Object.fromEntries(millionRows([run]).filter(({ must }) => must !== undefined).map((row) => [`${row.name}, ${row.unit}`, standingOf(row)]));

describe('the row of a million users', () => {
  it('is the newest whole run of launch-mix with a million users over ten minutes', () => {
    const others: Summary[] = [
      { ...million, runId: 'few', users: 999_999 }, { ...million, runId: 'short', durationS: 599 }, { ...million, runId: 'other', scenario: 'hello' },
      { ...million, runId: 'foreign', generator: { ...million.generator, tool: 'k6 v2.2.0' } },
    ];
    const rows = millionRows([...others, { ...million, runId: 'newest' }, { ...million, runId: 'older' }]);
    expect(rows[0]).toMatchObject({ name: 'why it did not pass', median: 0, note: 'pass: run newest of 2026-11-21, version 0.1.0' });
    expect(rows).toContainEqual({ group: '1,000,000 users, 10 min', name: 'generator', unit: 'bytes/user, marginal', median: 1_200, low: 1_200, high: 1_200, must: { atMost: 2_000 } });
    expect(millionRows(others)).toHaveLength(1);
  });

  it('says when there is none, and how to make one', () => {
    expect(millionRows([{ ...sample, users: 10_000 }]).map(complaintOf)).toEqual([
      'not judged: 1,000,000 users, 10 min, the whole run must be at least 1.00 (runs): none of the 1 runs kept is one of launch-mix with 1,000,000 users over 10 min; npm run loadtest -- --users 1000000 --duration 600s makes one',
    ]);
  });

  it('is missed where the run did not pass, cost too much or lost a write', () => {
    expect(new Set(Object.values(standings(million)))).toEqual(new Set(['met']));
    expect(standings({ ...million, verdict: 'insufficient', reasons: [] })['why it did not pass, reasons']).toBe('missed');
    expect(standings({ ...million, generator: { ...million.generator, cpuUsPerOperation: 15.1 } })['generator, µs CPU/operation']).toBe('missed');
    expect(standings({ ...million, audit: { ...(million.audit as NonNullable<Summary['audit']>), lost: 1 } })['audit, lost and duplicated, writes']).toBe('missed');
  });

  it('is not judged by what the run does not tell', () => {
    const old = standings({ ...million, audit: null, generator: { ...million.generator, fixedBytes: undefined } });
    expect(old).toMatchObject({ 'generator, bytes/user, marginal': 'unmeasured', 'audit, lost and duplicated, writes': 'unmeasured', 'lateness, ms, p99': 'met' });
  });
});
