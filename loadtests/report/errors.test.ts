import { describe, expect, it } from 'vitest';
import type { ErrorGroup } from '../swarm/measurement.ts';
import { scenarioFaults } from './errors.ts';
import { sampleRun } from './sample.ts';

const total = sampleRun().operations.reduce((sum, sample) => sum + sample.total, 0);
const thrown = (change: Partial<ErrorGroup> = {}): ErrorGroup => ({
  kind: 'throw: TypeError', op: 'feed', count: total, firstAtMs: 5, firstMessage: "shop.ts:8:12: Cannot read properties of null (reading 'x')", ...change,
});

describe('scenarioFaults', () => {
  it('finds none in a run that was served, were some of its operations thrown', () => {
    expect(scenarioFaults(sampleRun())).toEqual([]);
  });

  it('names the line where nothing but throws happened', () => {
    const errors = [thrown({ count: total - 3 }), thrown({ op: 'chat', count: 3, firstAtMs: 2, kind: 'throw: RangeError', firstMessage: 'shop.ts:9:1: late' })];
    expect(scenarioFaults(sampleRun({ errors }))).toEqual([`scenario: all ${new Intl.NumberFormat('en').format(total)} operations ended with an error of the scenario's own, first RangeError: shop.ts:9:1: late`]);
  });

  it('blames the scenario for no throw beside other failures or beside what was done', () => {
    expect(scenarioFaults(sampleRun({ errors: [thrown({ count: total - 1 })] }))).toEqual([]);
    expect(scenarioFaults(sampleRun({ errors: [thrown({ count: total - 1 }), thrown({ kind: 'status 500', count: 1 })] }))).toEqual([]);
    // What a teardown throws is none of the operations.
    expect(scenarioFaults(sampleRun({ operations: [], errors: [thrown({ op: 'teardown', count: 1 })] }))).toEqual([]);
  });

  it('names a worker that the scenario blocks, and iterations that never ended', () => {
    const errors = [thrown({ kind: 'never ended', op: 'shop', count: 10, firstMessage: 'it waits' }), thrown({ kind: 'worker blocked', op: 'worker 1', count: 1, firstMessage: 'worker 1 is lost: silent' })];
    expect(scenarioFaults(sampleRun({ errors }))).toEqual(['scenario: worker 1 is lost: silent', 'scenario: 10 of shop never ended: it waits']);
    expect(scenarioFaults(sampleRun({ errors: [thrown({ kind: 'worker lost', op: 'worker 1', count: 1 })] }))).toEqual([]);
  });

  it('tells of users that made no request, unless the run was cut short', () => {
    const idle = { operations: [], errors: [] };
    expect(scenarioFaults(sampleRun(idle))).toEqual(['scenario: 10,000 users ran their journeys, and these made no request']);
    expect(scenarioFaults(sampleRun({ ...idle, interrupted: true }))).toEqual([]);
    expect(scenarioFaults(sampleRun({ ...idle, aborted: 'x' }))).toEqual([]);
  });
});
