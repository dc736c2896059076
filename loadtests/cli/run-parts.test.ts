import { describe, expect, it } from 'vitest';
import { sampleFacts, sampleRun } from '../report/sample.ts';
import { buildSummary } from '../report/summary.ts';
import type { RunFacts } from '../report/summary.ts';
import type { Summary } from '../report/summary-schema.ts';
import type { RunMeasurement } from '../swarm/measurement.ts';
import { endShare } from './run-parts.ts';

const partition = { index: 0, count: 2 };
const unaudited = { acknowledgedWrites: 7, indeterminate: 0, lost: 0, duplicated: 0, unexpected: 0, usersCompared: 0, ledgerBalanced: null, differences: [], incomplete: 'not done for one share' };
const ended = (run: Partial<RunMeasurement> = {}, facts: Partial<RunFacts> = {}): Summary => {
  const measurement = { ...sampleRun(), ...run };
  return endShare(buildSummary(measurement, sampleFacts({ partition, audit: unaudited, doubts: ['one share of 2'], ...facts })), measurement);
};

describe('a share alone', () => {
  it('has no verdict, and ends well where it could be measured', () => {
    expect(ended()).toMatchObject({ verdict: 'insufficient', exitCode: 0 });
    expect(ended().reasons[0]).toBe('one share of 2');
  });
  it.each<[string, Partial<RunMeasurement>, Partial<RunFacts>, number]>([
    ['an invalid measurement', { unsent: 9 }, {}, 98],
    ['an interrupt', { interrupted: true }, {}, 105],
    ['a threshold that ended it', { aborted: 'threshold x: measured 7' }, {}, 99],
    ['a teardown that failed', { teardownFailed: 'teardown of shop threw: no such row' }, {}, 107],
  ])('does not end well with %s', (_, run, facts, exitCode) => {
    expect(ended(run, facts).exitCode).toBe(exitCode);
  });
});
