import type { Timer, Timers } from '../../ops/core/host.ts';

/** What is told of a second that is over: its number, from 0, and whether it is the latest of those told now. */
type OnSecond = (second: number, isLatest: boolean) => void;

/**
 * Tells each second of a run once, in order, when it is over. The timer is armed anew for the next whole second of the
 * run's clock: an interval is re-armed from when it fired, so that what each firing is late adds up until seconds are
 * passed over. What a stalled process did pass over is told together with the next.
 */
export class SecondClock {
  readonly #timers: Pick<Timers, 'after'>;
  readonly #now: () => number;
  readonly #onSecond: OnSecond;
  #next = 0;
  #timer: Timer | undefined;
  #stopped = false;

  /** @param now milliseconds since the run began; negative before */
  constructor(timers: Pick<Timers, 'after'>, now: () => number, onSecond: OnSecond) {
    this.#timers = timers;
    this.#now = now;
    this.#onSecond = onSecond;
  }

  start(): void {
    // A timer may fire a little early; what is not over yet is waited for again.
    const waitMs = Math.max(1, (this.#next + 1) * 1_000 - this.#now());
    this.#timer = this.#timers.after(waitMs, () => {
      this.#timer = undefined;
      this.catchUp();
      if (!this.#stopped) this.start();
    });
  }

  /** Tells the seconds that are over and were not told yet. */
  catchUp(): void {
    const over = Math.floor(this.#now() / 1_000);
    while (this.#next < over && !this.#stopped) {
      const second = this.#next++;
      this.#onSecond(second, this.#next === over);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
