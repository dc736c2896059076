/** The contract of `suite.json`. Names stay; new ones may be added. Published as `loadtests/schema/suite.v1.json`. */
import { z } from 'zod';
import { plannedSpendingSchema, spentSchema } from '../report/spent.ts';

const amount = z.number().min(0);
const measure = z.number().nullable();

const check = z.object({
  name: z.string(),
  measured: measure,
  limit: measure,
  ok: z.boolean().nullable().describe('null: nothing was measured, so it proves nothing.'),
  text: z.string(),
});

const part = z.object({
  name: z.string(),
  kind: z.enum(['run', 'spike', 'soak', 'search']),
  target: z.string(),
  verdict: z.enum(['pass', 'fail', 'insufficient', 'not-run']),
  reasons: z.array(z.string()),
  needs: z.array(z.string()).describe('Of a part that was not run: what it needs and is not there.'),
  broken: z.boolean().describe('The audit found a write lost or doubled, or an unbalanced ledger.'),
  checks: z.array(check),
  runs: z.array(z.object({ runId: z.string(), scenario: z.string(), achievedPerS: amount, p95Ms: measure, failedRatio: amount, verdict: z.string() })),
  used: spentSchema.optional().describe('What its runs used; absent where none ran.'),
  tookS: amount,
});

export const suiteResultSchema = z
  .object({
    schema: z.literal('sora.suite/v1'),
    suiteId: z.string(),
    suite: z.string(),
    description: z.string(),
    target: z.string(),
    scale: z.number().positive().max(1).describe('Below 1 rates and durations were shortened, and nothing was proved.'),
    startedAt: z.iso.datetime(),
    endedAt: z.iso.datetime(),
    verdict: z.enum(['pass', 'fail', 'insufficient']),
    reasons: z.array(z.string()),
    exitCode: z.int(),
    parts: z.array(part),
    resources: plannedSpendingSchema.optional(),
  })
  .describe('What a suite of load runs proved, part by part.');

export type SuiteResult = z.infer<typeof suiteResultSchema>;
export type PartResult = SuiteResult['parts'][number];
export type Check = PartResult['checks'][number];

/** The published JSON Schema, draft 2020-12. */
export function suiteJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(suiteResultSchema, { target: 'draft-2020-12', io: 'input' });
  return { $schema, $id: 'urn:sora:schema:suite:v1', title: 'sora.suite/v1', ...rest };
}
