import { arrivalAfter, type Partition } from '../partition.ts';
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
 * its own (see `arrivalAfter`).
 */
export class RateArrivals implements Arrivals {
  readonly #clock: AreaClock;
  readonly #random: KeyedRandom | undefined;
  readonly #partition: Partition;
  readonly #users: number;
  #sum = 0;
  index: number;
  dueMs = 0;

  /**
   * @param segments arrivals a second over time
   * @param users who take turns to arrive, of the whole run; default without end
   */
  constructor(segments: readonly Segment[], spacing: 'poisson' | 'even', seed: number, partition: Partition, users = Number.POSITIVE_INFINITY) {
    this.#clock = new AreaClock(segments);
    this.#random = spacing === 'poisson' ? new KeyedRandom(seed, 0, 0, streams.spacing) : undefined;
    this.#partition = partition;
    this.#users = users;
    this.index = -1;
    this.#moveTo(partition.index);
  }

  advance(): void {
    this.#moveTo(arrivalAfter(this.index, this.#users, this.#partition));
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
  readonly #partition: Partition;
  readonly #users: number;
  index: number;

  /** @param users who take turns, of the whole run; default without end */
  constructor(total: number, partition: Partition, users = Number.POSITIVE_INFINITY) {
    this.#total = total;
    this.#partition = partition;
    this.#users = users;
    this.index = partition.index;
  }

  get dueMs(): number {
    return this.index < this.#total ? 0 : Number.POSITIVE_INFINITY;
  }

  advance(): void {
    this.index = arrivalAfter(this.index, this.#users, this.#partition);
  }
}
