import { describe, expect, it } from 'vitest';
import launchScenario from '../scenarios/launch-mix.ts';
import { packTokens } from '../scenarios/launch-mix/sessions.ts';
import type { LaunchShared } from '../scenarios/launch-mix/setup.ts';
import shopper from './fixtures/shopper.ts';
import wanderer from './fixtures/wanderer.ts';
import { listPlan, planHash, type PlannedOperation, type PlanOptions } from './plan-hash.ts';
import type { Arrival, Scenario } from './scenario.ts';

const scenario = shopper as unknown as Scenario<never>;
const launchMix = launchScenario as unknown as Scenario<never>;
const reply: PlanOptions['reply'] = ({ path }) => ({ status: 200, body: JSON.stringify({ id: path.length * 7 }) });

describe('the plan', () => {
  it('is the same for 1, 2 and 7 workers', async () => {
    const one = await listPlan(scenario, { reply }, 1);
    expect(one.length).toBeGreaterThan(200);
    expect(new Set(one.map(({ user }) => user)).size).toBe(21);
    for (const shares of [2, 7]) expect(await listPlan(scenario, { reply }, shares)).toEqual(one);
    const hashes = await Promise.all([1, 2, 7].map((shares) => planHash(scenario, { reply }, shares)));
    expect(new Set(hashes).size).toBe(1);
  });

  it('depends on the seed, on the run and on what the server answers', async () => {
    const hashes = await Promise.all([
      planHash(scenario, { reply }, 1),
      planHash(scenario, { reply, overrides: { seed: 2 } }, 1),
      planHash(scenario, { reply, runId: '00000001' }, 1),
      planHash(scenario, { reply: () => ({ status: 200, body: '{"id":1}' }) }, 1),
    ]);
    expect(new Set(hashes).size).toBe(4);
  });

  it('keeps users that have a journey of their own to it, and others away', async () => {
    const [buy, leave] = scenario.journeys;
    const own = { ...scenario, journeys: [buy!, { ...leave!, weight: 0, users: [3, 8] }] };
    for (const shares of [1, 4]) {
      const plan = await listPlan(own, { reply }, shares);
      const leavers = new Set(plan.filter(({ op }) => op === 'leave').map(({ user }) => user));
      expect([...leavers].toSorted((a, b) => a - b)).toEqual([3, 8]);
      expect(plan.some(({ user, op }) => user === 3 && op !== 'leave')).toBe(false);
    }
  });

  it('keeps journeys in order and carries values from a reply to a later request', async () => {
    const plan = await listPlan(scenario, { reply }, 3);
    for (let user = 0; user < 21; user++) {
      const mine = plan.filter((operation) => operation.user === user);
      expect(mine.map(({ step }) => step)).toEqual(mine.map((_, n) => n));
      for (const [n, { op, inputs }] of mine.entries()) {
        if (op !== 'buy') continue;
        expect(mine[n - 1]?.op).toBe('browse');
        expect(inputs[0]).toMatch(/"item":\d+/);
      }
    }
  });
});

