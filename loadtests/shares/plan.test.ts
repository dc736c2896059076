import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import shopper from '../swarm/fixtures/shopper.ts';
import wanderer from '../swarm/fixtures/wanderer.ts';
import { partitionOf, partWithin } from '../swarm/partition.ts';
import { planHash } from '../swarm/plan-hash.ts';
import type { PlanOptions } from '../swarm/plan-hash.ts';
import type { Scenario } from '../swarm/scenario.ts';

const options: PlanOptions = { reply: ({ path }) => ({ status: 200, body: JSON.stringify({ id: path.length * 7 }) }) };
const stages = [{ perS: 20, durationMs: 1_000 }, { perS: 20, durationMs: 2_000 }];
const scenarios = {
  'users in steps': shopper as unknown as Scenario<never>,
  'users in a function': { ...wanderer, users: 40 } as unknown as Scenario<never>,
  'arrivals at a rate': { ...wanderer, arrival: { kind: 'rate', spacing: 'poisson', stages, usersMax: 4_000 } } as unknown as Scenario<never>,
  'sessions': { ...wanderer, arrival: { kind: 'sessions', spacing: 'even', stages, usersMax: 4_000 } } as unknown as Scenario<never>,
} as const;

it.each(Object.entries(scenarios))('all shares together are the whole plan of %s, each with its own number of workers', async (_name, scenario) => {
  const whole = await planHash(scenario, options, 1);
  const workersOfShares = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(workersOfShares, async (workers) => {
      const parts = workers.flatMap((count, share) => Array.from({ length: count }, (_, worker) => partWithin(partitionOf(share, workers.length), worker, count)));
      expect(await planHash(scenario, options, parts)).toBe(whole);
    }),
    { numRuns: 6 },
  );
});
