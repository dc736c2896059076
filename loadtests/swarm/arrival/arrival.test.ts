import { describe, expect, it } from 'vitest';
import { simulate } from '../fixtures/simulate.ts';
import wanderer from '../fixtures/wanderer.ts';
import { usersNeeded } from '../compose-measurement.ts';
import type { WorkerHealth } from '../measurement.ts';
import type { RunPlan } from '../plan.ts';
import { divideWork, planRun } from '../run-plan.ts';
import { type Arrival, type FunctionJourney, type Scenario, scenario as declare } from '../scenario.ts';
import { findFaults } from '../scenario-shape.ts';

const scenario = wanderer as unknown as Scenario<never>;
const planOf = (arrival: Arrival, overrides: Parameters<typeof planRun>[1] = {}): RunPlan => planRun({ ...scenario, arrival }, { drainMs: 5_000, ...overrides }, 'aabbccdd');
const visit: FunctionJourney<never>['run'] = async ({ http }) => void (await http.request({ method: 'GET', path: '/' }));
const even = (perS: number, durationMs: number, more: object = {}): Arrival => ({ kind: 'rate', spacing: 'even', from: perS, stages: [{ perS, durationMs }], ...more });

describe('the judged part', () => {
  it.each<[string, Arrival, [number, number, number]]>([
    ['is the longest constant stage', { kind: 'rate', stages: [{ perS: 9, durationMs: 1_000 }, { perS: 9, durationMs: 4_000 }, { perS: 20, durationMs: 2_000 }, { perS: 20, durationMs: 3_000 }] }, [1_000, 4_000, 10_000]],
    ['is what is marked', { kind: 'rate', stages: [{ perS: 9, durationMs: 1_000 }, { perS: 9, durationMs: 4_000 }, { perS: 20, durationMs: 2_000 }, { perS: 20, durationMs: 3_000, judged: true }] }, [7_000, 3_000, 5_000]],
    ['is all of it where nothing is constant', { kind: 'sessions', stages: [{ perS: 50, durationMs: 6_000 }] }, [0, 6_000, 5_000]],
    ['is constant after a jump', { kind: 'users', stages: [{ users: 5, durationMs: 0 }, { users: 5, durationMs: 2_000 }, { users: 0, durationMs: 500 }] }, [0, 2_000, 5_500]],
    ['is joined where marked stages adjoin', { kind: 'users', stages: [{ users: 5, durationMs: 1_000, judged: true }, { users: 5, durationMs: 2_000, judged: true }] }, [0, 3_000, 5_000]],
  ])('%s', (_name, arrival, [rampMs, holdMs, drainMs]) => {
    expect(planOf(arrival)).toMatchObject({ rampMs, holdMs, drainMs });
  });

  it.each<[Arrival, Parameters<typeof planRun>[1], string]>([
    [{ kind: 'users', stages: [{ users: 0, durationMs: 1_000 }] }, {}, 'bring no load'],
    [{ kind: 'rate', stages: [{ perS: 1, durationMs: 9, judged: true }, { perS: 2, durationMs: 9 }, { perS: 3, durationMs: 9, judged: true }] }, {}, 'stage 2 lies between judged stages'],
    [{ kind: 'rate', stages: [{ perS: 1, durationMs: 9 }, { perS: 2, durationMs: 0, judged: true }] }, {}, 'stage 2 is judged and has no length'],
    [even(5, 1_000), { rampMs: 500 }, 'a ramp of 500 ms is given'],
    [even(5, 1_000), { holdMs: 500 }, 'a duration of 500 ms is given'],
    [{ kind: 'users', stages: [{ users: 3, durationMs: 1_000 }] }, { users: 9 }, 'users 9 is given'],
    [even(5, 1_000, { usersMax: 0 }), {}, 'users 0 is outside'],
  ])('refuses %j with %j', (arrival, overrides, message) => {
    expect(() => planOf(arrival, overrides)).toThrow(message);
  });

  it('refuses journeys of certain users where nobody is certain', () => {
    const own = { ...scenario, journeys: [{ ...scenario.journeys[0]!, users: [1] }], arrival: even(5, 1_000) } as Scenario<never>;
    expect(() => planRun(own, {}, 'x')).toThrow('belongs to certain users');
  });

  it('sizes workers by the rate', () => {
    expect(divideWork(planOf(even(90_000, 1_000)), {}, 8).workers).toBe(3);
  });
});

