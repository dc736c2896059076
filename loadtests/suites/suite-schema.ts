/** The shape of a suite file: what to run, at which rates, and how each part is judged. */
import { z } from 'zod';
import { thresholdFlagOf } from '../report/thresholds/flag.ts';

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be lower-case letters, digits and dashes, at most 40');
const seconds = z.number().min(1).max(7 * 86_400);

/** A text such as `response_time: p(95)<250`, or that with k6's `abortOnFail` and `delayAbortEval`; read as the text of a flag. */
const threshold = z.union([
  z.string().max(200),
  z.strictObject({ threshold: z.string().max(200), abortOnFail: z.boolean().optional(), delayAbortEval: z.union([z.string().max(40), z.number().min(0)]).optional() }),
]).transform(thresholdFlagOf);

/** What runs and searches load. */
const loadFields = {
  /** A built-in scenario or a path. */
  scenario: z.string().min(1).max(500),
  /** With `arrivalPerS` at most. */
  users: z.int().min(1).max(10_000_000),
  /** The folder of the backend that it needs; where that is missing, the part is not run. */
  needs: z.string().regex(/^services\/[a-z-]+$/).optional(),
  /** Thresholds besides the scenario's, such as `response_time: p(95)<250`. */
  thresholds: z.array(threshold).max(20).default([]),
};

/** One run of a scenario: `users` with a mean think time make users / thinkS operations a second, arrivals as many as arrive. */
const load = z.strictObject({
  ...loadFields,
  thinkS: z.number().min(0.01).max(86_400).optional(),
  /** Sessions, or what the scenario's arrival is of, that begin each second. */
  arrivalPerS: z.number().positive().max(1e7).optional(),
  /** Operations a second that a run, a soak and what precedes a spike must come within 5 % of; default users / thinkS or arrivalPerS. For journeys that make several, or pause themselves. */
  ratePerS: z.number().positive().max(1e7).optional(),
}).refine(({ thinkS, arrivalPerS }) => (thinkS === undefined) !== (arrivalPerS === undefined), 'needs either thinkS (users who stay) or arrivalPerS (visits that arrive)');

const common = {
  name,
  /** The target in words, such as `100,000 paid chat actions a minute (1,667/s)`. */
  target: z.string().max(200),
  /** Several run at the same time. */
  loads: z.array(load).min(1).max(8),
  rampS: z.number().min(0).max(3_600),
  holdS: seconds,
};

/** Every run must pass, at the rate it is to make. */
const runPart = z.strictObject({ kind: z.literal('run'), ...common });

/** In the middle of the hold each load grows to `times` itself for `spikeS`; then p95 and goodput must come back. */
const spikePart = z.strictObject({
  kind: z.literal('spike'),
  ...common,
  times: z.number().gt(1).max(20),
  spikeS: seconds,
  /** What p95 of a second must be below to count as recovered. */
  p95Ms: z.number().positive().max(60_000),
  recoveryMaxS: z.number().min(1).max(600),
  /** Good operations a second in the spike, of those before it; absent: not judged. */
  goodputMin: z.number().min(0).max(20).optional(),
});

/** The run must pass, and neither memory nor p95 may rise significantly. */
const soakPart = z.strictObject({
  kind: z.literal('soak'),
  ...common,
  /**
   * Growth an hour, of the median, up to which a significant rise is nothing in practice: over hours a rise of a
   * thousandth is significant too. The part's target must say it. 0 fails on any significant slope.
   */
  memoryGrowthPerHourMax: z.number().min(0).max(10),
  p95GrowthPerHourMax: z.number().min(0).max(10),
});

/** Finds the highest rate that meets the thresholds. */
const searchPart = z.strictObject({
  kind: z.literal('search'),
  name,
  target: z.string().max(200),
  load: z.strictObject(loadFields),
  fromPerS: z.number().positive().max(1e7),
  toPerS: z.number().positive().max(1e7),
  holdS: seconds,
  probesMax: z.int().min(2).max(100),
});

export const suiteSchema = z.strictObject({
  name,
  description: z.string().max(300),
  parts: z.array(z.discriminatedUnion('kind', [runPart, spikePart, soakPart, searchPart])).min(1).max(30).refine((parts) => new Set(parts.map((part) => part.name)).size === parts.length, 'part names must differ'),
});

export type Suite = z.infer<typeof suiteSchema>;
export type Part = Suite['parts'][number];
export type Load = z.infer<typeof load>;
export type RunPart = z.infer<typeof runPart>;
export type SpikePart = z.infer<typeof spikePart>;
export type SoakPart = z.infer<typeof soakPart>;
export type SearchPart = z.infer<typeof searchPart>;

/** What a part loads, whatever its kind. */
export function loadsOf(part: Part): readonly SearchPart['load'][] {
  return part.kind === 'search' ? [part.load] : part.loads;
}
