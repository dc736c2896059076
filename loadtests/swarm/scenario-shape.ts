import { closest } from 'fastest-levenshtein';
import { z } from 'zod';
import { arrivalLimits, arrivalShape } from './arrival/plan-arrival.ts';
import { linkFields } from './transport/link-fields.ts';

const distribution = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('constant'), value: z.number().min(0) }),
  z
    .object({ kind: z.literal('uniform'), from: z.number().min(0), to: z.number().min(0) })
    .refine(({ from, to }) => from <= to, 'from must not exceed to'),
  z.object({ kind: z.literal('exponential'), mean: z.number().positive() }),
]);

const step = z.strictObject({
  op: z.string().regex(/^[\w.:-]{1,64}$/, 'must be a short name without blanks'),
  run: z.custom<() => Promise<void>>((value) => typeof value === 'function', 'must be an async function'),
  thinkTimeMs: distribution.optional(),
});

const thresholdRule = z.union([
  z.string(),
  z.strictObject({ threshold: z.string(), abortOnFail: z.boolean().optional(), delayAbortEval: z.union([z.string(), z.number()]).optional() }),
], 'must be an expression or { threshold, abortOnFail, delayAbortEval }');

const journey = z
  .strictObject({
    name: z.string().min(1).max(64),
    weight: z.number().min(0),
    users: z.array(z.number().int().min(0)).max(10_000).optional(),
    steps: z.array(step).min(1).optional(),
    run: step.shape.run.optional(),
    thinkTimeMs: distribution.optional(),
  })
  .refine(({ steps, run }) => (steps === undefined) !== (run === undefined), 'needs either steps or run');

const functionOf = (what: string) => z.custom<(...given: never[]) => unknown>((value) => typeof value === 'function', `must be a function: ${what}`);

const scenarioShape = z.strictObject({
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
  sessionsPerS: z.number().positive().max(arrivalLimits.perS).optional(),
  ...linkFields,
  thresholds: z.record(z.string(), z.array(thresholdRule)),
  ratePerSMax: z.number().positive().optional(),
  leastPerS: z.record(z.string(), z.number().min(0)).optional(),
  setup: functionOf('runs once before the first user').optional(),
  teardown: functionOf('runs once at the end').optional(),
  state: functionOf('(userIndex, shared) => what a user remembers').optional(),
  headers: functionOf('(userIndex, shared) => headers of every request').optional(),
}).refine(({ arrival, sessionsPerS }) => arrival === undefined || sessionsPerS === undefined, { path: ['sessionsPerS'], message: 'it is for scenarios without arrival, leave one of the two out' });

const textMax = 60;
const fieldsOf = { '': Object.keys(scenarioShape.shape), steps: Object.keys(step.shape), journeys: ['name', 'weight', 'users', 'steps', 'run', 'thinkTimeMs'] } as const;

/** Everything that is wrong with what a scenario file exports, each with its place, the value found and what is allowed. */
export function findFaults(value: unknown): string[] {
  const checked = scenarioShape.safeParse(value);
  if (checked.success) return [];
  const unknown = new Set(checked.error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : [])));
  return checked.error.issues.map((issue) => {
    const place = issue.path.join('.');
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${place === '' ? '' : `${place}.`}${key} is no field${nearestOf(key, namesAt(issue.path))}`).join('; ');
    const found = valueAt(value, issue.path);
    const near = found === undefined ? [...unknown].find((key) => closest(key, [...(namesAt(issue.path.slice(0, -1)) ?? [])]) === issue.path.at(-1)) : undefined;
    if (near !== undefined) return `${place} is missing`;
    if (issue.path.at(-1) === 'thinkTimeMs' && typeof found === 'number') return `${place} is ${found}: write { kind: 'constant', value: ${found} }`;
    return `${place === '' ? 'the scenario' : place} is ${found === undefined ? 'missing' : show(found)}: ${issue.code === 'invalid_type' ? `it must be ${kindNames[issue.expected] ?? issue.expected}` : issue.message}`;
  });
}

const kindNames: Readonly<Record<string, string>> = {
  string: 'a text', number: 'a number', int: 'a whole number', boolean: 'true or false', array: 'a list', object: 'an object', record: 'an object',
};

function nearestOf(key: string, names: readonly string[] | undefined): string {
  return names === undefined ? '' : `; did you mean ${closest(key, [...names])}?`;
}

/** The fields there are at a place; undefined where they depend on others. */
function namesAt(path: readonly PropertyKey[]): readonly string[] | undefined {
  const list = path.findLast((part) => typeof part === 'string');
  if (list === 'steps') return fieldsOf.steps;
  if (list === 'journeys') return fieldsOf.journeys;
  return list === undefined ? fieldsOf[''] : undefined;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, part) => (inner === null || typeof inner !== 'object' ? undefined : (inner as Record<PropertyKey, unknown>)[part]), value);
}

function show(value: unknown): string {
  const text = typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));
  return text.length > textMax ? `${text.slice(0, textMax)}…` : text;
}
