/** The contract of `capacity.json`. Names stay; new ones may be added. Published as `loadtests/schema/capacity.v1.json`. */
import { z } from 'zod';
import { plannedSpendingSchema } from '../report/spent.ts';

const amount = z.number().min(0);
const measure = z.number().nullable();
const estimate = z.object({ value: amount, low: amount, high: measure.describe('null: unbounded.') }).describe('With the interval that holds it in 95 % of resamplings.');
const point = z.object({ concurrency: measure.describe('null: approached, never reached.'), throughputPerS: amount });

const probe = z.object({
  runId: z.string(),
  ratePerS: amount,
  purpose: z.enum(['rise', 'narrow', 'confirm', 'survey']),
  outcome: z.enum(['met', 'missed', 'unclear']),
  valid: z.boolean().describe('Whether its figures may be believed; the law uses no others.'),
  reasons: z.array(z.string()),
  users: z.int().describe('At most, where the unit is arrivals.'),
  thinkTimeS: amount.describe('0 where the unit is arrivals: the scenario’s own.'),
  holdS: amount,
  tookS: amount,
  offeredPerS: amount,
  achievedPerS: amount,
  p95Ms: measure,
  failedRatio: amount,
  concurrency: measure.describe('Operations that the system worked on at once, by Little’s law.'),
});

const law = z.object({
  verdict: z.enum(['fitted', 'insufficient']),
  reasons: z.array(z.string()),
  points: z.array(z.object({ concurrency: amount, throughputPerS: amount })),
  fit: z
    .object({
      lambda: estimate, sigma: estimate, kappa: estimate, explainedRatio: z.number().describe('R².'),
      knee: point.nullable(), peak: point.nullable(), peakPerS: estimate.nullable(),
    })
    .nullable(),
}).describe('The Universal Scalability Law, X(N) = λN / (1 + σ(N − 1) + κN(N − 1)), fitted to the probes.');

export const capacitySchema = z
  .object({
    schema: z.literal('sora.capacity/v1'),
    runId: z.string(),
    scenario: z.string(),
    target: z.string(),
    startedAt: z.iso.datetime(),
    endedAt: z.iso.datetime(),
    verdict: z.enum(['pass', 'fail', 'insufficient']),
    reasons: z.array(z.string()),
    exitCode: z.int(),
    capacity: z.object({
      ratePerS: measure.describe('The highest rate that met every threshold; null where none did.'),
      confirmed: z.boolean().describe('By a longer hold.'),
      bound: z.enum(['thresholds', 'generator', 'limit']).nullable().describe('What kept it from being higher; limit: the search was not to go further.'),
      missedPerS: measure.describe('The lowest rate that was not met.'),
    }),
    unit: z.enum(['operations', 'arrivals']).optional().describe('What rates count: capacity, bounds of the search and the rate of probes; default operations. What was offered and achieved is in operations.'),
    todayPerS: measure,
    headroomRatio: measure.describe('Capacity over today’s rate, less 1.'),
    search: z.object({ fromPerS: amount, mostPerS: amount, precisionRatio: amount, holdS: amount, confirmHoldS: amount, probesMax: z.int(), durationMaxS: amount }),
    thresholds: z.array(z.string()),
    probes: z.array(probe),
    law,
    resources: plannedSpendingSchema.optional(),
  })
  .describe('The highest rate that a system carries, how it was found, and what the scalability law predicts.');

export type CapacityResult = z.infer<typeof capacitySchema>;
export type CapacityProbe = CapacityResult['probes'][number];

/** The published JSON Schema, draft 2020-12. */
export function capacityJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(capacitySchema, { target: 'draft-2020-12', io: 'input' });
  return { $schema, $id: 'urn:sora:schema:capacity:v1', title: 'sora.capacity/v1', ...rest };
}