describe('a scenario that does not say how many there are', () => {
  const { name, description, journeys } = scenario;
  const told = { name, description, journeys, thinkTimeMs: { kind: 'constant' as const, value: 100 }, thresholds: {} };
  const visited = declare<never>(told);

  it('comes in sessions, at a rate and over times that it or a run may give', () => {
    expect(findFaults(visited)).toEqual([]);
    expect(planRun(visited, {}, 'x')).toMatchObject({ users: 1_000, rampMs: 10_000, holdMs: 60_000, pace: 'after-reply', arrival: { kind: 'sessions', segments: [{ from: 0, to: 10 }, { from: 10, to: 10 }] } });
    const own = declare<never>({ ...told, sessionsPerS: 3, holdMs: 5_000 });
    expect(planRun(own, { rampMs: 2_000 }, 'x')).toMatchObject({ rampMs: 2_000, holdMs: 5_000, arrival: { kind: 'sessions', segments: [{ to: 3 }, { from: 3, to: 3 }] } });
    expect(planRun(own, { arrivalPerS: 7, users: 20 }, 'x')).toMatchObject({ users: 20, rampMs: 10_000, arrival: { kind: 'sessions', segments: [{ to: 7 }, { from: 7 }] } });
    expect(planRun(own, { stages: [{ level: 0.5, durationMs: 1_000 }] }, 'x')).toMatchObject({ arrival: { kind: 'sessions', segments: [{ to: 0.5 }] } });
  });

  it('takes users for a bound, as reports advise where arrivals waited for one', () => {
    expect(planRun(visited, { users: 1_500 }, 'x')).toMatchObject({ users: 1_500, pace: 'after-reply', arrival: { kind: 'sessions', segments: [{ to: 10 }, { from: 10 }] } });
  });

  it('is also one whose users or arrival are undefined', () => {
    expect(declare<never>({ ...told, arrival: undefined } as never)).toMatchObject({ users: 1_000, sessionsPerS: 10, rampMs: 10_000, holdMs: 60_000 });
    expect(findFaults(declare<never>({ ...told, users: undefined, rampMs: undefined } as never))).toEqual([]);
  });

  it('bounds its rate, and refuses one beside an arrival', () => {
    expect(findFaults({ ...visited, sessionsPerS: 5e7 })).toEqual([expect.stringMatching(/^sessionsPerS is 50000000: .*1000000/)]);
    expect(findFaults({ ...visited, arrival: even(5, 1_000) })).toEqual(['sessionsPerS is 10: it is for scenarios without arrival, leave one of the two out']);
  });

  it('says how a constant think time is written', () => {
    expect(findFaults({ ...visited, thinkTimeMs: 500 })).toEqual(["thinkTimeMs is 500: write { kind: 'constant', value: 500 }"]);
  });

  it('is not one that gives users and forgets their times', () => {
    expect(findFaults(declare<never>({ ...told, users: 5 } as never))).toEqual([expect.stringContaining('rampMs is missing'), expect.stringContaining('holdMs is missing')]);
  });
});

describe('a pause beyond the end', () => {
  it('keeps its user busy: whoever waits for one does not begin only to leave at once', async () => {
    const long: FunctionJourney<never>['run'] = async ({ http, think }) => {
      await http.request({ method: 'GET', path: '/' });
      await think(3_000);
      await http.request({ method: 'GET', path: '/later' });
    };
    const arrival: Arrival = { kind: 'sessions', spacing: 'even', from: 10, stages: [{ perS: 10, durationMs: 5_000 }], usersMax: 3 };
    const { history, engine, endedMs } = await simulate(long, { plan: planOf(arrival), latencyMs: () => 2 });
    // The drain of 5 s has nothing to wait for.
    expect(endedMs).toBeLessThan(5_500);
    expect(history.filter(({ op }) => op === 'GET /')).toHaveLength(6);
    expect(history.filter(({ op }) => op === 'GET /later')).toHaveLength(3);
    expect(engine.roster).toMatchObject({ begun: 6, cut: 3 });
    expect(engine.unsent).toBe(44);
  });
});

