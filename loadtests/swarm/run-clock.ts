import type { Clock } from '../../ops/core/host.ts';

/** Time since a run began, in a worker. */
export class RunClock {
  readonly #clock: Clock;
  #originMs = Number.NaN;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the start is known. */
  get isSet(): boolean {
    return !Number.isNaN(this.#originMs);
  }

  /** Milliseconds since the run began; negative before, NaN until the start is known. */
  readonly now = (): number => this.#clock.monotonicMs() - this.#originMs;

  /** @param startAtMs wall time at which the run begins, the same for all workers */
  set(startAtMs: number): void {
    this.#originMs = this.#clock.monotonicMs() + (startAtMs - this.#clock.nowMs());
  }
}
