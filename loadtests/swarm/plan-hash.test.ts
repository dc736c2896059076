import { describe, expect, it } from 'vitest';
import browseScenario from '../scenarios/browse.ts';
import launchScenario from '../scenarios/launch-mix.ts';
import { packTokens } from '../scenarios/launch-mix/sessions.ts';
import type { LaunchShared } from '../scenarios/launch-mix/setup.ts';
import shopper from './fixtures/shopper.ts';
import wanderer from './fixtures/wanderer.ts';
import { listPlan, planHash, type PlannedOperation, type PlanOptions } from './plan-hash.ts';
import type { Arrival, JourneyUser, Scenario } from './scenario.ts';

const scenario = shopper as unknown as Scenario<never>;
const launchMix = launchScenario as unknown as Scenario<never>;
const browsing = browseScenario as unknown as Scenario<never>;
/** How many workers share the users. */
const crews = [1, 2, 7, 64];
const reply: PlanOptions['reply'] = ({ path }) => ({ status: 200, body: JSON.stringify({ id: path.length * 7 }) });

describe('the plan', () => {
  it('is the same for 1, 2, 7 and 64 workers', async () => {
    const options = { reply, overrides: { users: 70 } };
    const one = await listPlan(scenario, options, 1);
    expect(one.length).toBeGreaterThan(600);
    expect(new Set(one.map(({ user }) => user)).size).toBe(70);
    for (const shares of crews.slice(1)) expect(await listPlan(scenario, options, shares)).toEqual(one);
    const hashes = await Promise.all(crews.map((shares) => planHash(scenario, options, shares)));
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

const wandering = wanderer as unknown as Scenario<never>;

describe('the plan of functions', () => {
  it('is the same for 1, 2, 7 and 64 workers, with every draw, pause, group and write in it', async () => {
    const one = await listPlan(wandering, { reply }, 1);
    expect(new Set(one.map(({ op }) => op))).toEqual(new Set(['GET /items', 'look closer', 'POST /orders', 'leave']));
    expect(new Set(one.map(({ user }) => user)).size).toBe(70);
    const inputs = new Set(one.flatMap((operation) => operation.inputs));
    expect(inputs.size).toBeGreaterThan(one.length / 2);
    for (const shares of crews.slice(1)) expect(await listPlan(wandering, { reply }, shares)).toEqual(one);
    const hashes = await Promise.all(crews.map((shares) => planHash(wandering, { reply }, shares)));
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
    // Headers name the user, so it must not be whoever is free.
    const arriving = { ...wandering, arrival, headers: (index: number) => ({ 'x-user': String(index) }) };
    const one = await listPlan(arriving, { reply }, 1);
    expect(one.length).toBeGreaterThan(90);
    for (const shares of crews.slice(1)) expect(withoutDue(await listPlan(arriving, { reply }, shares), arrival)).toEqual(withoutDue(one, arrival));
  });
});

/** Shared iterations are due when a user is free for them, which depends on how many share them; what they do does not. */
function withoutDue(plan: readonly PlannedOperation[], { kind }: Arrival): unknown[] {
  if (kind !== 'iterations') return [...plan];
  return plan.map(({ user, step, op, inputs }) => ({ user, step, op, inputs })).toSorted((a, b) => a.user - b.user || a.step - b.step);
}

describe('the plan of arrivals', () => {
  const headers = (index: number): Record<string, string> => ({ 'x-user': String(index) });
  const usersOf = (plan: readonly PlannedOperation[]): Map<number, string> =>
    new Map(plan.map(({ user, inputs }) => [user, /x-user: (\d+)/.exec(inputs[0] ?? '')?.[1] ?? '']));

  it.each(['rate', 'sessions'] as const)('gives the users their turns, one after the other, at a %s', async (kind) => {
    const arrival: Arrival = { kind, from: 100, stages: [{ perS: 100, durationMs: 3_000 }], usersMax: 90 };
    const arriving = { ...wandering, arrival, headers } as Scenario<never>;
    const hashes: string[] = [];
    for (const shares of crews) {
      const plan = await listPlan(arriving, { reply }, shares);
      const users = usersOf(plan);
      expect(users.size).toBeGreaterThan(180);
      for (const [key, user] of users) expect(user).toBe(String(key % 90));
      hashes.push(await planHash(arriving, { reply }, shares));
    }
    expect(new Set(hashes).size).toBe(1);
  });

  it('lets a user that arrives again remember, and count its iterations', async () => {
    const steps = async ({ http, state, iteration }: JourneyUser<{ visits: number }>): Promise<void> => {
      await http.request({ method: 'GET', path: `/visit?n=${++state.visits}&iteration=${iteration}` });
    };
    const arrival: Arrival = { kind: 'rate', from: 100, stages: [{ perS: 100, durationMs: 3_000 }], usersMax: 90 };
    const visiting = { ...wandering, arrival, journeys: [{ name: 'visit', weight: 1, run: steps }], state: () => ({ visits: 0 }) } as unknown as Scenario<never>;
    for (const shares of crews) {
      for (const { user, inputs } of await listPlan(visiting, { reply }, shares)) {
        const round = Math.floor(user / 90);
        expect(inputs[0]).toContain(`/visit?n=${round + 1}&iteration=${round}\n`);
      }
    }
  });
});

describe('the plan of browse', () => {
  const users = 500;
  const options: PlanOptions = {
    overrides: { seed: 7, users, stages: [{ level: 20, durationMs: 1_000 }, { level: 20, durationMs: 6_500 }] },
    shared: { users, posts: 500, sessions: packTokens(Array.from({ length: users }, (_, user) => `token-of-${user}.`)) } satisfies LaunchShared,
    reply: ({ method, path }) => (path.startsWith('/feed') ? { status: 200, body: JSON.stringify({ items: Array.from({ length: 10 }, (_, n) => ({ id: 40 + n, likes: n, authorId: 3 })) }) } : launchReply(method, path)),
  };

  it('is the same for 1, 2, 7 and 64 workers, and each new person has an account', async () => {
    const plan = await listPlan(browsing, options, 1);
    const arrivals = new Set(plan.map(({ user }) => user));
    const tokens = new Set(plan.map(({ inputs }) => /token-of-\d+/.exec(inputs[0] ?? '')?.[0]));
    expect(arrivals.size).toBeGreaterThan(110);
    expect(tokens.size).toBe(arrivals.size);
    const hashes = await Promise.all(crews.map((shares) => planHash(browsing, options, shares)));
    expect(new Set(hashes).size).toBe(1);
  });
});

describe('the plan of launch-mix', () => {
  const users = 70;
  const options: PlanOptions = {
    overrides: { users, seed: 7, rampMs: 1_000, holdMs: 8_000, thinkTimeMs: { kind: 'exponential', mean: 800 } },
    shared: { users, posts: 500, sessions: packTokens(Array.from({ length: users }, (_, user) => `token-of-${user}`)) } satisfies LaunchShared,
    reply: ({ method, path }) => launchReply(method, path),
  };

  it('is the same for 1, 2, 7 and 64 workers, with every operation in it and every value carried', async () => {
    const plan = await listPlan(launchMix, options, 1);
    expect(new Set(plan.map(({ op }) => op))).toEqual(new Set(['feed', 'profile', 'like', 'chat', 'ai', 'payment', 'login', 'flood']));
    const inputs = plan.flatMap((operation) => operation.inputs).join('\n');
    for (const carried of ['cursor=after-feed', '/conversations/77/messages', '/payments/intents/intent-9', 'Bearer token-of-69']) expect(inputs).toContain(carried);
    const hashes = await Promise.all(crews.map((shares) => planHash(launchMix, options, shares)));
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
