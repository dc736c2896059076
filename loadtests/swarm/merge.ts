import { Blocks } from './blocks.ts';
import { Histogram } from './histogram.ts';
import {
  type CheckSample,
  type ErrorGroup,
  type LiveView,
  type OperationBlock,
  type OperationSample,
  type PhaseName,
  type SeriesPoint,
  type SlowOperation,
  type TagSample,
  timeNames,
  type TimeName,
  type WorkerHealth,
  type WorkerTick,
} from './measurement.ts';
import { CheckTotals } from './journey/checks.ts';
import { TagTotals } from './journey/tag-totals.ts';
import { slowestOf } from './tally.ts';

/** Groups of errors a run keeps; the rest count as `(other)`. */
const errorGroupsMax = 200;

interface Total {
  readonly times: Record<TimeName, Histogram>;
  readonly requestDuration: Histogram;
  readonly failedResponse: Histogram;
  total: number;
  failed: number;
  refused: number;
  requests: number;
  requestsFailed: number;
  bytesSent: number;
  bytesReceived: number;
}

interface Second {
  readonly response: Histogram;
  readonly workers: Set<number>;
  total: number;
  failed: number;
  refused: number;
}

/** Adds up what the workers report; histograms merge without loss. */
export class Merge {
  readonly #rampMs: number;
  readonly #holdMs: number;
  readonly #totals = new Map<string, Total>();
  readonly #seconds = new Map<number, Second>();
  readonly #errors = new Map<string, ErrorGroup>();
  readonly #tags = new TagTotals();
  readonly #checks = new CheckTotals();
  readonly #health = new Map<number, WorkerHealth>();
  readonly #series: SeriesPoint[] = [];
  readonly #blocks: Blocks;
  #slowest: SlowOperation[] = [];
  #closedUntil = -1;
  readonly #sum = { total: 0, failed: 0, refused: 0 };

  constructor(rampMs: number, holdMs: number) {
    this.#rampMs = rampMs;
    this.#holdMs = holdMs;
    this.#blocks = new Blocks(rampMs, holdMs);
  }

  add(tick: WorkerTick): void {
    this.#health.set(tick.worker, tick.health);
    // What comes after its second was closed counts in the next one; nothing is left out.
    const at = Math.max(tick.second, this.#closedUntil + 1);
    let second = this.#seconds.get(at);
    if (second === undefined) {
      second = { response: new Histogram(), workers: new Set(), total: 0, failed: 0, refused: 0 };
      this.#seconds.set(at, second);
    }
    second.workers.add(tick.worker);
    for (const sample of tick.operations) {
      this.#addSample(sample);
      this.#blocks.add(at, sample);
      second.total += sample.total;
      second.failed += sample.failed;
      second.refused += sample.refused;
      second.response.mergeSparse(sample.times.response);
    }
    for (const sample of tick.tags ?? []) this.#tags.add(sample);
    for (const sample of tick.checks ?? []) this.#checks.add(sample);
    for (const group of tick.errors) this.#addErrors(group);
    this.#slowest = slowestOf([...this.#slowest, ...tick.slowest]);
  }

  #addSample(sample: OperationSample): void {
    const key = `${sample.phase} ${sample.op}`;
    let total = this.#totals.get(key);
    if (total === undefined) {
      const times = { response: new Histogram(), service: new Histogram(), poolWait: new Histogram(), lateness: new Histogram() };
      const zero = { total: 0, failed: 0, refused: 0, requests: 0, requestsFailed: 0, bytesSent: 0, bytesReceived: 0 };
      total = { times, requestDuration: new Histogram(), failedResponse: new Histogram(), ...zero };
      this.#totals.set(key, total);
    }
    for (const name of timeNames) total.times[name].mergeSparse(sample.times[name]);
    total.requestDuration.mergeSparse(sample.requestDuration);
    total.failedResponse.mergeSparse(sample.failedResponse);
    for (const field of ['total', 'failed', 'refused', 'requests', 'requestsFailed', 'bytesSent', 'bytesReceived'] as const) {
      total[field] += sample[field];
    }
    this.#sum.total += sample.total;
    this.#sum.failed += sample.failed;
    this.#sum.refused += sample.refused;
  }

