import { describe, expect, it } from 'vitest';
import type { SoraError } from '../../ops/core/error.ts';
import browse from '../scenarios/browse.ts';
import hello from '../scenarios/hello.ts';
import { planRun } from '../swarm/run-plan.ts';
import type { Scenario } from '../swarm/scenario.ts';
import { readRunOptions } from './options.ts';

function plan(scenario: unknown, ...args: string[]): ReturnType<typeof planRun> {
  const errors: SoraError[] = [];
  const { overrides } = readRunOptions(['some', ...args], errors);
  expect(errors).toEqual([]);
  return planRun(scenario as Scenario<never>, overrides, 'aabbccdd');
}

describe('arrival flags', () => {
  it('make sessions of a scenario that has a population, over its ramp and hold', () => {
    const { arrival, rampMs, holdMs, users, pace } = plan(hello, '--arrival-rate', '50', '--duration', '20s');
    expect({ rampMs, holdMs, users, pace }).toEqual({ rampMs: 2_000, holdMs: 20_000, users: 100, pace: 'after-reply' });
    expect(arrival).toMatchObject({ kind: 'sessions', spacing: 'poisson', segments: [{ from: 0, to: 50, toMs: 2_000 }, { from: 50, to: 50, toMs: 22_000 }] });
  });

  it('change the rate of a scenario that arrives openly, and its users', () => {
    expect(plan(browse, '--arrival-rate', '5', '--ramp', '1s', '--duration', '9s', '--users', '70')).toMatchObject({ rampMs: 1_000, holdMs: 9_000, users: 70, arrival: { kind: 'sessions' } });
  });

  it('give stages of users, or of arrivals where the scenario’s arrive', () => {
    expect(plan(hello, '--stages', '30s:100,1m:100,0s:20,10s:20')).toMatchObject({ users: 100, rampMs: 30_000, holdMs: 60_000, arrival: { kind: 'users' } });
    expect(plan(browse, '--stages', '2s:7.5,4s:7.5')).toMatchObject({ users: 2_000, rampMs: 2_000, holdMs: 4_000, arrival: { kind: 'sessions' } });
  });

  it.each([
    [['--arrival-rate', 'fast'], '--arrival-rate fast is not a number'],
    [['--arrival-rate', '0'], '--arrival-rate 0 is not a number above 0'],
    [['--stages', '30s'], 'stage 1 "30s" is not a duration'],
    [['--stages', '30s:10,x:5'], 'the duration of stage 2 "x" is not a duration'],
    [['--stages', '9d:5'], 'longer than 7 days'],
    [['--stages', Array.from({ length: 101 }, () => '1s:1').join(',')], 'has 101 stages; the limit is 100'],
  ])('refuses %j', (args, message) => {
    const errors: SoraError[] = [];
    readRunOptions(['some', ...args], errors);
    expect(errors.map((error) => error.message).join()).toContain(message);
  });

  it.each([
    [['--arrival-rate', '5', '--stages', '1s:5'], 'an arrival rate of 5/s and 1 stages are given'],
    [['--stages', '1s:5.5'], 'stage of 5.5 users is no whole number'],
    [['--stages', '1s:5', '--ramp', '2s'], 'a ramp of 2000 ms is given'],
    [['--stages', '1s:5', '--users', '9'], 'users 9 is given'],
  ])('refuses %j together', (args, message) => {
    expect(() => plan(hello, ...args)).toThrow(message);
  });
});
