import { describe, expect, it } from 'vitest';
import { Histogram } from '../swarm/histogram.ts';
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
  it('answers by the tags that journeys set, one at a time', () => {
    const response = new Histogram();
    for (const ms of [10, 20, 30, 40]) response.record(ms * 1_000);
    const tags = [{ name: 'plan', value: 'pro', phase: 'hold' as const, total: 4, failed: 1, refused: 2, response: response.encode() }];
    const tagged = lookupMetrics(sampleRun({ tags }), holdOf(run), null);
    expect(tagged('operations', { plan: 'pro' })).toEqual({ kind: 'counter', count: 4, rate: 4 / 60 });
    expect(tagged('operation_failed', { plan: 'pro', phase: 'hold' })).toMatchObject({ rate: 0.25, count: 4 });
    expect(tagged('operation_refused', { plan: 'pro' })).toMatchObject({ rate: 0.5 });
    expect(tagged('response_time', { plan: 'pro' })).toMatchObject({ kind: 'trend', count: 4 });
    expect([tagged('response_time', { plan: 'free' }), tagged('response_time', { plan: 'pro', phase: 'ramp' }), lookup('operations', { plan: 'pro' })]).toEqual([undefined, undefined, undefined]);
  });
  it('counts bytes and what was never sent', () => {
    expect(lookup('data_sent', {})).toMatchObject({ kind: 'counter', count: total('hold') * 310 });
    expect(lookup('data_received', { op: 'chat' })).toMatchObject({ kind: 'counter', count: total('hold', 'chat') * 2_100 });
    expect(lookup('operations_unsent', {})).toEqual({ kind: 'counter', count: 3, rate: 0.05 });
  });
});
