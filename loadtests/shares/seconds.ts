import { Histogram } from '../swarm/histogram.ts';
import type { LiveView, PhaseName, SeriesPoint, SparseHistogram, WorkerTick } from '../swarm/measurement.ts';
import { SecondCollector } from '../outputs/second.ts';

/** A point of a share's series with its whole histogram, so that points of several shares merge without loss. */
export interface ShareSecond {
  readonly second: number;
  readonly phase: PhaseName;
  readonly users: number;
  readonly total: number;
  readonly failed: number;
  readonly refused: number;
  readonly response: SparseHistogram;
}

/** Points that a share keeps: two hours by the second; of a longer run several seconds are one point. */
const pointsMax = 7_200;

/** Seconds that one point spans: a function of the plan alone, so it is the same for all shares. */
export function periodOf(plannedMs: number): number {
  return Math.max(1, Math.ceil(plannedMs / 1_000 / pointsMax));
}

/** Keeps the series of a share while it runs. */
export class ShareSeries {
  readonly #collector = new SecondCollector();
  readonly #periodS: number;
  readonly #points = new Map<number, ShareSecond>();

  constructor(periodS: number) {
    this.#periodS = periodS;
  }

  onWorkerTick(tick: WorkerTick): void {
    this.#collector.add(tick);
  }

  onTick(live: LiveView): void {
    const { second, phase, users, operations } = this.#collector.close(live, 0);
    const sum = (name: 'total' | 'failed' | 'refused'): number => operations.reduce((total, operation) => total + operation[name], 0);
    const response = Histogram.fromSparse(...operations.map((operation) => operation.response)).encode();
    const point = { second, phase, users, total: sum('total'), failed: sum('failed'), refused: sum('refused'), response };
    const at = second - (second % this.#periodS);
    const known = this.#points.get(at);
    this.#points.set(at, known === undefined ? { ...point, second: at } : joinPoint(known, point));
  }

  get list(): ShareSecond[] {
    return [...this.#points.values()].toSorted((a, b) => a.second - b.second);
  }
}

/** Two seconds of one share as one point. */
function joinPoint(one: ShareSecond, other: ShareSecond): ShareSecond {
  return {
    ...one,
    users: Math.max(one.users, other.users),
    total: one.total + other.total,
    failed: one.failed + other.failed,
    refused: one.refused + other.refused,
    response: Histogram.fromSparse(one.response, other.response).encode(),
  };
}

/**
 * Adds up the series of all shares. Where a share has no point its users are those of its last one, as
 * the series of a whole run counts a worker that has ended.
 */
export function mergeSeries(shares: readonly (readonly ShareSecond[])[]): SeriesPoint[] {
  const seconds = [...new Set(shares.flatMap((points) => points.map(({ second }) => second)))].toSorted((a, b) => a - b);
  const cursors = shares.map(() => ({ next: 0, users: 0 }));
  const scratch = new Histogram();
  return seconds.map((second) => {
    const sum = { users: 0, total: 0, failed: 0, refused: 0 };
    let phase: PhaseName = 'drain';
    scratch.reset();
    for (const [index, points] of shares.entries()) {
      const cursor = cursors[index]!; // One for each share.
      const point = points[cursor.next];
      if (point?.second === second) {
        cursor.next++;
        cursor.users = point.users;
        phase = point.phase;
        sum.total += point.total;
        sum.failed += point.failed;
        sum.refused += point.refused;
        scratch.mergeSparse(point.response);
      }
      sum.users += cursor.users;
    }
    const atMs = (ratio: number): number | null => (scratch.count === 0 ? null : scratch.quantile(ratio) / 1_000);
    return { second, phase, ...sum, p50Ms: atMs(0.5), p95Ms: atMs(0.95), p99Ms: atMs(0.99) };
  });
}
