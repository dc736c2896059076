import type { Partition } from '../partition.ts';
import { KeyedRandom, streams } from '../random.ts';
import { AreaClock, type Segment } from './levels.ts';

/** What arrives at which time, one after the other; `index` counts over all workers. */
export interface Arrivals {
  /** Of the next arrival. */
  readonly index: number;
  /** Infinite when there is none. */
  readonly dueMs: number;
  advance(): void;
}

/**
 * Arrivals of a rate that changes in straight pieces. The n-th is due when the rate's integral reaches n + 1/2
 * (evenly spaced), or the n + 1-th partial sum of exponential draws of mean 1 (a Poisson process of this rate, by
 * the time change of Çinlar 1975, chapter 4). Draws are keyed by n, so each worker finds the same times and takes
 * its own: index, index + count, …
 */
export class RateArrivals implements Arrivals {
  readonly #clock: AreaClock;
  readonly #random: KeyedRandom | undefined;
  readonly #step: number;
  #sum = 0;
  index: number;
  dueMs = 0;

  /** @param segments arrivals a second over time */
  constructor(segments: readonly Segment[], spacing: 'poisson' | 'even', seed: number, { index, count }: Partition) {
    this.#clock = new AreaClock(segments);
    this.#random = spacing === 'poisson' ? new KeyedRandom(seed, 0, 0, streams.spacing) : undefined;
    this.#step = count;
    this.index = -1;
    this.#moveTo(index);
  }

  advance(): void {
    this.#moveTo(this.index + this.#step);
  }

  #moveTo(index: number): void {
    if (this.#random === undefined) this.#sum = index + 0.5;
    else for (let n = this.index + 1; n <= index; n++) this.#sum -= Math.log1p(-this.#random.rekey(n, 0, streams.spacing).float());
    this.index = index;
    // The rate is per second, the segments are in ms.
    this.dueMs = this.#clock.timeOf(this.#sum * 1_000);
  }
}

/** Iterations that users share: all are there from the beginning, and each is due when a user is free for it. */
export class SharedIterations implements Arrivals {
  readonly #total: number;
  readonly #step: number;
  index: number;

  constructor(total: number, { index, count }: Partition) {
    this.#total = total;
    this.#step = count;
    this.index = index;
  }

  get dueMs(): number {
    return this.index < this.#total ? 0 : Number.POSITIVE_INFINITY;
  }

  advance(): void {
    this.index += this.#step;
  }
}
