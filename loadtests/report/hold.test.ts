import { describe, expect, it } from 'vitest';
import { Histogram } from '../swarm/histogram.ts';
import type { TagSample } from '../swarm/measurement.ts';
import { holdOf, lookupMetrics } from './hold.ts';
import { sampleRun } from './sample.ts';

const run = sampleRun({ unsent: 3 });
const lookup = lookupMetrics(run, holdOf(run), null);
const total = (phase: string, op?: string): number =>
  run.operations.filter((sample) => sample.phase === phase && (op === undefined || sample.op === op)).reduce((sum, sample) => sum + sample.total, 0);

/** Operations tagged plan:pro, whose times are all the same. */
function tagSample({ response, ...change }: Partial<TagSample> & { readonly response: Histogram }): TagSample {
  const sparse = response.encode();
  return {
    name: 'plan', value: 'pro', op: 'feed', phase: 'hold', total: response.count, failed: 0, refused: 0, requests: 0, requestsFailed: 0, checks: 0, checksFailed: 0, bytesSent: 100, bytesReceived: 200,
    times: { response: sparse, service: sparse, poolWait: sparse, lateness: sparse }, requestDuration: sparse, failedResponse: new Uint32Array(), ...change,
  };
}

describe('lookupMetrics', () => {
  it('answers the hold unless a tag names another phase, each at its own length', () => {
    expect(lookup('operations', {})).toEqual({ kind: 'counter', count: total('hold'), rate: total('hold') / 60 });
    expect(lookup('operations', { phase: 'hold' })).toEqual(lookup('operations', {}));
    expect(lookup('operations', { phase: 'ramp', op: 'feed' })).toEqual({ kind: 'counter', count: total('ramp', 'feed'), rate: total('ramp', 'feed') / 10 });
    expect(lookup('operations', { phase: 'drain', op: 'feed' })).toBeUndefined();
  });
  it('answers by the tags that journeys set', () => {
    const response = new Histogram();
    for (const ms of [10, 20, 30, 40]) response.record(ms * 1_000);
    const tags = [tagSample({ total: 4, failed: 1, refused: 2, response, requests: 6, requestsFailed: 3, checks: 5, checksFailed: 1 })];
    const tagged = lookupMetrics(sampleRun({ tags }), holdOf(run), null);
    expect(tagged('operations', { plan: 'pro' })).toEqual({ kind: 'counter', count: 4, rate: 4 / 60 });
    expect(tagged('operation_failed', { plan: 'pro', phase: 'hold' })).toMatchObject({ rate: 0.25, count: 4 });
    expect(tagged('operation_refused', { plan: 'pro' })).toMatchObject({ rate: 0.5 });
    expect(tagged('response_time', { plan: 'pro' })).toMatchObject({ kind: 'trend', count: 4 });
    expect([tagged('response_time', { plan: 'free' }), tagged('response_time', { plan: 'pro', phase: 'ramp' }), lookup('operations', { plan: 'pro' })]).toEqual([undefined, undefined, undefined]);
  });
  it('answers by several tags where all of them were set, and by a check beside tags', () => {
    const response = new Histogram();
    const tags = [
      tagSample({ response, total: 9 }), tagSample({ name: 'plan & size', value: 'pro & big', response, total: 4, failed: 1 }),
      tagSample({ name: 'plan & (check)', value: 'pro & is fine', response, total: 0, checks: 4, checksFailed: 1 }),
    ];
    const tagged = lookupMetrics(sampleRun({ tags }), holdOf(run), null);
    expect(tagged('operations', { size: 'big', plan: 'pro' })).toMatchObject({ count: 4 });
    expect(tagged('operations', { size: 'small', plan: 'pro' })).toBeUndefined();
    expect(tagged('checks', { plan: 'pro', check: 'is fine' })).toEqual({ kind: 'rate', rate: 0.75, count: 4 });
  });
  it('answers for requests and checks by tag, and for tags by operation', () => {
    const [fast, slow] = [10, 40].map((ms) => {
      const response = new Histogram();
      for (let index = 0; index < 10; index++) response.record(ms * 1_000);
      return response;
    });
    const tags = [tagSample({ op: 'feed', response: fast!, requests: 10, requestsFailed: 1, checks: 10, checksFailed: 2 }), tagSample({ op: 'chat', response: slow!, requests: 10, requestsFailed: 4, checks: 0, checksFailed: 0 })];
    const tagged = lookupMetrics(sampleRun({ tags }), holdOf(run), null);
    expect(tagged('http_req_failed', { plan: 'pro' })).toEqual({ kind: 'rate', rate: 0.25, count: 20 });
    expect(tagged('http_req_failed', { plan: 'pro', op: 'chat' })).toEqual({ kind: 'rate', rate: 0.4, count: 10 });
    expect(tagged('http_req_duration', { plan: 'pro', op: 'feed' })).toMatchObject({ kind: 'trend', count: 10 });
    const worst = (op?: string): number => {
      const metric = tagged('service_time', { plan: 'pro', ...(op === undefined ? {} : { op }) });
      return metric?.kind === 'trend' ? Math.round(metric.max) : -1;
    };
    expect([worst(), worst('feed'), worst('chat')]).toEqual([40, 10, 40]);
    expect(tagged('data_sent', { plan: 'pro' })).toMatchObject({ count: 200 });
    expect(tagged('checks', { plan: 'pro' })).toEqual({ kind: 'rate', rate: 0.8, count: 10 });
    expect([tagged('http_reqs', { plan: 'free' }), tagged('checks', { plan: 'pro', op: 'chat' })]).toEqual([undefined, undefined]);
  });

  it('answers the share of checks that passed: all, by name, by operation', () => {
    const checks = [{ name: 'is fine', op: 'feed', phase: 'hold' as const, total: 8, failed: 2 }, { name: 'is fine', op: 'chat', phase: 'hold' as const, total: 2, failed: 2 }, { name: 'is mine', op: 'chat', phase: 'hold' as const, total: 10, failed: 0 }];
    const checked = lookupMetrics(sampleRun({ checks }), holdOf(run), null);
    expect(checked('checks', {})).toEqual({ kind: 'rate', rate: 0.8, count: 20 });
    expect(checked('checks', { check: 'is fine' })).toEqual({ kind: 'rate', rate: 0.6, count: 10 });
    expect(checked('checks', { check: 'is fine', op: 'feed' })).toEqual({ kind: 'rate', rate: 0.75, count: 8 });
    expect([checked('checks', { phase: 'ramp' }), checked('checks', { check: 'other' }), lookup('checks', {})]).toEqual([undefined, undefined, undefined]);
  });

  it('counts arrivals that waited, and names beyond their bound', () => {
    const workers = run.workers.map((worker, index) => ({ ...worker, arrivalsQueued: index + 3, namesBeyond: { operations: 1, tags: 2 + index, checks: 0 } }));
    const late = lookupMetrics(sampleRun({ workers }), holdOf(run), null);
    expect(late('arrivals_queued', {})).toEqual({ kind: 'counter', count: 7, rate: 7 / 60 });
    expect(late('names_beyond', {})).toMatchObject({ count: 7 });
    expect(late('names_beyond', { kind: 'tags' })).toMatchObject({ count: 5 });
    expect([lookup('arrivals_queued', {}), lookup('names_beyond', {})]).toEqual([undefined, { kind: 'counter', count: 0, rate: 0 }]);
  });

  it('counts bytes and what was never sent', () => {
    expect(lookup('data_sent', {})).toMatchObject({ kind: 'counter', count: total('hold') * 310 });
    expect(lookup('data_received', { op: 'chat' })).toMatchObject({ kind: 'counter', count: total('hold', 'chat') * 2_100 });
    expect(lookup('operations_unsent', {})).toEqual({ kind: 'counter', count: 3, rate: 0.05 });
  });
});