describe('the plan of functions', () => {
  const wandering = wanderer as unknown as Scenario<never>;
  const workers = [1, 2, 7, 64];

  it('is the same for 1, 2, 7 and 64 workers, with every draw, pause, group and write in it', async () => {
    const one = await listPlan(wandering, { reply }, 1);
    expect(new Set(one.map(({ op }) => op))).toEqual(new Set(['GET /items', 'look closer', 'POST /orders', 'leave']));
    expect(new Set(one.map(({ user }) => user)).size).toBe(70);
    const inputs = new Set(one.flatMap((operation) => operation.inputs));
    expect(inputs.size).toBeGreaterThan(one.length / 2);
    for (const shares of workers.slice(1)) expect(await listPlan(wandering, { reply }, shares)).toEqual(one);
    const hashes = await Promise.all(workers.map((shares) => planHash(wandering, { reply }, shares)));
    expect(new Set(hashes).size).toBe(1);
    expect(await planHash(wandering, { reply, overrides: { seed: 2 } }, 1)).not.toBe(hashes[0]);
  });

  it.each<[string, Arrival]>([
    ['users in stages', { kind: 'users', stages: [{ users: 70, durationMs: 1_000 }, { users: 70, durationMs: 2_000 }, { users: 10, durationMs: 1_000 }, { users: 30, durationMs: 1_000 }] }],
    ['a Poisson rate', { kind: 'rate', stages: [{ perS: 100, durationMs: 1_000 }, { perS: 100, durationMs: 2_000 }], usersMax: 2_000 }],
    ['an even rate', { kind: 'rate', spacing: 'even', from: 50, stages: [{ perS: 50, durationMs: 2_000 }], usersMax: 2_000 }],
    ['sessions', { kind: 'sessions', from: 80, stages: [{ perS: 80, durationMs: 2_000 }], usersMax: 2_000 }],
    ['shared iterations', { kind: 'iterations', users: 128, iterations: 300 }],
  ])('is the same for any number of workers with %s', async (_name, arrival) => {
    // Users are who is free, so what an arrival does must not depend on which one it is.
    const arriving = { ...wandering, arrival };
    const one = await listPlan(arriving, { reply }, 1);
    expect(one.length).toBeGreaterThan(90);
    for (const shares of workers.slice(1)) expect(withoutDue(await listPlan(arriving, { reply }, shares), arrival)).toEqual(withoutDue(one, arrival));
  });
});

/** Shared iterations are due when a user is free for them, which depends on how many share them; what they do does not. */
function withoutDue(plan: readonly PlannedOperation[], { kind }: Arrival): unknown[] {
  if (kind !== 'iterations') return [...plan];
  return plan.map(({ user, step, op, inputs }) => ({ user, step, op, inputs })).toSorted((a, b) => a.user - b.user || a.step - b.step);
}

describe('the plan of launch-mix', () => {
  const users = 30;
  const options: PlanOptions = {
    overrides: { users, seed: 7, rampMs: 1_000, holdMs: 8_000, thinkTimeMs: { kind: 'exponential', mean: 800 } },
    shared: { users, posts: 500, sessions: packTokens(Array.from({ length: users }, (_, user) => `token-of-${user}`)) } satisfies LaunchShared,
    reply: ({ method, path }) => launchReply(method, path),
  };

  it('is the same for 1, 2 and 7 workers, with every operation in it and every value carried', async () => {
    const plan = await listPlan(launchMix, options, 1);
    expect(new Set(plan.map(({ op }) => op))).toEqual(new Set(['feed', 'profile', 'like', 'chat', 'ai', 'payment', 'login', 'flood']));
    const inputs = plan.flatMap((operation) => operation.inputs).join('\n');
    for (const carried of ['cursor=after-feed', '/conversations/77/messages', '/payments/intents/intent-9', 'Bearer token-of-29']) expect(inputs).toContain(carried);
    const hashes = await Promise.all([1, 2, 7].map((shares) => planHash(launchMix, options, shares)));
    expect(new Set(hashes).size).toBe(1);
    expect(await planHash(launchMix, { ...options, overrides: { ...options.overrides, seed: 8 } }, 2)).not.toBe(hashes[0]);
  });
});

/** What a server answered, by what was asked. */
function launchReply(method: string, path: string): { status: number; body: string } {
  const ok = (body: unknown): { status: number; body: string } => ({ status: 200, body: JSON.stringify(body) });
  const where = path.split('?')[0] ?? '';
  if (where === '/feed') return ok({ items: [{ id: 40 + path.length }], nextCursor: 'after-feed' });
  if (where.startsWith('/profiles/')) return ok({ userId: Number(where.split('/')[2]), displayName: 'somebody' });
  if (where.endsWith('/like')) return ok({ liked: true, likes: 3, created: true });
  if (where === '/conversations') return ok({ items: [{ id: 77 }] });
  if (where.endsWith('/messages')) return method === 'POST' ? ok({ id: 5, body: 'a sentence' }) : ok({ items: [{ id: 5 }] });
  if (where.startsWith('/payments/')) return ok({ intentId: 'intent-9' });
  return ok({ id: 1, reply: 'yes' });
}
