import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exitCodes, SoraError } from '../../ops/core/error.ts';
import type { Metric, MetricLookup } from './metrics.ts';
import { evaluateThreshold, parseThreshold, parseThresholdFlag, parseThresholds } from './thresholds.ts';

/** 1, 2, … 1000 ms. */
const times: Metric = {
  kind: 'trend', count: 1000, avg: 500.5, min: 1, max: 1000, quantile: (ratio) => Math.max(1, Math.ceil(ratio * 1000)),
};
const lookup: MetricLookup = (name, tags) => {
  if (name === 'response_time') return tags['op'] === 'none' ? undefined : times;
  if (name === 'http_req_failed') return { kind: 'rate', rate: 0.001, count: 1000 };
  if (name === 'http_reqs') return { kind: 'counter', count: 1000, rate: 50 };
  if (name === 'operation_failed') return { kind: 'rate', rate: 0, count: 0 };
  return undefined;
};
const judge = (metric: string, text: string): boolean | null => evaluateThreshold(parseThreshold(metric, text), lookup).ok;

describe('parseThreshold', () => {
  it.each([
    ['response_time', 'p(95)<500', { aggregation: 'p', percentile: 95, operator: '<', limit: 500 }],
    ['response_time{op:feed}', ' p( 99.9 ) <= 1e3 ', { aggregation: 'p', percentile: 99.9, operator: '<=', limit: 1000 }],
    ['http_req_failed', 'rate<0.001', { aggregation: 'rate', operator: '<', limit: 0.001 }],
    ['audit_lost', 'count<1', { aggregation: 'count', operator: '<', limit: 1 }],
    ['data_received{phase:ramp, op:"feed"}', 'rate>1', { tags: { phase: 'ramp', op: 'feed' }, aggregation: 'rate', limit: 1 }],
    ['operation_failed{plan:pro,phase:ramp}', 'rate<1', { tags: { plan: 'pro', phase: 'ramp' } }],
    ['http_req_duration{shop:north}', 'p(95)<9', { tags: { shop: 'north' } }],
    ['pool_wait{op:feed,plan:pro}', 'avg<1', { tags: { op: 'feed', plan: 'pro' } }],
    ["checks{check:'is it there, and: ours',op:feed}", 'rate>0.99', { metric: 'checks', tags: { check: 'is it there, and: ours', op: 'feed' } }],
    ["checks{ check: the user's own , phase:ramp,}", 'rate==1', { tags: { check: "the user's own", phase: 'ramp' } }],
    ['http_req_duration{group:::login}', 'p(95)<9', { tags: { op: 'login' } }],
    ["http_req_failed{group:'::pay, then: go',phase:hold}", 'rate<1', { tags: { op: 'pay, then: go', phase: 'hold' } }],
    ['checks{group:login}', 'rate>0.9', { tags: { op: 'login' } }],
    ['arrivals_queued', 'count<1', { metric: 'arrivals_queued' }],
    ['names_beyond{kind:tags}', 'count<1', { tags: { kind: 'tags' } }],
    ['http_req_duration', 'med === 2', { aggregation: 'med', operator: '===', limit: 2 }],
  ])('reads %s: %s', (metric, text, expected) => {
    expect(parseThreshold(metric, text)).toMatchObject(expected);
  });

  it.each([
    ['response_time', 'p(95)<', 'position 7'],
    ['response_time', 'p95<500', 'position 1'],
    ['response_time', 'p(95)=500', 'position 6'],
    ['response_time', 'p(95)<500ms', 'position 7'],
    ['response_time', 'p(101)<5', 'percentile from 0 to 100'],
    ['response_time', '', 'position 1'],
    ['response_time', 'rate<1', 'is a trend and has no rate'],
    ['http_req_failed', 'p(95)<1', 'is a rate and has no p'],
    ['http_req_failed{a b:500}', 'rate<1', 'not a tag'],
    ['response_time{phase:warmup}', 'p(95)<1', 'there is no phase "warmup"'],
    ['users{op:feed}', 'value>1', 'not a tag'],
    ['users{plan:pro}', 'value>1', 'not a tag'],
    ['names_beyond{kind:users}', 'count<1', 'there is no kind "users"'],
    ['response_time{op:feed,group:::feed}', 'avg>1', 'op is given twice, and group is another name of it'],
    ['response_time{op:a,op:b}', 'avg>1', 'op is given twice'],
    ['users{group:::feed}', 'value>1', 'not a tag'],
    ['respons_time', 'p(95)<1', 'respons_time'],
    ['response_time{op:feed', 'p(95)<1', 'malformed'],
  ])('refuses %s: %s, naming the place', (metric, text, part) => {
    try {
      parseThreshold(metric, text);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(SoraError);
      expect((error as SoraError).message).toContain(part);
      expect((error as SoraError).exitCode).toBe(exitCodes.invalidConfig);
      expect((error as SoraError).hint).toBeTruthy();
    }
  });

  it('suggests the nearest metric', () => {
    expect(() => parseThreshold('respons_time', 'p(95)<1')).toThrow(expect.objectContaining({ hint: expect.stringContaining('response_time?') }));
  });

  it('never throws anything but a SoraError, and finds what it accepts in the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(text).toContain(parseThreshold('response_time', text).operator);
        } catch (error) {
          expect(error).toBeInstanceOf(SoraError);
        }
      }),
    );
  });
});

