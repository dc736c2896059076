import { describe, expect, it } from 'vitest';
import wanderer from '../fixtures/wanderer.ts';
import { planRun } from '../run-plan.ts';
import type { Arrival, Scenario } from '../scenario.ts';
import { describeArrival } from './describe.ts';

const scenario = wanderer as unknown as Scenario<never>;
const said = (arrival: Arrival): string => describeArrival(planRun({ ...scenario, arrival }, {}, 'aabbccdd'));
const ofUsers = (...stages: readonly (readonly [seconds: number, users: number, judged?: boolean])[]): string =>
  said({ kind: 'users', stages: stages.map(([seconds, users, judged = false]) => ({ users, durationMs: seconds * 1_000, judged })) });

describe('how work arrives, in words', () => {
  it('is nothing for a population of the ramp', () => {
    expect(describeArrival(planRun(scenario, {}, 'aabbccdd'))).toBe('');
  });

  it('has the levels, and what is judged of them', () => {
    expect(ofUsers([60, 100], [60, 100], [0, 20], [10, 20])).toBe('in 4 stages: 0 to 100 in 60 s, 100 for 60 s, 100 to 20 at once, 20 for 10 s; judged from 60 s to 120 s');
    expect(ofUsers([0.5, 7])).toBe('in 1 stage: 0 to 7 in 0.5 s; judged from 0 s to 0.5 s');
    expect(said({ kind: 'rate', spacing: 'even', from: 0.5, stages: [{ perS: 7.5, durationMs: 2_000 }, { perS: 7.5, durationMs: 4_000 }] }))
      .toBe('iterations arrive at 7.5/s (even), 2 stages: 0.5 to 7.5 in 2 s, 7.5 for 4 s; judged from 2 s to 6 s');
    expect(said({ kind: 'sessions', from: 1 / 3, stages: [{ perS: 1 / 3, durationMs: 9_000 }] })).toBe('sessions arrive at 0.33/s (poisson), 1 stage: 0.33333333 for 9 s; judged from 0 s to 9 s');
    expect(said({ kind: 'iterations', users: 4, iterations: 40 })).toBe('40 iterations shared');
  });

  it('tells apart what differs in levels, times or what is judged alone', () => {
    const texts = [
      ofUsers([60, 100], [60, 100], [10, 1_000]), ofUsers([10, 1_000], [60, 1_000], [10, 0]), ofUsers([60, 100], [70, 100], [10, 1_000]),
      ofUsers([60, 100], [60, 100], [10, 1_000, true]), ofUsers([60, 9_999_999], [60, 100], [10, 1_000]), ofUsers([60, 10_000_000], [60, 100], [10, 1_000]),
    ];
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('stays short with many stages, and tells those apart too', () => {
    const many = (last: number): string => ofUsers(...Array.from({ length: 99 }, (_, at) => [604_799.999, 9_000_000 + at] as const), [1, last]);
    expect(many(3)).toMatch(/^in 100 stages: 0 to 9000000 in 604799\.999 s, 9000000 to 9000001 in 604799\.999 s, .* and 94 more \([0-9a-f]{8}\); judged from 0 s to /);
    expect(many(3).length).toBeLessThan(360);
    expect(many(3)).toBe(many(3));
    expect(many(3)).not.toBe(many(4));
  });
});
