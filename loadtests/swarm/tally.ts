import { Histogram } from './histogram.ts';
import {
  type ErrorGroup,
  type OperationSample,
  type PhaseName,
  type SlowOperation,
  timeNames,
  type TimeName,
} from './measurement.ts';

export const phaseNames: readonly PhaseName[] = ['ramp', 'hold', 'drain'];
/** Kinds of errors kept apart in one period; the rest count as `(other)`. */
const errorKindsMax = 100;
const slowestMax = 20;

export type Outcome = 'ok' | 'failed' | 'refused';

/** Times of one operation, µs. */
export type OperationTimes = Readonly<Record<TimeName, number>>;

/** Histograms and counts of one operation in one phase; 470 kB, made when first used. */
class Cell {
  readonly times: Record<TimeName, Histogram> = {
    response: new Histogram(),
    service: new Histogram(),
    poolWait: new Histogram(),
    lateness: new Histogram(),
  };
  readonly requestDuration = new Histogram();
  /** Response times of the failed alone; made when the first fails. */
  failedResponse: Histogram | undefined;
  total = 0;
  failed = 0;
  refused = 0;
  requests = 0;
  requestsFailed = 0;
  bytesSent = 0;
  bytesReceived = 0;

  get empty(): boolean {
    return this.total === 0 && this.requests === 0;
  }

  fail(responseUs: number): void {
    this.failed++;
    (this.failedResponse ??= new Histogram()).record(responseUs);
  }

  take(op: string, phase: PhaseName): OperationSample {
    const { total, failed, refused, requests, requestsFailed, bytesSent, bytesReceived } = this;
    const { response, service, poolWait, lateness } = this.times;
    const sample: OperationSample = {
      op,
      phase,
      total,
      failed,
      refused,
      times: {
        response: response.encode(),
        service: service.encode(),
        poolWait: poolWait.encode(),
        lateness: lateness.encode(),
      },
      requests,
      requestsFailed,
      requestDuration: this.requestDuration.encode(),
      failedResponse: this.failedResponse?.encode() ?? new Uint32Array(),
      bytesSent,
      bytesReceived,
    };
    for (const name of timeNames) this.times[name].reset();
    this.requestDuration.reset();
    this.failedResponse?.reset();
    this.total = this.failed = this.refused = 0;
    this.requests = this.requestsFailed = this.bytesSent = this.bytesReceived = 0;
    return sample;
  }
}

/** What a worker counted since it last reported. Nothing is sampled, and its size does not grow. */
export class Tally {
  readonly #ops: readonly string[];
  readonly #cells: (Cell | undefined)[];
  #errors = new Map<string, ErrorGroup>();
  #slowest: SlowOperation[] = [];
  #slowestFloorUs = 0;

  /** @param ops the operations' names; calls name them by index */
  constructor(ops: readonly string[]) {
    this.#ops = ops;
    this.#cells = Array.from({ length: ops.length * phaseNames.length });
  }

  #cell(op: number, phase: number): Cell {
    const at = op * phaseNames.length + phase;
    return (this.#cells[at] ??= new Cell());
  }

  operation(op: number, phase: number, outcome: Outcome, times: OperationTimes): void {
    const cell = this.#cell(op, phase);
    cell.total++;
    if (outcome === 'failed') cell.fail(times.response);
    else if (outcome === 'refused') cell.refused++;
    cell.times.response.record(times.response);
    cell.times.service.record(times.service);
    cell.times.poolWait.record(times.poolWait);
    cell.times.lateness.record(times.lateness);
  }

  /** Counts an operation that was never sent: failed, with a response time of at least this; without one where it was never due. */
  unsent(op: number, phase: number, responseUs: number | undefined): void {
    const cell = this.#cell(op, phase);
    cell.total++;
    if (responseUs === undefined) {
      cell.failed++;
      return;
    }
    cell.fail(responseUs);
    cell.times.response.record(responseUs);
  }

  request(op: number, phase: number, failed: boolean, durationUs: number, sent: number, received: number): void {
    const cell = this.#cell(op, phase);
    cell.requests++;
    if (failed) cell.requestsFailed++;
    cell.requestDuration.record(durationUs);
    cell.bytesSent += sent;
    cell.bytesReceived += received;
  }

  /** Counts an error; `first` is asked for its details only once per kind and operation. */
  error(op: number, kind: string, first: () => Omit<ErrorGroup, 'op' | 'kind' | 'count'>): void {
    const name = this.#ops[op]!;
    const known = this.#errors.get(`${kind} ${name}`);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const room = this.#errors.size < errorKindsMax;
    const key = room ? `${kind} ${name}` : '(other)';
    const other = this.#errors.get(key);
    if (other !== undefined) other.count++;
    else this.#errors.set(key, { ...first(), kind: room ? kind : '(other)', op: room ? name : '(other)', count: 1 });
  }

  /** Whether an operation of this response time would be among the slowest. */
  isSlow(responseUs: number): boolean {
    return responseUs > this.#slowestFloorUs;
  }

  slow(operation: SlowOperation): void {
    this.#slowest = slowestOf([...this.#slowest, operation]);
    if (this.#slowest.length === slowestMax) this.#slowestFloorUs = this.#slowest[slowestMax - 1]!.responseUs;
  }

  /** Everything since the last call, and starts over. */
  take(): { operations: OperationSample[]; errors: ErrorGroup[]; slowest: SlowOperation[] } {
    const operations: OperationSample[] = [];
    this.#cells.forEach((cell, at) => {
      if (cell === undefined || cell.empty) return;
      const op = this.#ops[Math.floor(at / phaseNames.length)]!;
      operations.push(cell.take(op, phaseNames[at % phaseNames.length]!));
    });
    const taken = { operations, errors: [...this.#errors.values()], slowest: this.#slowest };
    this.#errors = new Map();
    this.#slowest = [];
    this.#slowestFloorUs = 0;
    return taken;
  }
}

/** The 20 of longest response time, longest first. */
export function slowestOf(operations: readonly SlowOperation[]): SlowOperation[] {
  return operations.toSorted((a, b) => b.responseUs - a.responseUs).slice(0, slowestMax);
}
