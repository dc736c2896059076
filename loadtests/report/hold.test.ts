import { describe, expect, it } from 'vitest';
import { holdOf, lookupMetrics } from './hold.ts';
import { sampleRun } from './sample.ts';

const run = sampleRun({ unsent: 3 });
const lookup = lookupMetrics(run, holdOf(run), null);
const total = (phase: string, op?: string): number =>
  run.operations.filter((sample) => sample.phase === phase && (op === undefined || sample.op === op)).reduce((sum, sample) => sum + sample.total, 0);

describe('lookupMetrics', () => {
  it('answers the hold unless a tag names another phase, each at its own length', () => {
    expect(lookup('operations', {})).toEqual({ kind: 'counter', count: total('hold'), rate: total('hold') / 60 });
    expect(lookup('operations', { phase: 'hold' })).toEqual(lookup('operations', {}));
    expect(lookup('operations', { phase: 'ramp', op: 'feed' })).toEqual({ kind: 'counter', count: total('ramp', 'feed'), rate: total('ramp', 'feed') / 10 });
    expect(lookup('operations', { phase: 'drain', op: 'feed' })).toBeUndefined();
  });
  it('counts bytes and what was never sent', () => {
    expect(lookup('data_sent', {})).toMatchObject({ kind: 'counter', count: total('hold') * 310 });
    expect(lookup('data_received', { op: 'chat' })).toMatchObject({ kind: 'counter', count: total('hold', 'chat') * 2_100 });
    expect(lookup('operations_unsent', {})).toEqual({ kind: 'counter', count: 3, rate: 0.05 });
  });
});