  /** Takes down what became of a worker, which itself can say no more. */
  noteError(group: ErrorGroup): void {
    this.#addErrors(group);
  }

  #addErrors(group: ErrorGroup): void {
    const room = this.#errors.size < errorGroupsMax;
    const wanted = `${group.kind} ${group.op}`;
    const key = this.#errors.has(wanted) || room ? wanted : '(other)';
    const known = this.#errors.get(key);
    if (known === undefined) this.#errors.set(key, key === wanted ? { ...group } : { ...group, kind: '(other)', op: '(other)' });
    else if (group.firstAtMs < known.firstAtMs) this.#errors.set(key, { ...group, kind: known.kind, op: known.op, count: known.count + group.count });
    else known.count += group.count;
  }

  /** Whether each of these workers has reported a second. */
  isComplete(second: number, workers: Iterable<number>): boolean {
    const reported = this.#seconds.get(second)?.workers;
    return reported !== undefined && [...workers].every((worker) => reported.has(worker));
  }

  /** The seconds not yet closed, earliest first. */
  get openSeconds(): number[] {
    return [...this.#seconds.keys()].toSorted((a, b) => a - b);
  }

  /** Turns a second into its point of the series, and answers what a live view shows of it. */
  closeSecond(second: number, usersTotal: number): LiveView {
    const found = this.#seconds.get(second);
    this.#seconds.delete(second);
    this.#closedUntil = Math.max(this.#closedUntil, second);
    const workers = this.health;
    const users = workers.reduce((sum, worker) => sum + worker.usersActive, 0);
    const phase = this.phaseAt(second * 1_000);
    const atMs = (ratio: number): number | null =>
      found === undefined || found.response.count === 0 ? null : found.response.quantile(ratio) / 1_000;
    const quantiles = { p50Ms: atMs(0.5), p95Ms: atMs(0.95), p99Ms: atMs(0.99) };
    const counts = { total: found?.total ?? 0, failed: found?.failed ?? 0, refused: found?.refused ?? 0 };
    this.#series.push({ second, phase, users, ...counts, ...quantiles });
    return {
      second,
      elapsedMs: (second + 1) * 1_000,
      phase,
      rampMs: this.#rampMs,
      holdMs: this.#holdMs,
      users,
      usersTotal,
      ratePerS: counts.total,
      ...this.#sum,
      ...quantiles,
      workers,
    };
  }

  phaseAt(atMs: number): PhaseName {
    return atMs < this.#rampMs ? 'ramp' : atMs < this.#rampMs + this.#holdMs ? 'hold' : 'drain';
  }

  get series(): readonly SeriesPoint[] {
    return this.#series;
  }

  /** The hold in blocks of equal length. */
  get blocks(): OperationBlock[] {
    return this.#blocks.list;
  }

  get health(): WorkerHealth[] {
    return [...this.#health.values()].toSorted((a, b) => a.worker - b.worker);
  }

  get errors(): ErrorGroup[] {
    return [...this.#errors.values()].toSorted((a, b) => b.count - a.count);
  }

  /** Totals by check, operation and phase. */
  get checks(): CheckSample[] {
    return this.#checks.list();
  }

  /** Totals by tag, operation and phase. */
  get tags(): TagSample[] {
    return this.#tags.list();
  }

  get slowest(): readonly SlowOperation[] {
    return this.#slowest;
  }

  get operations(): OperationSample[] {
    return [...this.#totals].map(([key, total]) => {
      const phase = key.slice(0, key.indexOf(' ')) as PhaseName;
      const { times, requestDuration, failedResponse, ...counts } = total;
      return {
        op: key.slice(phase.length + 1),
        phase,
        ...counts,
        times: {
          response: times.response.encode(),
          service: times.service.encode(),
          poolWait: times.poolWait.encode(),
          lateness: times.lateness.encode(),
        },
        requestDuration: requestDuration.encode(),
        failedResponse: failedResponse.encode(),
      };
    });
  }
}
