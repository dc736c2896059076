import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { launchJourneys } from '../../scenarios/launch-mix/journeys.ts';
import { launchThresholds } from '../../scenarios/launch-mix/thresholds.ts';
import { holdMetric, optionsOf } from './options.ts';
import { dueAtMs, dueBefore, lengthMs, planSuite, suiteLimits, suiteNames } from './plan.ts';

const names = fc.constantFrom(...suiteNames);

describe('planSuite', () => {
  it.each(suiteNames)('%s: stages make up its length, ramps come before holds', (name) => {
    const plan = planSuite(name);
    const phases = plan.stages.map(({ phase }) => phase);
    expect(phases).toEqual(phases.toSorted((a, b) => (a === b ? 0 : a === 'ramp' ? -1 : 1)));
    expect(new Set(phases)).toEqual(new Set(['ramp', 'hold']));
    expect(Math.abs(lengthMs(planSuite(name, { durationMs: 61_000 })) - 61_000)).toBeLessThanOrEqual(plan.stages.length);
  });

  it('offers users divided by think time, and that times 20 at the end of a breakpoint', () => {
    expect(planSuite('load', { users: 600, thinkTimeMs: 3_000 }).stages.at(-1)?.toPerMin).toBe(200 * 60);
    expect(planSuite('breakpoint', { users: 600, thinkTimeMs: 3_000 }).stages.at(-1)?.toPerMin).toBe(4_000 * 60);
    expect(planSuite('breakpoint', { users: 200_000, thinkTimeMs: 1_000 }).vus).toBe(suiteLimits.vusMax);
  });
});

describe('dueAtMs', () => {
  it('is the moment at which as many operations have fallen due', () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 20, max: 5_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (name, users, at) => {
        const plan = planSuite(name, { users });
        const n = Math.floor(at * (dueBefore(plan, lengthMs(plan)) - 1));
        expect(dueBefore(plan, dueAtMs(plan, n))).toBeCloseTo(n + 1, 4);
      }),
    );
  });

  it('spaces a level stage evenly, and ends', () => {
    const plan = { startPerMin: 600, stages: [{ durationMs: 1_000, toPerMin: 600, phase: 'hold' as const }] };
    expect([0, 1, 9, 10].map((n) => dueAtMs(plan, n))).toEqual([100, 200, 1_000, Number.POSITIVE_INFINITY]);
  });
});

describe('optionsOf', () => {
  const options = optionsOf(planSuite('smoke'), launchJourneys, launchThresholds);

  it('judges the hold by the engine’s thresholds, without what its run cannot show', () => {
    const judged = Object.entries(options.thresholds ?? {}).filter(([, expressions]) => expressions.length > 0);
    expect(Object.fromEntries(judged)).toEqual({
      'response_time{phase:hold}': ['p(95)<500'],
      'http_req_failed{phase:hold}': ['rate<0.001'],
      // The flood alone is more than 1 % of ten operations a second.
      'operation_refused{phase:hold,op:flood}': ['rate>0'],
    });
    expect(optionsOf(planSuite('load'), launchJourneys, launchThresholds).thresholds).toHaveProperty(['operation_refused{phase:hold}'], ['rate<0.01']);
    expect(options.thresholds).toHaveProperty(['lateness{phase:hold,op:chat}'], []);
  });

  it('gives each user with a journey of its own a scenario of its own', () => {
    expect(Object.keys(options.scenarios ?? {})).toEqual(['mix', 'user_0', 'user_1']);
  });

  it('ends a breakpoint at the first miss', () => {
    const { thresholds } = optionsOf(planSuite('breakpoint'), launchJourneys, launchThresholds);
    expect(thresholds?.['response_time{phase:hold}']).toEqual([{ threshold: 'p(95)<500', abortOnFail: true, delayAbortEval: '10s' }]);
    expect(thresholds?.['operation_refused{phase:hold,op:flood}']).toEqual(['rate>0']);
  });

  it('keeps the percentiles that a threshold asks for', () => {
    expect(optionsOf(planSuite('load'), launchJourneys, { response_time: ['p(97.5)<100'] }).summaryTrendStats).toContain('p(97.5)');
    expect(holdMetric('response_time{op:feed}')).toBe('response_time{phase:hold,op:feed}');
  });
});
