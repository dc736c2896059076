import { assertNever } from '../../ops/core/error.ts';
import type { Summary } from '../report/summary-schema.ts';
import { type HarnessEnd, lastWordOf } from './harness-run.ts';
import type { Outcome, Probe } from './search.ts';

/** How a rate is made: so many users with so much think time; where work arrives, of so many arrivals a second. */
export interface Load {
  /** At most, where work arrives. */
  readonly users: number;
  /** 0 where work arrives: its pauses are the scenario's. */
  readonly thinkMs: number;
  readonly rampMs: number;
  readonly arrivalPerS?: number;
}

/**
 * What a search moves: the think time of users who stay (`users`), also where they come and go in stages (`stages`), or how
 * much arrives a second (`arrivals`).
 */
export type Lever = 'users' | 'stages' | 'arrivals';

/** Steps that a user takes in the hold on average, so that 99 % of them take one (e^−6 take none). */
const stepsPerUser = 6;
/** Users arrive at most so fast. */
const arrivalsPerS = 20_000;
const usualRampMs = 3_000;
/** No user acts more often than this. */
export const thinkLeastMs = 10;
/** The shortest that a run takes. */
const thinkShortestMs = 1;

/**
 * The load that offers a rate: think time is users / rate. Where the rate is too low for all users to
 * act in the hold, fewer take part, as a run without a step of nearly each user is not valid.
 * @param perUser operations fall due so many times as often as think times tell, as earlier probes showed
 */
export function loadOf(ratePerS: number, holdMs: number, usersMax: number, lever: Lever = 'users', perUser = 1): Load {
  if (lever === 'arrivals') return { users: usersMax, thinkMs: 0, rampMs: Math.ceil(Math.min(usualRampMs, holdMs / 2)), arrivalPerS: ratePerS };
  const users = Math.max(1, Math.min(usersMax, Math.floor((ratePerS * holdMs) / 1_000 / stepsPerUser)));
  const plainMs = (users / ratePerS) * 1_000;
  const thinkMs = Number(Math.max(Math.min(plainMs, thinkShortestMs), plainMs * perUser).toFixed(3));
  return { users, thinkMs, rampMs: Math.ceil(Math.max(Math.min(usualRampMs, holdMs / 2), (users / arrivalsPerS) * 1_000)) };
}

/** The flags of a run that offers this load. */
export function loadFlags({ users, thinkMs, rampMs, arrivalPerS }: Load, holdMs: number, lever: Lever = 'users'): string[] {
  const times = ['--ramp', `${rampMs}ms`, '--duration', `${holdMs}ms`];
  switch (lever) {
    case 'users':
      return ['--users', String(users), '--think', `${thinkMs}ms`, ...times];
    case 'stages':
      return ['--stages', `${rampMs}ms:${users},${holdMs}ms:${users}`, '--think', `${thinkMs}ms`];
    case 'arrivals':
      return ['--users', String(users), '--arrival-rate', String(arrivalPerS), ...times];
    default:
      return assertNever(lever);
  }
}

/** What one probe showed. */
export interface ProbeFigures {
  readonly outcome: Outcome;
  /** Why it missed or was unclear; empty when it met. */
  readonly reasons: readonly string[];
  readonly offeredPerS: number;
  readonly achievedPerS: number;
  readonly p95Ms: number | null;
  readonly failedRatio: number;
  readonly concurrency: number | null;
  /** Whether its figures may be believed; the law uses no others. */
  readonly valid: boolean;
  /** Where the load was not the one asked for: operations that fell due, of those asked for. Else 1. */
  readonly perUser: number;
}

/** A probe must offer this share of its rate; with less it did not put the question. */
const offeredLeast = 0.9;
/** More than this share of it, and so many operations/s beyond, is another question too; less is the journeys of certain users. */
const offeredMost = { ratio: 1.25, beyondPerS: 5 } as const;

/** Reads a run as an answer to "does the system carry this rate?". */
export function figuresOf(probe: Pick<Probe, 'ratePerS'>, { summary, exitCode, said, overdue }: HarnessEnd, lever: Lever = 'users'): ProbeFigures {
  if (summary === undefined) {
    const reason = `the run ended with ${exitCode ?? 'a signal'} before it measured: ${lastWordOf({ said, overdue })}`;
    return { outcome: 'unclear', reasons: [reason], offeredPerS: 0, achievedPerS: 0, p95Ms: null, failedRatio: 0, concurrency: null, valid: false, perUser: 1 };
  }
  const { offeredPerS, achievedPerS, failedRatio } = summary.operations;
  const amiss = amissOf(probe.ratePerS, summary, lever);
  const why = overdue ?? amiss;
  return {
    outcome: why === undefined ? outcomeOf(summary) : 'unclear',
    valid: why === undefined && summary.verdict !== 'insufficient',
    reasons: why === undefined ? summary.reasons : [why],
    perUser: amiss === undefined || overdue !== undefined || lever === 'arrivals' || offeredPerS === 0 ? 1 : offeredPerS / probe.ratePerS,
    offeredPerS, achievedPerS, failedRatio, p95Ms: summary.latencyMs.response.p95, concurrency: summary.concurrencyMean ?? null,
  };
}

/** Why a load was not the one asked for; undefined where it was. */
function amissOf(ratePerS: number, summary: Summary, lever: Lever): string | undefined {
  const { verdict, operations: { offeredPerS }, arrivalsQueued = 0 } = summary;
  if (verdict === 'insufficient') return undefined;
  if (lever === 'arrivals') {
    // What waits for a user is late by the generator's doing; an arrival may be several operations.
    if (arrivalsQueued > 0) return `${arrivalsQueued} arrivals found no free user and waited for one: give more --users`;
    return verdict === 'pass' && offeredPerS < ratePerS * offeredLeast ? `only ${Math.round(offeredPerS)} operations/s fell due of ${ratePerS} arrivals/s` : undefined;
  }
  if (verdict === 'pass' && offeredPerS < ratePerS * offeredLeast) return `only ${Math.round(offeredPerS)} of ${ratePerS} operations/s fell due`;
  const isOver = offeredPerS > ratePerS * offeredMost.ratio && offeredPerS - ratePerS > offeredMost.beyondPerS;
  return isOver ? `${Math.round(offeredPerS)} operations/s fell due in place of ${ratePerS}` : undefined;
}

function outcomeOf(summary: Summary): Outcome {
  if (summary.verdict === 'insufficient' && hasFailedItself(summary)) return 'missed';
  return ({ pass: 'met', fail: 'missed', insufficient: 'unclear' } as const)[summary.verdict];
}

/** What a slow generator cannot cause: a failed or refused reply. */
const repliesPattern = /^(http_req_failed|operation_failed|operation_refused)\b/;
/** Signs of a slow generator; others, such as a worker that died, leave its counts in doubt too. */
const slownessNames = new Set(['lateness_p99', 'loop_delay_p99', 'worker_core_share', 'unsent', 'users_completed']);

/**
 * Whether a run that is not valid still shows that the system does not carry the rate: near its limit
 * the system takes the cores of a generator on the same machine, which is then late; the times it
 * measures are in doubt, but not that too many replies were failures.
 */
function hasFailedItself({ validity, thresholds, reasons }: Summary): boolean {
  const isOnlySlow = validity.every(({ name, ok }) => ok || slownessNames.has(name)) && !reasons.includes('interrupted');
  return isOnlySlow && thresholds.some(({ metric, ok }) => ok === false && repliesPattern.test(metric));
}
