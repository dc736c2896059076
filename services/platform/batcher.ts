import type { Host } from '../../ops/core/host.ts';
import { overloaded } from './problem.ts';

export interface BatcherOptions {
  readonly name: string;
  /** Most items in one call. Default 200. */
  readonly sizeMax?: number;
  /** How long the first item of a batch waits for company. Default 1 ms. */
  readonly collectMs?: number;
  /** Items waiting beyond which new ones are refused with 503. Default 5,000. */
  readonly queueMax?: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Natural batching: one call in flight; what arrives meanwhile goes with the next. A batch that
 * fails is retried item by item, once, so that one bad item fails alone.
 */
export class Batcher<Item, Result> {
  readonly #host: Host;
  readonly #run: (items: Item[]) => Promise<Result[]>;
  readonly #options: Required<BatcherOptions>;
  #queue: Waiting<Item, Result>[] = [];
  #busy = false;

  /** @param run answers one result per item, in order */
  constructor(host: Host, options: BatcherOptions, run: (items: Item[]) => Promise<Result[]>) {
    this.#host = host;
    this.#run = run;
    this.#options = { sizeMax: 200, collectMs: 1, queueMax: 5_000, ...options };
  }

  /** Items waiting for a batch, without those in flight. */
  get queued(): number {
    return this.#queue.length;
  }

  /** @throws Problem 503 when the queue is full */
  add(item: Item): Promise<Result> {
    if (this.#queue.length >= this.#options.queueMax) {
      return Promise.reject(overloaded(`${this.#options.name}: ${this.#options.queueMax} items are waiting already`));
    }
    return new Promise<Result>((resolve, reject) => {
      this.#queue.push({ item, resolve, reject });
      if (!this.#busy) this.#schedule();
    });
  }

  #schedule(): void {
    this.#busy = true;
    this.#host.timers.after(this.#options.collectMs, () => void this.#drain());
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, this.#options.sizeMax);
      this.#queue = this.#queue.slice(batch.length);
      await this.#settle(batch);
    }
    this.#busy = false;
  }

  async #settle(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#run(batch.map((waiting) => waiting.item));
      batch.forEach((waiting, index) => waiting.resolve(results[index] as Result));
    } catch (error) {
      if (batch.length === 1) return batch[0]?.reject(error);
      await Promise.all(batch.map((waiting) => this.#settleAlone(waiting)));
    }
  }

  async #settleAlone(waiting: Waiting<Item, Result>): Promise<void> {
    try {
      const [result] = await this.#run([waiting.item]);
      waiting.resolve(result as Result);
    } catch (error) {
      waiting.reject(error);
    }
  }
}
