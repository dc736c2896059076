/** What a run measured, as workers send it, the coordinator merges it and reports read it. */

import type { Partition } from './partition.ts';
import type { Runtime } from './transport/limits.ts';
import type { TransportKind } from './transport/link-plan.ts';

/** A histogram's non-empty buckets: pairs of bucket index and count (see histogram.ts). */
export type SparseHistogram = Uint32Array;

export type PhaseName = 'ramp' | 'hold' | 'drain';

/** Times kept apart, in microseconds. */
export type TimeName = 'response' | 'service' | 'poolWait' | 'lateness';
export const timeNames: readonly TimeName[] = ['response', 'service', 'poolWait', 'lateness'];

/** Counts and times of one operation in one phase and period. */
export interface OperationSample {
  readonly op: string;
  readonly phase: PhaseName;
  readonly total: number;
  readonly failed: number;
  readonly refused: number;
  readonly times: Readonly<Record<TimeName, SparseHistogram>>;
  /** Response times of the failed, which `times.response` holds too. */
  readonly failedResponse: SparseHistogram;
  /** http_req_duration and its counts: each request by itself, as k6 means them. */
  readonly requests: number;
  readonly requestsFailed: number;
  readonly requestDuration: SparseHistogram;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** What was measured of one operation where journeys gave it one tag, in one phase and period. */
export interface TagSample extends OperationSample {
  readonly name: string;
  readonly value: string;
  readonly checks: number;
  readonly checksFailed: number;
}

/** Checks of one name in one operation, phase and period. */
export interface CheckSample {
  readonly name: string;
  readonly op: string;
  readonly phase: PhaseName;
  /** Passed and failed. */
  readonly total: number;
  readonly failed: number;
}

/** How often something counted as `(other)` because its name came beyond the bound of such names. */
export interface NamesBeyond {
  readonly operations: number;
  readonly tags: number;
  readonly checks: number;
}

/** Counts and response times of one operation in one block of the hold (see blocks.ts). */
export interface OperationBlock {
  readonly op: string;
  /** Since the hold began. */
  readonly startMs: number;
  /** Shorter than its neighbours where the hold ended. */
  readonly durationMs: number;
  readonly total: number;
  readonly failed: number;
  readonly response: SparseHistogram;
}

/** The first example and the count of one kind of error. */
export interface ErrorGroup {
  /** `status 500`, `timeout`, `ECONNRESET`, `check: has items`, `throw: TypeError`, `unsent`. */
  readonly kind: string;
  readonly op: string;
  count: number;
  readonly firstAtMs: number;
  readonly firstMessage: string;
  readonly firstStack?: string;
  readonly firstCorrelationId?: string;
}

export interface SlowOperation {
  readonly op: string;
  readonly user: number;
  readonly step: number;
  readonly atMs: number;
  readonly responseUs: number;
  readonly serviceUs: number;
  readonly status: number;
  readonly correlationId: string;
}

/** How the generator itself fares. */
export interface WorkerHealth {
  readonly worker: number;
  readonly pid: number;
  /** CPU time used since start, µs. */
  readonly cpuUs: number;
  /** Highest share of one core over any period of 5 s during the hold. */
  readonly coreShareMax: number;
  readonly rssBytes: number;
  /** Memory of the worker before it heard of its job: the fixed part, without users and shared data. */
  readonly rssAtStartBytes: number;
  /** Memory that its users took before the first of them acted: what `setup` shares, their schedule and arrays. */
  readonly laidOutBytes?: number;
  readonly loopDelayP99Ms: number;
  readonly usersStarted: number;
  readonly usersActive: number;
  readonly unsent: number;
  /** Users act as work needs them, of so many at most: it arrives openly, or they share iterations. */
  readonly usersAsNeeded?: boolean;
  /** Arrivals that found no free user and waited for one; undefined where work does not arrive openly. */
  readonly arrivalsQueued?: number;
  /** Arrivals that began, and those of them that the end of the run cut short in a pause. */
  readonly arrivalsBegun?: number;
  readonly arrivalsCut?: number;
  readonly namesBeyond?: NamesBeyond;
  /** What its connections did besides carrying one request each time. */
  readonly links?: LinkCounts;
}

/** Counted since the run began. */
export interface LinkCounts {
  /** Connections begun. */
  readonly opened: number;
  /** Requests sent again, as they had asked for. */
  readonly retries: number;
  /** Redirects followed. */
  readonly redirects: number;
}

/** One second of one worker. */
export interface WorkerTick {
  readonly worker: number;
  /** Seconds since the run began. */
  readonly second: number;
  readonly operations: readonly OperationSample[];
  /** Of journeys that set tags. */
  readonly tags?: readonly TagSample[];
  /** Of journeys that check. */
  readonly checks?: readonly CheckSample[];
  readonly health: WorkerHealth;
  readonly errors: readonly ErrorGroup[];
  readonly slowest: readonly SlowOperation[];
}

/** The acknowledged writes of one user, as the audit compares them. */
export interface UserWrites {
  readonly user: number;
  readonly acknowledged: number;
  /** Sum of the last 32 bits of each acknowledged id. */
  readonly checksum: number;
  /** Ids sent whose reply never came: there once or not at all. */
  readonly indeterminate: readonly string[];
}

/** One point a second for the charts, over all workers. */
export interface SeriesPoint {
  readonly second: number;
  readonly phase: PhaseName;
  readonly users: number;
  readonly total: number;
  readonly failed: number;
  readonly refused: number;
  /** Of the response time, ms; null in a second without an operation. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** Quantiles of a histogram, ms. */
export interface Quantiles {
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** When a phase ran, milliseconds since the run began. An operation belongs to the phase of its due time. */
export interface PhaseWindow {
  readonly name: PhaseName;
  readonly startMs: number;
  readonly endMs: number;
}

/** The acknowledged writes of all users; arrays are indexed by user. */
export interface WriteTotals {
  readonly acknowledged: Uint32Array;
  /** Sum of the last 32 bits of each acknowledged id. */
  readonly checksum: Float64Array;
  readonly indeterminate: readonly IndeterminateWrite[];
  /** Writes of unknown fate that are not listed: a worker keeps 200,000. */
  readonly indeterminateDropped: number;
  /** Acknowledged writes by kind. */
  readonly byKind: Readonly<Record<string, number>>;
  /** The first 8 hex digits of every id of this run. */
  readonly run: string;
  /** Default what `operationsPerUser` lets expect. */
  readonly reach?: WriteReach;
}

/** How far acknowledged writes go: each id is of a key and a step below these. */
export interface WriteReach {
  /** Users are their own key; where work arrives, a user has its index, index + users, index + 2 × users, … */
  readonly keys: number;
  readonly steps: number;
}

/** A write whose bytes left but whose fate is unknown: a timeout, a broken connection, a 5xx. */
export interface IndeterminateWrite {
  readonly user: number;
  readonly id: string;
  readonly kind: string;
}

/** The writes of each user that made any, in order of user. */
export function* writesByUser(writes: WriteTotals): Generator<UserWrites> {
  const unsure = Map.groupBy(writes.indeterminate, (write) => write.user);
  for (let user = 0; user < writes.acknowledged.length; user++) {
    const acknowledged = writes.acknowledged[user] ?? 0;
    const indeterminate = (unsure.get(user) ?? []).map((write) => write.id);
    if (acknowledged === 0 && indeterminate.length === 0) continue;
    yield { user, acknowledged, checksum: writes.checksum[user] ?? 0, indeterminate };
  }
}

/** Steps of the sampled user that are kept. */
export const historyMax = 1_000;

/** One step of the sampled user, as it happened. */
export interface HistoryStep {
  readonly user: number;
  readonly step: number;
  readonly op: string;
  /** Due time, ms since the run began. */
  readonly dueMs: number;
  readonly thinkTimeMs: number;
  readonly outcome: 'ok' | 'failed' | 'refused';
  readonly errorKind?: string;
  readonly responseUs: number;
  readonly serviceUs: number;
  readonly poolWaitUs: number;
  readonly latenessUs: number;
  readonly requests: readonly {
    readonly method: string;
    readonly path: string;
    /** 0 where no reply came. */
    readonly status: number;
    readonly serviceUs: number;
    readonly correlationId: string;
  }[];
}

/** Operations completed per user; failed ones do not count, expected refusals do. */
export interface OperationsPerUser {
  readonly min: number;
  readonly p1: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Share of users with at least one completed operation. */
  readonly completedRatio: number;
}

/** Everything a run measured; reports and verdicts are functions of it. */
export interface RunMeasurement {
  readonly runId: string;
  readonly scenario: string;
  readonly target: string;
  readonly seed: number;
  readonly pace: 'due' | 'after-reply';
  /** How users reach the target. */
  readonly transport: TransportKind;
  /** What the workers ran in. Default Node. */
  readonly runtime?: Runtime;
  /** Source addresses used in turn; 0, the default, where the system chose. */
  readonly sourceAddresses?: number;
  readonly sockets: number;
  readonly users: number;
  readonly rampMs: number;
  readonly holdMs: number;
  readonly drainMs: number;
  readonly thinkTimeMeanMs: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly phases: readonly PhaseWindow[];
  /** Totals by operation and phase. */
  readonly operations: readonly OperationSample[];
  /** Totals by tag, operation and phase, of journeys that set tags. */
  readonly tags?: readonly TagSample[];
  /** Totals by check, operation and phase, of journeys that check. */
  readonly checks?: readonly CheckSample[];
  readonly series: readonly SeriesPoint[];
  /** The hold in blocks, by which runs are compared; undefined where they were not kept. */
  readonly blocks?: readonly OperationBlock[];
  /** One entry a worker: its last report. */
  readonly workers: readonly WorkerHealth[];
  readonly errors: readonly ErrorGroup[];
  /** The 20 operations of longest response time, longest first. */
  readonly slowest: readonly SlowOperation[];
  readonly operationsPerUser: OperationsPerUser;
  /** Operations completed without failure, indexed by user, or by place where work arrives; those of other shares are 0. */
  readonly completed?: Uint32Array;
  /** Every step of one user, at most `historyMax`. */
  readonly history: readonly HistoryStep[];
  readonly writes: WriteTotals;
  /** Operations that were due and never sent when the drain ended. */
  readonly unsent: number;
  readonly interrupted: boolean;
  /** Which threshold ended the run early, and what it measured. */
  readonly aborted?: string | undefined;
  /** Why the scenario's teardown did not end well, where it did not; among `errors` too. What was measured stands. */
  readonly teardownFailed?: string | undefined;
  /** Workers that died before they reported; what they had measured until their last second counts. */
  readonly workersLost: readonly number[];
  /** The users of the lost workers. */
  readonly lostParts?: readonly Partition[];
}

/** What a live view shows, once a second. */
export interface LiveView {
  readonly second: number;
  readonly elapsedMs: number;
  readonly phase: PhaseName;
  readonly rampMs: number;
  readonly holdMs: number;
  readonly users: number;
  readonly usersTotal: number;
  /** Operations completed in the last second. */
  readonly ratePerS: number;
  /** Since the run began. */
  readonly total: number;
  readonly failed: number;
  readonly refused: number;
  /** Of the response time over the last second, ms; null without an operation. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly workers: readonly WorkerHealth[];
}
