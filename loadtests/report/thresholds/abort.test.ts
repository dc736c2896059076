import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunSoFar } from '../../swarm/coordinator.ts';
import type { ThresholdRule } from '../../swarm/scenario.ts';
import { sampleRun } from '../sample.ts';
import { parseThresholds } from '../thresholds.ts';
import { createAbortJudge } from './abort.ts';
import { parseDelayMs } from './delay.ts';

const rampMs = 10_000;
const { operations, series, unsent } = sampleRun();

/** What the sample run looked like after so many ms of its hold. */
function after(holdMs: number): RunSoFar {
  const elapsedMs = rampMs + holdMs;
  const phases = [{ name: 'ramp' as const, startMs: 0, endMs: Math.min(rampMs, elapsedMs) }, { name: 'hold' as const, startMs: rampMs, endMs: elapsedMs }];
  return { elapsedMs, operations, series, unsent, phases: phases.filter(({ startMs, endMs }) => endMs > startMs) };
}

function judgeOf(rules: Record<string, ThresholdRule[]>): (holdMs: number) => string | undefined {
  const judge = createAbortJudge(parseThresholds(rules, (error) => {
    throw error;
  }));
  return (holdMs) => judge?.(after(holdMs));
}
const abort = (threshold: string, delayAbortEval?: string): ThresholdRule => ({ threshold, abortOnFail: true, delayAbortEval });

describe('createAbortJudge', () => {
  it('is there only for thresholds that ask for it', () => {
    expect(createAbortJudge(parseThresholds({ response_time: ['p(95)<1', { threshold: 'avg<1', delayAbortEval: '1s' }] }, () => undefined))).toBeUndefined();
  });

  it('names what was measured, and when', () => {
    const judge = judgeOf({ response_time: [abort('p(95)<1')], http_req_failed: [abort('rate<0.5')] });
    expect(judge(3_000)).toMatch(/^threshold response_time: p\(95\)<1: measured \d[\d.]* ms after 3s of the hold$/);
    expect(judgeOf({ http_req_failed: [abort('rate<0.5')] })(3_000)).toBeUndefined();
  });

  it('never judges before the hold, nor before the delay, and does from then on', () => {
    fc.assert(fc.property(fc.integer({ min: -rampMs, max: 60_000 }), fc.integer({ min: 0, max: 60_000 }), (holdMs, delayMs) => {
      const judge = judgeOf({ response_time: [abort('p(95)<1', `${delayMs}ms`)] });
      expect(judge(holdMs) !== undefined).toBe(holdMs > 0 && holdMs >= delayMs);
    }));
  });

  it('takes the threshold whose delay is over, whatever their order', () => {
    const judge = judgeOf({ response_time: [abort('avg<1', '20s'), abort('max<1', '5s')] });
    expect([judge(4_999), judge(5_000)?.includes('max<1'), judge(20_000)?.includes('avg<1')]).toEqual([undefined, true, true]);
  });

  it('ends nothing for what was not measured yet, or only the audit can say', () => {
    expect(judgeOf({ audit_lost: [abort('count<1')], 'response_time{op:none}': [abort('p(95)<1')] })(30_000)).toBeUndefined();
  });

  it('compares counts a second with the hold so far, not with all of it', () => {
    const total = operations.filter(({ phase }) => phase === 'hold').reduce((sum, sample) => sum + sample.total, 0);
    const judge = judgeOf({ operations: [abort(`rate>=${total / 20}`)] });
    expect([judge(20_000), judge(40_000)?.includes('operations')]).toEqual([undefined, true]);
  });
});

describe('parseDelayMs', () => {
  it.each([['10s', 10_000], ['1m30s', 90_000], ['1.5h', 5_400_000], ['500ms', 500], ['250us', 0.25], ['2d', 172_800_000], ['.5s', 500], [1_500, 1_500], ['1500', 1_500], ['0', 0]])('reads %j', (text, delayMs) => {
    expect(parseDelayMs(text, 'x')).toBe(delayMs);
  });
  it.each(['', 'soon', '5 s', '-1s', '1s-', '-5', 'NaN', 'Infinity'])('refuses %j', (text) => {
    expect(() => parseDelayMs(text, 'response_time: p(95)<5')).toThrow(`threshold "response_time: p(95)<5": delayAbortEval "${text}" is not a duration`);
  });
});
