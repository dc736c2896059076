import { Histogram } from '../swarm/histogram.ts';
import type { OperationSecond, Second } from './second.ts';

/** Upper bounds of the buckets that monitoring systems get, in seconds; beyond the last is the open one. */
export const boundsS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

/** Counts of one operation since the run began. */
export interface OperationTotals {
  readonly op: string;
  ok: number;
  failed: number;
  refused: number;
  requests: number;
  requestsFailed: number;
  bytesSent: number;
  bytesReceived: number;
  readonly response: Histogram;
}

/** Sums up seconds, for systems that want counters. As many operations as the collector tells apart. */
export class Totals {
  readonly #byName = new Map<string, OperationTotals>();

  add(second: Second): void {
    for (const operation of second.operations) this.#addOne(operation);
  }

  #addOne(operation: OperationSecond): void {
    let total = this.#byName.get(operation.op);
    if (total === undefined) {
      const zero = { ok: 0, failed: 0, refused: 0, requests: 0, requestsFailed: 0, bytesSent: 0, bytesReceived: 0 };
      total = { op: operation.op, ...zero, response: new Histogram() };
      this.#byName.set(operation.op, total);
    }
    total.ok += operation.total - operation.failed - operation.refused;
    for (const name of ['failed', 'refused', 'requests', 'requestsFailed', 'bytesSent', 'bytesReceived'] as const) total[name] += operation[name];
    total.response.mergeSparse(operation.response);
  }

  get all(): readonly OperationTotals[] {
    return [...this.#byName.values()];
  }
}

/** How many values each bucket holds, the open one last. */
export function bucketCounts(histogram: Histogram): number[] {
  const above = boundsS.map((bound) => histogram.countAbove(bound * 1_000_000));
  return [...above, 0].map((rest, index) => (index === 0 ? histogram.count : above[index - 1]!) - rest);
}

/** The sum of all values in seconds, from the middles of their buckets: at most 0.05 % off. */
export function sumS(histogram: Histogram): number {
  return (histogram.mean() * histogram.count) / 1_000_000;
}