describe('parseThresholdFlag', () => {
  it('splits at the colon outside the braces', () => {
    expect(parseThresholdFlag('response_time{op:feed}: p(95)<500')).toMatchObject({ metric: 'response_time', tags: { op: 'feed' }, limit: 500 });
  });
  it.each(['response_time{op:feed}', 'p(95)<500', ''])('refuses %j', (text) => {
    expect(() => parseThresholdFlag(text)).toThrow(/malformed/);
  });
});

describe('what a mistake is said to be', () => {
  const said = (flag: string): string => {
    try {
      parseThresholdFlag(flag);
      return '';
    } catch (error) {
      return `${(error as SoraError).message}; ${(error as SoraError).hint}`;
    }
  };
  it('is where the colon is missing', () => {
    expect(said('response_time p(95)<500')).toContain('at position 14: expected a colon and an expression after response_time');
    expect(said('response_time{op:feed} p(95)<500')).toContain('at position 23: expected a colon and an expression after response_time{op:feed}');
    expect(said('p(95)<500')).toContain('expected a colon and an expression after p');
  });
  it('is a comma without quotes, within which it belongs to the value', () => {
    expect(said('http_req_duration{role:admin, chief}: p(95)<9')).toMatch(/"chief" is not a tag.*its tags are .* and what journeys tag, such as plan; a value with a comma in it needs quotes/);
    expect(parseThresholdFlag('http_req_duration{role:"admin, chief"}: p(95)<9').tags).toEqual({ role: 'admin, chief' });
  });
});

describe('parseThresholds', () => {
  it('collects every error and keeps what is right', () => {
    const errors: SoraError[] = [];
    const parsed = parseThresholds({ response_time: ['p(95)<500', 'nonsense'], other: ['avg<1'] }, (error) => errors.push(error));
    expect(parsed.map((threshold) => threshold.expression)).toEqual(['response_time: p(95)<500']);
    expect(errors).toHaveLength(2);
  });
  it('reads the form that ends a run, and says when its delay is wrong', () => {
    const errors: SoraError[] = [];
    const rules = [{ threshold: 'p(95)<500', abortOnFail: true, delayAbortEval: '1m30s' }, { threshold: 'avg<9', abortOnFail: false }, { threshold: 'max<9', abortOnFail: true, delayAbortEval: 'soon' }];
    const parsed = parseThresholds({ response_time: rules }, (error) => errors.push(error));
    expect(parsed.map(({ expression, abort }) => [expression, abort])).toEqual([['response_time: p(95)<500', { delayMs: 90_000 }], ['response_time: avg<9', undefined]]);
    expect(errors.map(({ message }) => message)).toEqual(['threshold "response_time: max<9": delayAbortEval "soon" is not a duration']);
  });
});

describe('evaluateThreshold', () => {
  it.each([
    ['response_time', 'p(95)<951', true],
    ['response_time', 'p(95)<950', false],
    ['response_time', 'p(95)<=950', true],
    ['response_time', 'avg>500', true],
    ['response_time', 'max>=1000', true],
    ['response_time', 'min==1', true],
    ['response_time', 'med!=500', false],
    ['http_req_failed', 'rate<0.001', false],
    ['http_reqs', 'rate>49', true],
    ['http_reqs', 'count<1', false],
  ])('%s: %s is %s', (metric, text, ok) => {
    expect(judge(metric, text)).toBe(ok);
  });
  it('is null where nothing was measured', () => {
    expect(judge('response_time{op:none}', 'p(95)<500')).toBeNull();
    expect(judge('operation_failed', 'rate<0.1')).toBeNull();
    expect(judge('audit_lost', 'count<1')).toBeNull();
  });
});
