import { assertNever } from '../core/error.ts';

/**
 * The life of one supervised process as a pure function.
 *
 * - `waiting`: not started; leaves when all it depends on is ready.
 * - `starting`: runs, not ready yet; killed when the readiness timeout has passed.
 * - `ready`: answers its readiness question; for a task: ended with exit code 0.
 * - `unready`: ran and was ready, answers otherwise or not at all; killed after 30 s of silence.
 * - `backoff`: ended unasked; started again at its time.
 * - `stopping`: asked to end; signals grow harder.
 * - `stopped`: ended as asked.
 * - `failed`: ended five times within 60 s, or once where it is never restarted; stays so.
 */
export type ProcessStatus = 'waiting' | 'starting' | 'ready' | 'unready' | 'backoff' | 'stopping' | 'stopped' | 'failed';

export interface ProcessRecord {
  readonly status: ProcessStatus;
  /** When it took this status. */
  readonly sinceMs: number;
  /** Times of unasked ends within the crash-loop window. */
  readonly crashesMs: readonly number[];
  /** Unasked ends since it was last healthy for a minute. */
  readonly streak: number;
  readonly restarts: number;
  readonly retryAtMs: number;
  /** Signals of the stop ladder sent so far. */
  readonly signalsSent: number;
  /** Since when it has given no answer at all. */
  readonly silentSinceMs: number | undefined;
}

/** What the last readiness question brought: `silent` is no answer, `refusing` an answer other than yes. */
export type ProbeResult = 'none' | 'ok' | 'refusing' | 'silent';

