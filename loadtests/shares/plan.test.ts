import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import shopper from '../swarm/fixtures/shopper.ts';
import { partitionOf, partWithin } from '../swarm/partition.ts';
import { planHash } from '../swarm/plan-hash.ts';
import type { PlanOptions } from '../swarm/plan-hash.ts';
import type { Scenario } from '../swarm/scenario.ts';

const scenario = shopper as unknown as Scenario<never>;
const options: PlanOptions = { reply: ({ path }) => ({ status: 200, body: JSON.stringify({ id: path.length * 7 }) }) };

it('all shares together are the whole plan, each with its own number of workers', async () => {
  const whole = await planHash(scenario, options, 1);
  const workersOfShares = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(workersOfShares, async (workers) => {
      const parts = workers.flatMap((count, share) => Array.from({ length: count }, (_, worker) => partWithin(partitionOf(share, workers.length), worker, count)));
      expect(await planHash(scenario, options, parts)).toBe(whole);
    }),
    { numRuns: 15 },
  );
});
