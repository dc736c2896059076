import { describe, expect, it } from 'vitest';
import hello from './fixtures/hello.ts';
import { divideSockets, divideWork, planRun, socketsMost } from './run-plan.ts';
import type { Scenario } from './scenario.ts';

const scenario = hello as unknown as Scenario<never>;
const constant = (value: number) => ({ kind: 'constant', value }) as const;

describe('planRun', () => {
  it('takes the scenario, and what overrides it', () => {
    expect(planRun(scenario, {}, '0000000a')).toEqual({
      run: '0000000a',
      seed: 1,
      users: 10_000,
      rampMs: 1_000,
      holdMs: 4_000,
      drainMs: 30_000,
      thinkTimeMs: { kind: 'exponential', mean: 1_000 },
      pace: 'due',
    });
    const changed = planRun(scenario, { users: 7, seed: 3, thinkTimeMs: constant(0), pace: 'after-reply' }, 'x');
    expect(changed).toMatchObject({ users: 7, seed: 3, thinkTimeMs: constant(0), pace: 'after-reply' });
  });

  it.each([
    [{ users: -1 }, 'users -1'],
    [{ holdMs: 0 }, 'duration 0'],
    [{ holdMs: Number.NaN }, 'duration NaN'],
    [{ rampMs: 1e12 }, 'ramp 1000000000000'],
    [{ seed: 0.5 }, 'seed 0.5'],
  ])('refuses %j, naming value and limit', (overrides, message) => {
    expect(() => planRun(scenario, overrides, 'x')).toThrow(message);
  });
});

it('lets a pool grow to a connection a user, 1,000 at most, unless its size was given', () => {
  expect([socketsMost(64, 200, {}), socketsMost(64, 20, {}), socketsMost(300, 1_000_000, {}), socketsMost(64, 200, { sockets: 64 })]).toEqual([200, 64, 1_000, 64]);
});

describe('divideWork', () => {
  it('takes one worker unless the rate asks for more, and never more than there are cores', () => {
    const workers = (users: number, thinkMs: number, cores: number): number =>
      divideWork(planRun(scenario, { users, thinkTimeMs: constant(thinkMs) }, 'x'), {}, cores).workers;
    expect(workers(100_000, 10_000, 8)).toBe(1);
    expect(workers(1_000_000, 10_000, 8)).toBe(4);
    expect(workers(1_000_000, 10_000, 2)).toBe(2);
  });

  it('lets each of few users have a connection, and takes what the rate needs for many', () => {
    const sockets = (users: number, thinkMs: number): readonly number[] => divideWork(planRun(scenario, { users, thinkTimeMs: constant(thinkMs) }, 'x'), {}, 2).sockets;
    expect([sockets(5, 2_000), sockets(200, 2_000), sockets(1_000, 60_000), sockets(1_001, 60_000), sockets(30_000, 10_000), sockets(1_000_000, 100_000)]).toEqual([[64], [200], [1_000], [64], [300], [1_000]]);
  });

  it('deals the sockets out, at least one each', () => {
    const plan = planRun(scenario, { users: 100 }, 'x');
    expect(divideWork(plan, { workers: 3, sockets: 64 }, 2)).toEqual({ workers: 3, sockets: [22, 21, 21] });
    expect(divideWork(plan, { workers: 2, sockets: 2 }, 2).sockets).toEqual([1, 1]);
    // More processes than connections, where users' WebSockets need them.
    expect(divideSockets(2, 3)).toEqual([1, 1, 1]);
    expect(() => divideWork(plan, { workers: 3, sockets: 2 }, 2)).toThrow('workers 3');
  });
});
