/** What a run measured, as workers send it, the coordinator merges it and reports read it. */

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
  /** http_req_duration and its counts: each request by itself, as k6 means them. */
  readonly requests: number;
  readonly requestsFailed: number;
  readonly requestDuration: SparseHistogram;
  readonly bytesSent: number;
  readonly bytesReceived: number;
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
  readonly rssAtStartBytes: number;
  readonly loopDelayP99Ms: number;
  readonly usersStarted: number;
  readonly usersActive: number;
  readonly unsent: number;
}

/** One second of one worker. */
export interface WorkerTick {
  readonly worker: number;
  /** Seconds since the run began. */
  readonly second: number;
  readonly operations: readonly OperationSample[];
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