describe('an open rate', () => {
  it('begins each arrival at its time, however slow the replies', async () => {
    const { history, engine } = await simulate(visit, { plan: planOf(even(50, 2_000, { usersMax: 500 })), latencyMs: () => 900 });
    expect(history).toHaveLength(100);
    expect(history.map(({ dueMs }) => dueMs).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => expect.closeTo(10 + n * 20, 6) as number));
    expect(history.every(({ responseUs, latenessUs }) => responseUs < 902_000 && latenessUs < 1_001)).toBe(true);
    // As many places as there were arrivals under way, 0.9 s of 50 a second; whoever acts there is the next user.
    expect(Math.abs(engine.usersStarted - 46)).toBeLessThan(3);
    for (const { key, user } of history) expect(user).toBe(key);
    expect([engine.roster?.queued, engine.unsent]).toEqual([0, 0]);
  });

  it('queues what finds no free user, with its due time, and counts it', async () => {
    const { history, engine } = await simulate(visit, { plan: planOf(even(50, 2_000, { usersMax: 10 })), latencyMs: () => 400 });
    // 25 a second are done by 10 users: the other half waits, and everything is done in the end.
    expect(history).toHaveLength(100);
    expect(engine.roster?.queued).toBeGreaterThanOrEqual(85);
    const last = history.toSorted((a, b) => a.dueMs - b.dueMs).at(-1)!;
    expect(last.dueMs).toBeCloseTo(1_990, 6);
    expect(last.responseUs / 1_000).toBeCloseTo(2_200, -1);
    expect(last.latenessUs).toBeLessThan(1_001);
    expect(new Set(history.map(({ user }) => user)).size).toBe(10);
  });

  it('counts arrivals that never began as unsent when the drain ends', async () => {
    const { counts, engine, errors } = await simulate(visit, { plan: planOf(even(50, 2_000, { usersMax: 3 })), latencyMs: () => Number.POSITIVE_INFINITY });
    expect(counts['GET /']).toEqual([3, 3]);
    // What a function would have done is not known; it counts by its journey's name.
    expect(counts['only']).toEqual([97, 97]);
    expect([engine.unsent, engine.finished]).toEqual([97, true]);
    expect(errors.map(({ kind }) => kind).toSorted()).toEqual(['timeout', 'unsent']);
  });

  it('runs the steps of a journey by one user, pauses between them', async () => {
    const steps = ['a', 'b'].map((op) => ({ op, run: async ({ http }: { http: { request: (r: { method: 'GET'; path: string }) => Promise<unknown> } }) => void (await http.request({ method: 'GET', path: `/${op}` })) }));
    const { history, counts } = await simulate([{ name: 'two', weight: 1, steps }] as never, {
      plan: { ...planOf(even(20, 2_000, { usersMax: 100 })), thinkTimeMs: { kind: 'constant', value: 300 } },
      latencyMs: () => 50,
    });
    expect(counts['a']).toEqual([40, 0]);
    // The last six arrivals' second step was due after the end.
    expect(counts['b']).toEqual([34, 0]);
    for (const { key, op, dueMs, user } of history) {
      if (op !== 'b') continue;
      const first = history.find((one) => one.key === key && one.op === 'a')!;
      expect([dueMs - first.dueMs, user]).toEqual([expect.closeTo(300, 6), first.user]);
    }
  });

  it('refuses a share that has no user to take its arrivals', async () => {
    await expect(simulate(visit, { plan: planOf(even(50, 1_000, { usersMax: 2 })), partition: { index: 2, count: 3 } })).rejects.toThrow('no user to take its arrivals');
  });

  it('puts each arrival in the phase of its due time', async () => {
    const arrival: Arrival = { kind: 'rate', spacing: 'even', stages: [{ perS: 40, durationMs: 1_000 }, { perS: 40, durationMs: 2_000 }, { perS: 0, durationMs: 1_000 }] };
    const { engine, totals } = await phases(arrival);
    expect(totals).toEqual({ ramp: 20, hold: 80, drain: 20 });
    expect(engine.finished).toBe(true);
  });
});

async function phases(arrival: Arrival): Promise<{ engine: Awaited<ReturnType<typeof simulate>>['engine']; totals: Record<string, number> }> {
  const totals: Record<string, number> = {};
  const { engine } = await simulate(visit, {
    plan: planOf({ ...arrival, usersMax: 50 } as Arrival),
    each: (running) => {
      for (const { phase, total } of running.tally.take().operations) totals[phase] = (totals[phase] ?? 0) + total;
    },
  });
  return { engine, totals };
}

describe('sessions', () => {
  it('arrive openly, act at the pace of replies, and remember nothing of others', async () => {
    const seen: number[] = [];
    const run = (async (user: { state: { visits: number }; http: { request: (r: object) => Promise<unknown> }; think: (ms: number) => Promise<void> }) => {
      await user.http.request({ method: 'GET', path: '/one' });
      user.state.visits++;
      await user.think(100);
      await user.http.request({ method: 'GET', path: '/two' });
      seen.push(user.state.visits);
    }) as unknown as FunctionJourney<never>['run'];
    const plan = planOf({ kind: 'sessions', spacing: 'even', from: 10, stages: [{ perS: 10, durationMs: 2_000 }], usersMax: 40 });
    expect(plan.pace).toBe('after-reply');
    const { history } = await simulate(run, { plan, latencyMs: () => 200, scenario: { state: (() => ({ visits: 0 })) as never } });
    expect(new Set(seen)).toEqual(new Set([1]));
    const second = history.filter(({ op }) => op === 'GET /two');
    expect(second.length).toBeGreaterThan(15);
    for (const { key, dueMs } of second) expect(dueMs - history.find((one) => one.key === key)!.dueMs).toBeCloseTo(300, -1);
  });
});

