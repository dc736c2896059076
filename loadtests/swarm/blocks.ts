import { Histogram } from './histogram.ts';
import type { OperationBlock, OperationSample, SparseHistogram } from './measurement.ts';

/** The unit in which runs are compared: requests of one moment share its luck, blocks of 5 s hardly do. */
export const blockMs = 5_000;
/** Blocks of a run; beyond, neighbours are joined in twos, so that a run of 24 h has blocks of 640 s. */
const blocksMax = 240;

interface Cell {
  total: number;
  failed: number;
  /** Encoded once its block is over: some kB instead of 94. */
  response: Histogram | SparseHistogram;
}

/** Cuts the hold of a run into blocks of equal length and keeps each operation's counts and response times in them. */
export class Blocks {
  readonly #rampMs: number;
  readonly #holdMs: number;
  #lengthMs = blockMs;
  #cells: Map<string, Cell>[] = [];
  #open = 0;

  constructor(rampMs: number, holdMs: number) {
    this.#rampMs = rampMs;
    this.#holdMs = holdMs;
    // Known before the run begins, so that no block need be joined while it goes on.
    while (Math.ceil(holdMs / this.#lengthMs) > blocksMax) this.#lengthMs *= 2;
  }

  /** Counts a sample of the hold in the block of the second it was reported in; what the drain still answers, in the last. */
  add(second: number, sample: OperationSample): void {
    if (sample.phase !== 'hold' || sample.total === 0) return;
    const last = Math.max(0, Math.ceil(this.#holdMs / this.#lengthMs) - 1);
    const index = Math.min(last, Math.max(0, Math.floor((second * 1_000 + 500 - this.#rampMs) / this.#lengthMs)));
    const cells = (this.#cells[index] ??= new Map());
    const cell = cells.get(sample.op) ?? { total: 0, failed: 0, response: new Histogram() };
    cells.set(sample.op, cell);
    cell.total += sample.total;
    cell.failed += sample.failed;
    if (!(cell.response instanceof Histogram)) cell.response = Histogram.fromSparse(cell.response);
    cell.response.mergeSparse(sample.times.response);
    this.#closeBefore(index - 1);
  }

  /** Late reports reach the block before; older ones stay encoded. */
  #closeBefore(index: number): void {
    for (; this.#open < index; this.#open++) {
      for (const cell of this.#cells[this.#open]?.values() ?? []) if (cell.response instanceof Histogram) cell.response = cell.response.encode();
    }
  }

  /** What was measured, by block and operation; an operation that a block did not see has no entry there. */
  get list(): OperationBlock[] {
    return this.#cells.flatMap((cells, index) => {
      const startMs = index * this.#lengthMs;
      const durationMs = Math.min(this.#lengthMs, this.#holdMs - startMs);
      return [...cells].map(([op, { total, failed, response }]) => ({
        op, startMs, durationMs, total, failed, response: response instanceof Histogram ? response.encode() : response,
      }));
    });
  }
}
