import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { messageOf } from '../../ops/core/error.ts';
import type { Files } from '../../ops/core/host.ts';
import { arrivalShape } from './arrival/plan-arrival.ts';
import { loadFeeders } from './feeder.ts';
import { scenarioError } from './journeys.ts';
import type { Scenario } from './scenario.ts';
import { linkFields } from './transport/scenario-links.ts';

const distribution = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('constant'), value: z.number().min(0) }),
  z
    .object({ kind: z.literal('uniform'), from: z.number().min(0), to: z.number().min(0) })
    .refine(({ from, to }) => from <= to, 'from must not exceed to'),
  z.object({ kind: z.literal('exponential'), mean: z.number().positive() }),
]);

const step = z.object({
  op: z.string().regex(/^[\w.:-]{1,64}$/, 'must be a short name without blanks'),
  run: z.custom<() => Promise<void>>((value) => typeof value === 'function', 'must be an async function'),
  thinkTimeMs: distribution.optional(),
});

const thresholdRule = z.union([
  z.string(),
  z.strictObject({ threshold: z.string(), abortOnFail: z.boolean().optional(), delayAbortEval: z.union([z.string(), z.number()]).optional() }),
], 'must be an expression or { threshold, abortOnFail, delayAbortEval }');

const journey = z
  .object({
    name: z.string().min(1).max(64),
    weight: z.number().min(0),
    users: z.array(z.number().int().min(0)).max(10_000).optional(),
    steps: z.array(step).min(1).optional(),
    run: step.shape.run.optional(),
    thinkTimeMs: distribution.optional(),
  })
  .refine(({ steps, run }) => (steps === undefined) !== (run === undefined), 'needs either steps or run');

const shape = z.looseObject({
  name: z.string().min(1).max(100),
  description: z.string(),
  users: z.number().int().positive(),
  rampMs: z.number().min(0),
  holdMs: z.number().positive(),
  thinkTimeMs: distribution,
  pace: z.enum(['due', 'after-reply']).optional(),
  system: z.enum(['avalo', 'any']).optional(),
  journeys: z.array(journey).min(1),
  arrival: arrivalShape.optional(),
  ...linkFields,
  thresholds: z.record(z.string(), z.array(thresholdRule)),
});

/**
 * Imports a scenario file, which exports its scenario as default, checks its shape and reads its feeders' files.
 * @param file absolute path
 * @param files where feeders' files are read; without it feeders stay unread, and say so when they are asked
 * @throws SoraError `scenario_error` (exit 107) when it does not load or is no scenario, `invalid_config` (104) on a feeder's file
 */
export async function loadScenario(file: string, files?: Files): Promise<Scenario<never>> {
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(file).href)) as { default?: unknown };
  } catch (error) {
    throw scenarioError(`${file} does not load: ${messageOf(error)}`, error);
  }
  if (module.default === undefined) throw scenarioError(`${file} has no default export; end it with: export default scenario({ … })`);
  const checked = shape.safeParse(module.default);
  if (!checked.success) {
    const problems = checked.error.issues.map((issue) => `${issue.path.join('.') || 'scenario'}: ${issue.message}`);
    throw scenarioError(`${file} is no scenario: ${problems.join('; ')}`);
  }
  if (files !== undefined) loadFeeders(files, dirname(file));
  return module.default as Scenario<never>;
}