export interface ExitOf {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StopStep {
  readonly signal: NodeJS.Signals;
  /** Counted from the beginning of the stop. */
  readonly afterMs: number;
}

export interface ProcessPolicy {
  readonly task: boolean;
  readonly restart: 'always' | 'never';
  readonly readyTimeoutMs: number;
  readonly stopLadder: readonly StopStep[];
}

export interface Observed {
  readonly policy: ProcessPolicy;
  readonly record: ProcessRecord;
  /** Whether it should run. */
  readonly wanted: boolean;
  readonly dependenciesReady: boolean;
  /** Whether all that depends on it has ended, so that it may. */
  readonly dependentsGone: boolean;
  /** `running`, or how it ended since the last decision. */
  readonly process: 'absent' | 'running' | ExitOf;
  readonly probe: ProbeResult;
}

export type Action = { readonly do: 'spawn' } | { readonly do: 'signal'; readonly signal: NodeJS.Signals };

export interface Decision {
  readonly record: ProcessRecord;
  readonly actions: readonly Action[];
}

export const limits = {
  backoffBaseMs: 100,
  backoffMaxMs: 10_000,
  crashLoopCount: 5,
  crashLoopWindowMs: 60_000,
  healthyAfterMs: 60_000,
  silentKillMs: 30_000,
} as const;

export function newRecord(nowMs: number): ProcessRecord {
  return { status: 'waiting', sinceMs: nowMs, crashesMs: [], streak: 0, restarts: 0, retryAtMs: 0, signalsSent: 0, silentSinceMs: undefined };
}

/** Decides what to do with one process. Call it at every event and at least every 100 ms. */
export function decide(observed: Observed, nowMs: number): Decision {
  const { record, wanted } = observed;
  switch (record.status) {
    case 'waiting':
      if (!wanted) return enter(record, 'stopped', nowMs);
      return observed.dependenciesReady ? start(record, nowMs) : stay(record);
    case 'backoff':
      if (!wanted) return enter(record, 'stopped', nowMs);
      if (nowMs < record.retryAtMs || !observed.dependenciesReady) return stay(record);
      return start({ ...record, restarts: record.restarts + 1 }, nowMs);
    case 'starting':
    case 'ready':
    case 'unready':
      return decideRunning(observed, nowMs);
    case 'stopping':
      return decideStopping(observed, nowMs);
    case 'stopped':
      return wanted ? enter(record, 'waiting', nowMs) : stay(record);
    case 'failed':
      return stay(record);
    default:
      return assertNever(record.status);
  }
}

function decideRunning(observed: Observed, nowMs: number): Decision {
  const { record, policy, process, probe } = observed;
  if (typeof process === 'object') {
    if (policy.task && process.code === 0) return enter(record, 'ready', nowMs);
    return observed.wanted ? crash(observed, nowMs) : enter(record, 'stopped', nowMs);
  }
  if (process === 'absent') {
    // A task that is done keeps its status; it has nothing to stop.
    return observed.wanted ? stay(record) : enter(record, 'stopped', nowMs);
  }
  if (!observed.wanted && observed.dependentsGone) {
    return climb(enter(record, 'stopping', nowMs).record, policy, nowMs);
  }
  if (record.status === 'starting') {
    if (probe === 'ok' && !policy.task) return enter(record, 'ready', nowMs);
    return nowMs - record.sinceMs > policy.readyTimeoutMs ? kill(record) : stay(record);
  }
  return watch(record, probe, nowMs);
}

/** A ready process that says it is not is left alone; only one that says nothing for long is killed. */
function watch(record: ProcessRecord, probe: ProbeResult, nowMs: number): Decision {
  const silentSinceMs = probe === 'silent' ? (record.silentSinceMs ?? nowMs) : undefined;
  const seen = { ...record, silentSinceMs };
  if (silentSinceMs !== undefined && nowMs - silentSinceMs > limits.silentKillMs) return kill(seen);
  const ready = probe === 'ok' || probe === 'none';
  if (record.status === 'ready') {
    if (!ready) return enter(seen, 'unready', nowMs);
    const healthy = record.streak > 0 && nowMs - record.sinceMs >= limits.healthyAfterMs;
    return stay(healthy ? { ...seen, streak: 0, crashesMs: [] } : seen);
  }
  return probe === 'ok' ? enter(seen, 'ready', nowMs) : stay(seen);
}

function decideStopping(observed: Observed, nowMs: number): Decision {
  if (observed.process !== 'running') return enter(observed.record, 'stopped', nowMs);
  return climb(observed.record, observed.policy, nowMs);
}

/** Sends the signals of the ladder that are due and not sent yet. */
function climb(record: ProcessRecord, policy: ProcessPolicy, nowMs: number): Decision {
  const due = policy.stopLadder.filter((step) => nowMs - record.sinceMs >= step.afterMs);
  const actions = due.slice(record.signalsSent).map((step): Action => ({ do: 'signal', signal: step.signal }));
  return { record: { ...record, signalsSent: due.length }, actions };
}

/** The first restart comes at once, the next after 100 ms, doubling to 10 s. */
function crash({ record, policy }: Observed, nowMs: number): Decision {
  const crashesMs = [...record.crashesMs.filter((at) => nowMs - at < limits.crashLoopWindowMs), nowMs];
  const streak = record.streak + 1;
  const seen = { ...record, crashesMs, streak, silentSinceMs: undefined };
  if (policy.restart === 'never' || crashesMs.length >= limits.crashLoopCount) return enter(seen, 'failed', nowMs);
  const delayMs = streak === 1 ? 0 : Math.min(limits.backoffMaxMs, limits.backoffBaseMs * 2 ** (streak - 2));
  return enter({ ...seen, retryAtMs: nowMs + delayMs }, 'backoff', nowMs);
}

function start(record: ProcessRecord, nowMs: number): Decision {
  return { record: { ...record, status: 'starting', sinceMs: nowMs, signalsSent: 0, silentSinceMs: undefined }, actions: [{ do: 'spawn' }] };
}

function enter(record: ProcessRecord, status: ProcessStatus, nowMs: number): Decision {
  return stay({ ...record, status, sinceMs: nowMs, signalsSent: 0 });
}

function stay(record: ProcessRecord): Decision {
  return { record, actions: [] };
}

function kill(record: ProcessRecord): Decision {
  return { record, actions: [{ do: 'signal', signal: 'SIGKILL' }] };
}
