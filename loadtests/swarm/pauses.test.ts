import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulate } from './fixtures/simulate.ts';
import { resolveJourneys } from './journeys.ts';
import { meanPauseMs } from './pauses.ts';
import type { RunPlan } from './plan.ts';
import { meanOf } from './random.ts';
import { planRun } from './run-plan.ts';
import type { Distribution, Scenario } from './scenario.ts';

const visit = async ({ http }: { http: { request: (request: { method: 'GET'; path: string }) => Promise<unknown> } }): Promise<void> => void (await http.request({ method: 'GET', path: '/' }));
const constant = (value: number): Distribution => ({ kind: 'constant', value });
const step = (op: string, own?: number): object => ({ op, run: visit, ...(own === undefined ? {} : { thinkTimeMs: constant(own) }) });
/** Three steps, as a recording has them: the first with the usual pause, the others with their own. */
const recorded = {
  name: 'recorded', description: '', users: 20, rampMs: 0, holdMs: 60_000, thinkTimeMs: constant(4_000), thresholds: {},
  journeys: [{ name: 'visit', weight: 1, steps: [step('open'), step('read', 10_000), step('write', 1_000)] }],
} as unknown as Scenario<never>;

const pausesOf = (scenario: Scenario<never>, thinkTimeMs: Distribution): number[][] => {
  const plan = planRun(scenario, { thinkTimeMs }, 'x');
  return resolveJourneys(scenario, plan.thinkTimeMs, plan.paced).steps.map((steps) => steps.map((each) => meanOf(each.thinkTimeMs)));
};

describe('a think time given for a run', () => {
  it('becomes the mean pause, and steps keep their proportions', () => {
    expect(meanPauseMs(recorded)).toBe(5_000);
    expect(pausesOf(recorded, { kind: 'exponential', mean: 500 })).toEqual([[400, 1_000, 100]]);
  });

  it('is the mean over all journeys by weight, whatever they are', () => {
    const pause = fc.option(fc.integer({ min: 1, max: 60_000 }), { nil: undefined });
    const journey = fc.record({ weight: fc.integer({ min: 1, max: 9 }), pauses: fc.array(pause, { minLength: 1, maxLength: 4 }) });
    fc.assert(fc.property(fc.array(journey, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 90_000 }), (chosen, givenMs) => {
      const journeys = chosen.map(({ weight, pauses }, at) => ({ name: `j${at}`, weight, steps: pauses.map((own, n) => step(`${at}.${n}`, own)) }));
      const found = pausesOf({ ...recorded, journeys } as unknown as Scenario<never>, constant(givenMs));
      const sum = chosen.reduce((total, { weight }, at) => total + weight * found[at]!.reduce((all, one) => all + one, 0), 0);
      expect(sum / chosen.reduce((total, { weight, pauses }) => total + weight * pauses.length, 0)).toBeCloseTo(givenMs, 6);
    }));
  });

  it('leaves journeys of certain users alone, and all pauses where none is given', () => {
    const own = { name: 'flood', weight: 0, users: [1], steps: [step('flood', 5_000)] };
    const scenario = { ...recorded, journeys: [...recorded.journeys, own] } as unknown as Scenario<never>;
    expect(pausesOf(scenario, constant(500))).toEqual([[400, 1_000, 100], [5_000]]);
    const plan = planRun(scenario, {}, 'x');
    expect(resolveJourneys(scenario, plan.thinkTimeMs, plan.paced).steps.map((steps) => steps.map((each) => meanOf(each.thinkTimeMs)))).toEqual([[4_000, 10_000, 1_000], [5_000]]);
  });

  it('stands for every pause that no step names where all are 0', () => {
    const restless = { ...recorded, pace: 'after-reply', thinkTimeMs: constant(0), journeys: [{ name: 'visit', weight: 1, steps: [step('open'), step('read', 0)] }] } as unknown as Scenario<never>;
    expect(pausesOf(restless, constant(700))).toEqual([[700, 0]]);
  });

  it('sets the rate of a run: users / think time', async () => {
    const plan: RunPlan = planRun(recorded, { thinkTimeMs: { kind: 'exponential', mean: 500 }, users: 20, holdMs: 20_000 }, 'x');
    const { counts } = await simulate(recorded.journeys, { plan, scenario: { thinkTimeMs: recorded.thinkTimeMs } });
    const total = Object.values(counts).reduce((sum, [count]) => sum + count, 0);
    expect(Math.abs(total - 800)).toBeLessThan(80);
  });

  it('scales the pauses within functions', async () => {
    const run = (async ({ http, think }: { http: { request: (request: object) => Promise<unknown> }; think: (ms: number) => Promise<void> }) => {
      await http.request({ method: 'GET', path: '/one' });
      await think(900);
      await http.request({ method: 'GET', path: '/two' });
    }) as never;
    const scenario = { thinkTimeMs: constant(300) };
    const plan: RunPlan = { ...planRun({ ...recorded, ...scenario, journeys: [{ name: 'visit', weight: 1, run }] } as unknown as Scenario<never>, { thinkTimeMs: constant(30), users: 1, holdMs: 12_000 }, 'x') };
    const { counts } = await simulate(run, { plan, scenario });
    // An iteration takes a tenth of what it takes as written: 120 ms.
    expect(Math.abs(counts['GET /two']![0] - 100)).toBeLessThan(4);
  });
});