describe('users in stages', () => {
  it('are as many as the level says: they come, leave and come again', async () => {
    const arrival: Arrival = { kind: 'users', stages: [{ users: 40, durationMs: 2_000 }, { users: 40, durationMs: 2_000 }, { users: 10, durationMs: 0 }, { users: 10, durationMs: 2_000 }, { users: 30, durationMs: 0 }, { users: 30, durationMs: 2_000 }] };
    const { history, engine } = await simulate(visit, { plan: { ...planOf(arrival), thinkTimeMs: { kind: 'exponential', mean: 100 } } });
    const actingIn = (fromMs: number, toMs: number): number => new Set(history.filter(({ dueMs }) => dueMs >= fromMs && dueMs < toMs).map(({ user }) => user)).size;
    expect([actingIn(2_000, 4_000), actingIn(4_000, 6_000), actingIn(6_000, 8_000)]).toEqual([40, 10, 30]);
    expect(Math.abs(actingIn(900, 1_100) - 20)).toBeLessThan(6);
    expect(Math.max(...history.filter(({ dueMs }) => dueMs >= 4_000 && dueMs < 6_000).map(({ user }) => user))).toBe(9);
    expect([engine.unsent, engine.finished]).toEqual([0, true]);
  });
});

describe('shared iterations', () => {
  const [atOnce, second]: RunPlan['thinkTimeMs'][] = [{ kind: 'constant', value: 0 }, { kind: 'constant', value: 1_000 }];

  it('are begun one after the other by whoever is free, and end the run', async () => {
    const { history, engine, endedMs } = await simulate(visit, { plan: planOf({ kind: 'iterations', users: 4, iterations: 50 }, { thinkTimeMs: atOnce }), latencyMs: (_path, nowMs) => (nowMs % 2 === 0 ? 20 : 60) });
    expect(history).toHaveLength(50);
    expect(history.map(({ key }) => key).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(history.every(({ responseUs }) => responseUs <= 61_000)).toBe(true);
    expect(new Set(history.map(({ user }) => user)).size).toBe(4);
    expect(engine.complete).toBe(true);
    expect(endedMs).toBeLessThan(1_000);
  });

  it('leave as unsent what no user was free for in time', async () => {
    const { engine, counts, response, endedMs } = await simulate(visit, { plan: { ...planOf({ kind: 'iterations', users: 2, iterations: 50 }, { thinkTimeMs: atOnce }), holdMs: 1_000 }, latencyMs: () => 100 });
    // What nobody began has made no request to be named after.
    expect(Object.values(counts)).toEqual(expect.arrayContaining([[20, 0], [30, 30]]));
    expect([engine.unsent, response.count]).toEqual([30, 20]);
    // Nothing can begin any more, so the drain is not waited for.
    expect(endedMs).toBeLessThan(1_200);
  });

  it('needs those who took a share, and no more', () => {
    const health = { usersAsNeeded: true, usersStarted: 4 } as WorkerHealth;
    expect(usersNeeded(10, [health, health])).toBe(8);
    expect(usersNeeded(10, [{ ...health, usersAsNeeded: false }])).toBe(10);
  });

  it('have a pause between those of one user, and none after the last', async () => {
    const plan = { ...planOf({ kind: 'iterations', users: 2, iterations: 6 }, { thinkTimeMs: second }), holdMs: 60_000 };
    const { history, engine, endedMs } = await simulate(visit, { plan, latencyMs: () => 100 });
    expect(history.map(({ dueMs }) => Math.round(dueMs / 10) * 10).toSorted((a, b) => a - b)).toEqual([0, 0, 1_100, 1_100, 2_200, 2_200]);
    expect(history.every(({ responseUs }) => responseUs < 102_000)).toBe(true);
    expect([engine.complete, engine.unsent, engine.roster?.queued, endedMs < 2_400]).toEqual([true, 0, 0, true]);
  });

  it('that nobody had rested for in time are unsent', async () => {
    const plan = { ...planOf({ kind: 'iterations', users: 2, iterations: 50 }, { thinkTimeMs: second }), holdMs: 4_000 };
    const { engine, counts } = await simulate(visit, { plan, latencyMs: () => 100 });
    expect([counts['GET /']![0], engine.unsent]).toEqual([8, 42]);
  });
});
