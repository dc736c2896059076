import { Histogram } from './histogram.ts';

/**
 * By how much the loop's own timer came late. Node's monitor tells the same by a timer of its own, which would
 * wake the process a hundred times a second more.
 */
export class LoopDelay {
  readonly #periodMs: number;
  readonly #delays = new Histogram();
  #lastMs = Number.NaN;

  /** @param periodMs of the timer */
  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /** The timer has come. @param nowMs on a monotonic clock */
  came(nowMs: number): void {
    if (!Number.isNaN(this.#lastMs)) this.#delays.record((nowMs - this.#lastMs - this.#periodMs) * 1_000);
    this.#lastMs = nowMs;
  }

  /** Forgets what was measured, and goes on. */
  reset(): void {
    this.#delays.reset();
  }

  /** 99th percentile, ms; 0 while nothing was measured. */
  get p99Ms(): number {
    return this.#delays.quantile(0.99) / 1_000;
  }
}
