import { describe, expect, it } from 'vitest';
import { sampleFacts, sampleRun } from '../sample.ts';
import { buildSummary } from '../summary.ts';
import { parseThresholdFlag } from '../thresholds.ts';
import { k6TagWarnings, seenInstead } from './k6-tags.ts';

const [sample] = sampleRun().operations;
if (sample === undefined) throw new Error('the sample run has operations');
const tagged = (name: string, value: string) => ({ ...sample, name, value, checks: 0, checksFailed: 0 });

describe('k6TagWarnings', () => {
  it('speaks of the tags that k6 sets itself, and of no other', () => {
    const thresholds = ['http_req_duration{status:200}: p(95)<9', 'http_req_failed{plan:pro}: rate<1', 'response_time{group:::feed}: avg<9', 'checks{check:fine}: rate>0.9', 'http_reqs: count>1'].map(parseThresholdFlag);
    expect(k6TagWarnings(thresholds)).toEqual([expect.stringContaining('warning: threshold "http_req_duration{status:200}: p(95)<9": k6 sets status itself')]);
    expect(k6TagWarnings([parseThresholdFlag('http_req_duration{expected_response:true}: p(95)<9')])).toHaveLength(1);
  });
});

describe('seenInstead', () => {
  it('lists what was seen of the kind that was looked for', () => {
    const run = sampleRun({ tags: [tagged('shop', 'north'), tagged('shop', 'north'), tagged('plan', 'pro')], checks: [{ name: 'it is open', op: 'feed', phase: 'hold', total: 1, failed: 0 }] });
    const seenFor = (flag: string): string | undefined => seenInstead(parseThresholdFlag(flag), run);
    expect(seenFor('http_req_duration{status:200}: p(95)<9')).toBe('tags seen: shop:north, plan:pro');
    expect(seenFor('response_time{group:::feeed}: avg<9')).toBe('operations seen: feed, profile, like, chat, ai, payment');
    expect(seenFor('checks{check:is it open}: rate>0.9')).toBe('checks seen: it is open');
    expect(seenFor('response_time: avg<9')).toBeUndefined();
    expect(seenInstead(parseThresholdFlag('response_time{shop:south}: avg<9'), sampleRun())).toBe('no tags were seen');
    const many = sampleRun({ tags: Array.from({ length: 30 }, (_, n) => tagged('n', String(n))) });
    expect(seenInstead(parseThresholdFlag('response_time{m:1}: avg<9'), many)).toMatch(/n:7 and 22 more$/);
  });
  it('stands in the reason of a run', () => {
    const { verdict, reasons } = buildSummary(sampleRun(), sampleFacts({ thresholds: [parseThresholdFlag('response_time{op:feeed}: avg<9')] }));
    expect([verdict, ...reasons]).toEqual(['insufficient', 'threshold response_time{op:feeed}: avg<9: nothing was measured; operations seen: feed, profile, like, chat, ai, payment']);
  });
});
