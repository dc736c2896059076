import type { ArrivalPlan } from './arrival/plan-arrival.ts';
import type { Distribution } from './scenario.ts';

/** What a run does, the same for every worker. */
export interface RunPlan {
  /** The first 8 hex digits of every write's id. */
  readonly run: string;
  readonly seed: number;
  readonly users: number;
  /** Until the judged part of the load begins. */
  readonly rampMs: number;
  readonly holdMs: number;
  /** What comes after the judged part: stages that are not judged, then how long late work may go on. */
  readonly drainMs: number;
  readonly thinkTimeMs: Distribution;
  /** It was given for this run, so the scenario's own pauses are scaled to it. */
  readonly paced?: true;
  readonly pace: 'due' | 'after-reply';
  /** How work arrives; undefined: users arrive evenly over the ramp and stay until the hold ends. */
  readonly arrival?: ArrivalPlan;
}

/** When the load ends and nothing more falls due, ms since the run began. */
export function endOfLoadMs({ arrival, rampMs, holdMs }: RunPlan): number {
  const stages = arrival === undefined || arrival.kind === 'iterations' ? undefined : arrival.segments;
  return stages?.at(-1)?.toMs ?? rampMs + holdMs;
}

/** Index among `phaseNames` of what is due then: before the judged part, in it, or after it. */
export function phaseOf({ rampMs, holdMs }: RunPlan, dueMs: number): number {
  if (dueMs < rampMs) return 0;
  return dueMs < rampMs + holdMs ? 1 : 2;
}

/** The user whose steps a run records: one from the middle, or the first where later ones may never be needed. */
export function sampledUserOf({ arrival, users }: RunPlan): number {
  return arrival === undefined || arrival.kind === 'users' ? Math.floor(users / 2) : 0;
}
