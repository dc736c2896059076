import { Gauge, type Registry } from 'prom-client';
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
  /** Where `batch_queue_depth{batch="<name>"}` is declared. */
  readonly metrics?: Registry;
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
  readonly #options: Required<Omit<BatcherOptions, 'metrics'>>;
  #queue: Waiting<Item, Result>[] = [];
  #busy = false;

  /** @param run answers one result per item, in order */
  constructor(host: Host, options: BatcherOptions, run: (items: Item[]) => Promise<Result[]>) {
    this.#host = host;
    this.#run = run;
    this.#options = { sizeMax: 200, collectMs: 1, queueMax: 5_000, ...options };
    if (options.metrics !== undefined) watch(options.metrics, options.name, () => this.#queue.length);
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
      const batch = this.#queue.splice(0, this.#options.sizeMax);
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
      await this.#settleSingly(batch, error);
    }
  }

  /**
   * One after the other, as all share the database that just failed. An error that speaks of the
   * database and not of an item (a Problem with 503) would meet every item alike, so it is not tried again.
   */
  async #settleSingly(batch: Waiting<Item, Result>[], cause: unknown): Promise<void> {
    const isGeneral = (cause as { status?: unknown } | undefined)?.status === 503;
    for (const waiting of batch) {
      if (isGeneral) waiting.reject(cause);
      else await this.#settleAlone(waiting);
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

const watched = new WeakMap<Registry, Map<string, () => number>>();

/** All batchers of a process share one gauge; a name used again replaces the earlier one. */
function watch(registry: Registry, name: string, depth: () => number): void {
  let depths = watched.get(registry);
  if (depths === undefined) {
    const known = new Map<string, () => number>();
    depths = known;
    watched.set(registry, known);
    const gauge = new Gauge({
      name: 'batch_queue_depth',
      help: 'Items waiting for a batch',
      labelNames: ['batch'],
      registers: [],
      collect() {
        for (const [batch, read] of known) this.set({ batch }, read());
      },
    });
    registry.registerMetric(gauge);
  }
  depths.set(name, depth);
}
