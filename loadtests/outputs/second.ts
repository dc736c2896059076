import { Histogram } from '../swarm/histogram.ts';
import { AnnexCollector, type AnnexSecond } from './annex-second.ts';
import type { LiveView, OperationSample, PhaseName, SparseHistogram, WorkerTick } from '../swarm/measurement.ts';

/** Names of operations kept apart; what comes beyond counts as `(other)`, so that no label set grows without end. */
const operationsMax = 200;
const otherOperation = '(other)';

/** What was done of one operation in one second, whichever phase it was due in. */
export interface OperationSecond {
  readonly op: string;
  readonly total: number;
  readonly failed: number;
  readonly refused: number;
  readonly requests: number;
  readonly requestsFailed: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** µs, as are the others. */
  readonly response: SparseHistogram;
  readonly service: SparseHistogram;
  readonly lateness: SparseHistogram;
}

/** One second of a run, over all its workers. */
export interface Second extends AnnexSecond {
  /** Wall time at which the run began, ms since the epoch. */
  readonly startedAtMs: number;
  /** Seconds since then. */
  readonly second: number;
  readonly phase: PhaseName;
  readonly users: number;
  /** In order of their names. */
  readonly operations: readonly OperationSecond[];
}

const counts = ['total', 'failed', 'refused', 'requests', 'requestsFailed', 'bytesSent', 'bytesReceived'] as const;
const times = ['response', 'service', 'lateness'] as const;

/** Adds up the workers' reports into seconds, by the rule of the run's own series: what comes late counts in the next. */
export class SecondCollector {
  readonly #open = new Map<number, OperationSample[]>();
  readonly #names = new Set<string>();
  readonly #scratch = new Histogram();
  readonly #annex = new AnnexCollector();
  #closedUntil = -1;

  add(tick: WorkerTick): void {
    const at = Math.max(tick.second, this.#closedUntil + 1);
    const samples = this.#open.get(at);
    if (samples === undefined) this.#open.set(at, [...tick.operations]);
    else samples.push(...tick.operations);
    this.#annex.add(at, tick);
  }

  /** Takes a second out once it is closed. */
  close(live: Pick<LiveView, 'second' | 'phase' | 'users'> & Partial<Pick<LiveView, 'workers'>>, startedAtMs: number): Second {
    const { second, phase, users } = live;
    const samples = this.#open.get(second) ?? [];
    this.#open.delete(second);
    this.#closedUntil = Math.max(this.#closedUntil, second);
    const byName = Map.groupBy(samples, (sample) => this.#nameOf(sample.op));
    const operations = [...byName].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([op, parts]) => this.#join(op, parts));
    return { startedAtMs, second, phase, users, operations, ...this.#annex.close(second, live.workers ?? []) };
  }

  #nameOf(op: string): string {
    if (this.#names.has(op)) return op;
    if (this.#names.size >= operationsMax) return otherOperation;
    this.#names.add(op);
    return op;
  }

  #join(op: string, parts: readonly OperationSample[]): OperationSecond {
    const summed = Object.fromEntries(counts.map((name) => [name, parts.reduce((sum, part) => sum + part[name], 0)]));
    const merged = Object.fromEntries(times.map((name) => [name, this.#mergeSparse(parts.map((part) => part.times[name]))]));
    return { op, ...(summed as Record<(typeof counts)[number], number>), ...(merged as Record<(typeof times)[number], SparseHistogram>) };
  }

  #mergeSparse(parts: readonly SparseHistogram[]): SparseHistogram {
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return only;
    for (const part of parts) this.#scratch.mergeSparse(part);
    const sparse = this.#scratch.encode();
    this.#scratch.reset();
    return sparse;
  }
}

/** When a second ended, ms since the epoch. */
export function endOf(second: Second): number {
  return second.startedAtMs + (second.second + 1) * 1_000;
}
