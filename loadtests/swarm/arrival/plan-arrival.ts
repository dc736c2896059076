import { z } from 'zod';
import { invalidConfig } from '../../../ops/core/error.ts';
import type { Arrival } from '../scenario.ts';
import { areaOf, type Segment, segmentsOf } from './levels.ts';

/** How work arrives in a run, resolved to what the engine needs. */
export type ArrivalPlan =
  | { readonly kind: 'users'; readonly segments: readonly Segment[] }
  | { readonly kind: 'rate' | 'sessions'; readonly spacing: 'poisson' | 'even'; readonly segments: readonly Segment[] }
  | { readonly kind: 'iterations'; readonly iterations: number };

/** The users and the phases that follow from an arrival. */
export interface ArrivalPhases {
  readonly users: number;
  readonly rampMs: number;
  readonly holdMs: number;
  /** Load after the judged part. */
  readonly afterMs: number;
  readonly arrival: ArrivalPlan;
}

export const arrivalLimits = { stages: 100, stageMs: 7 * 86_400_000, users: 10_000_000, perS: 1_000_000, iterations: 1_000_000_000 } as const;

const stage = { durationMs: z.number().min(0).max(arrivalLimits.stageMs), judged: z.boolean().optional() };
const usersLevel = z.number().int().min(0).max(arrivalLimits.users);
const perSLevel = z.number().min(0).max(arrivalLimits.perS);
const count = z.number().int().positive();
const openArrival = {
  spacing: z.enum(['poisson', 'even']).optional(),
  from: perSLevel.optional(),
  usersMax: count.max(arrivalLimits.users).optional(),
  stages: z.array(z.strictObject({ ...stage, perS: perSLevel })).min(1).max(arrivalLimits.stages),
};

/** What an author may write as `arrival`. */
export const arrivalShape = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('users'),
    from: usersLevel.optional(),
    stages: z.array(z.strictObject({ ...stage, users: usersLevel })).min(1).max(arrivalLimits.stages),
  }),
  z.strictObject({ kind: z.literal('rate'), ...openArrival }),
  z.strictObject({ kind: z.literal('sessions'), ...openArrival }),
  z.strictObject({ kind: z.literal('iterations'), users: count.max(arrivalLimits.users), iterations: count.max(arrivalLimits.iterations) }),
]);

/**
 * Resolves an arrival. The judged part, which reports call the hold, is the stages marked `judged`, which must
 * adjoin; without marks the longest constant stage, the first of equals; without a constant one all of them.
 * @param users of the scenario, or as overridden
 * @param holdMs longest duration of shared iterations
 * @throws SoraError `invalid_config` naming the stage
 */
export function planArrival(arrival: Arrival, users: number, holdMs: number): ArrivalPhases {
  if (arrival.kind === 'iterations') {
    const { iterations } = arrival;
    return { users: Math.min(users, iterations), rampMs: 0, holdMs, afterMs: 0, arrival: { kind: 'iterations', iterations } };
  }
  const stages = arrival.stages.map((given) => ({ level: 'users' in given ? given.users : given.perS, durationMs: given.durationMs, judged: given.judged === true }));
  const segments = segmentsOf(stages, arrival.from ?? 0);
  if (!segments.some((segment) => areaOf(segment) > 0)) {
    throw invalidConfig('the stages of arrival bring no load: each is at 0 or without length', 'give a stage with a level above 0, such as { perS: 100, durationMs: 60_000 }');
  }
  const [first, last] = judgedRange(segments, stages.map(({ judged }) => judged));
  const rampMs = segments[first]!.fromMs;
  const judgedMs = segments[last]!.toMs - rampMs;
  const afterMs = segments.at(-1)!.toMs - rampMs - judgedMs;
  const phases = { rampMs, holdMs: judgedMs, afterMs };
  if (arrival.kind === 'users') {
    const peak = Math.max(arrival.from ?? 0, ...stages.map(({ level }) => level));
    return { users: peak, ...phases, arrival: { kind: 'users', segments } };
  }
  return { users, ...phases, arrival: { kind: arrival.kind, spacing: arrival.spacing ?? 'poisson', segments } };
}

/** First and last stage of the judged part. */
function judgedRange(segments: readonly Segment[], judged: readonly boolean[]): [number, number] {
  const first = judged.indexOf(true);
  const last = judged.lastIndexOf(true);
  if (first >= 0) {
    const gap = judged.findIndex((marked, at) => at > first && at < last && !marked);
    if (gap >= 0) throw invalidConfig(`stage ${gap + 1} lies between judged stages and is not judged`, 'judge stages that adjoin');
    if (segments[last]!.toMs <= segments[first]!.fromMs) throw invalidConfig(`stage ${first + 1} is judged and has no length`, 'give it a durationMs above 0');
    return [first, last];
  }
  let longest = -1;
  for (const [at, { from, to, fromMs, toMs }] of segments.entries()) {
    if (from !== to || to === 0 || toMs <= fromMs) continue;
    if (longest < 0 || toMs - fromMs > segments[longest]!.toMs - segments[longest]!.fromMs) longest = at;
  }
  return longest >= 0 ? [longest, longest] : [0, segments.length - 1];
}

/** The mean of arrivals a second over the judged part; undefined where users, not a rate, set the load. */
export function arrivalsPerS(arrival: ArrivalPlan | undefined, rampMs: number, holdMs: number): number | undefined {
  if (arrival?.kind !== 'rate' && arrival?.kind !== 'sessions') return undefined;
  const judged = arrival.segments.filter(({ fromMs, toMs }) => fromMs >= rampMs && toMs <= rampMs + holdMs);
  return judged.reduce((sum, segment) => sum + areaOf(segment), 0) / holdMs;
}
