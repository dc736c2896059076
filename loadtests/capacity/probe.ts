import type { Summary } from '../report/summary-schema.ts';
import type { HarnessEnd } from './harness-run.ts';
import type { Outcome, Probe } from './search.ts';

/** How a rate is made: so many users with so much think time. */
export interface Load {
  readonly users: number;
  readonly thinkMs: number;
  readonly rampMs: number;
}

/** Steps that a user takes in the hold on average, so that 99 % of them take one (e^−6 take none). */
const stepsPerUser = 6;
/** Users arrive at most so fast. */
const arrivalsPerS = 20_000;
const usualRampMs = 3_000;
/** No user acts more often than this. */
export const thinkLeastMs = 10;

/**
 * The load that offers a rate: think time is users / rate. Where the rate is too low for all users to
 * act in the hold, fewer take part, as a run without a step of nearly each user is not valid.
 */
export function loadOf(ratePerS: number, holdMs: number, usersMax: number): Load {
  const users = Math.max(1, Math.min(usersMax, Math.floor((ratePerS * holdMs) / 1_000 / stepsPerUser)));
  const thinkMs = Number(((users / ratePerS) * 1_000).toFixed(3));
  return { users, thinkMs, rampMs: Math.ceil(Math.max(Math.min(usualRampMs, holdMs / 2), (users / arrivalsPerS) * 1_000)) };
}

/** The flags of a run that offers this load. */
export function loadFlags({ users, thinkMs, rampMs }: Load, holdMs: number): string[] {
  return ['--users', String(users), '--think', `${thinkMs}ms`, '--ramp', `${rampMs}ms`, '--duration', `${holdMs}ms`];
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
}

/** A probe must offer this share of its rate; with less it did not put the question. */
const offeredLeast = 0.9;

/** Reads a run as an answer to "does the system carry this rate?". */
export function figuresOf(probe: Pick<Probe, 'ratePerS'>, { summary, exitCode, said }: HarnessEnd): ProbeFigures {
  if (summary === undefined) {
    const reason = `the run ended with ${exitCode ?? 'a signal'} before it measured: ${said.trim().split('\n').at(-1) ?? ''}`;
    return { outcome: 'unclear', reasons: [reason], offeredPerS: 0, achievedPerS: 0, p95Ms: null, failedRatio: 0, concurrency: null, valid: false };
  }
  const { offeredPerS, achievedPerS, failedRatio } = summary.operations;
  const isShort = summary.verdict === 'pass' && offeredPerS < probe.ratePerS * offeredLeast;
  return {
    outcome: isShort ? 'unclear' : outcomeOf(summary),
    valid: !isShort && summary.verdict !== 'insufficient',
    reasons: isShort ? [`only ${Math.round(offeredPerS)} of ${probe.ratePerS} operations/s fell due`] : summary.reasons,
    offeredPerS, achievedPerS, failedRatio, p95Ms: summary.latencyMs.response.p95, concurrency: summary.concurrencyMean ?? null,
  };
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
