import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import launchMix from '../scenarios/launch-mix.ts';
import { meanOf } from '../swarm/random.ts';
import type { Scenario } from '../swarm/scenario.ts';
import { expectedLoad } from './expected-load.ts';
import { foresee } from './foresee.ts';
import { prepareRun, replacedThinkTime } from './prepare.ts';
import { spreadLoad } from './spread-load.ts';

const host = createTestHost();
const prepare = (...flags: string[]) => prepareRun(host, ['launch-mix', ...flags]);

test('a million users think as long as the stack of one machine needs, and all get to act', async () => {
  const run = await prepare('--users', '1000000', '--duration', '600s');
  expect(expectedLoad(run).operationsPerS).toBeCloseTo(3_000, -1);
  expect(foresee(run)).toEqual([]);
  expect(run.thinkTimeMs).toEqual({ kind: 'uniform', from: 166_700, to: 500_100 });
  expect(run.rampMs).toBe(340_000);
  expect(replacedThinkTime(run)).toBe(", so that it makes 3,000 operations/s, which one small machine carries; --think 10s is the scenario's own");
});

test('a think time or a ramp that was given stays', async () => {
  const own = await prepare('--users', '1000000', '--think', '10s');
  expect([meanOf(own.thinkTimeMs), own.rampMs, own.spread]).toEqual([10_000, 30_000, '']);
  expect((await prepare('--users', '1000000', '--ramp', '45s')).rampMs).toBe(45_000);
  const few = await prepare('--users', '20000');
  expect([meanOf(few.thinkTimeMs), few.spread]).toEqual([10_000, '']);
});

test('users of stages think as long as their highest level needs, and keep their times', async () => {
  const run = await prepare('--stages', '30s:1000,60s:1000000,10s:0');
  expect(expectedLoad(run).operationsPerS).toBeCloseTo(3_000, -1);
  expect([run.users, run.rampMs, run.holdMs, run.spread === '']).toEqual([1_000_000, 0, 100_000, false]);
  const few = await prepare('--stages', '30s:100,60s:100');
  expect([meanOf(few.thinkTimeMs), few.spread]).toEqual([10_000, '']);
  await expect(prepare('--stages', '30s:100000', '--ramp', '5s')).rejects.toThrow('a ramp of 5000 ms is given');
  const many = { ...launchMix, users: 1_000_000 } as unknown as Scenario<never>;
  expect(spreadLoad(many, { stages: [{ level: 100, durationMs: 1_000 }] }).overrides).toEqual({ stages: [{ level: 100, durationMs: 1_000 }] });
});

test('another system is not spared what it was asked to take', async () => {
  const run = await prepare('--users', '1000000', '--target', 'http://127.0.0.1:3000');
  expect([meanOf(run.thinkTimeMs), run.spread]).toEqual([10_000, '']);
});

test('the rate stays at the limit or just below, whatever the users', () => {
  const shapes = fc.constantFrom({ kind: 'exponential', mean: 10_000 } as const, { kind: 'uniform', from: 2_000, to: 9_000 } as const, { kind: 'constant', value: 500 } as const);
  fc.assert(fc.property(fc.integer({ min: 1, max: 10_000_000 }), fc.integer({ min: 1, max: 50_000 }), shapes, (users, ratePerSMax, thinkTimeMs) => {
    const scenario = { ...launchMix, thinkTimeMs, ratePerSMax } as unknown as Scenario<never>;
    const { overrides } = spreadLoad(scenario, { users });
    const perS = (users * 1_000) / meanOf(overrides.thinkTimeMs ?? thinkTimeMs);
    const ownPerS = (users * 1_000) / meanOf(thinkTimeMs);
    expect(perS).toBeLessThanOrEqual(ratePerSMax * (1 + 1e-9));
    if (ownPerS > ratePerSMax) expect(meanOf(overrides.thinkTimeMs ?? thinkTimeMs)).toBeLessThanOrEqual((users * 1_000) / ratePerSMax + 100 + 1e-6);
  }));
});
