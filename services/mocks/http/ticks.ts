import type { Host, Timer } from '../../../ops/core/host.ts';

/**
 * Timers that fire together: what falls due within one tick runs in the tick's one wake of the
 * process, up to `tickMs` late and never early. Waking up costs a quiet process more than the work.
 */
export class Ticks {
  readonly #host: Host;
  readonly #tickMs: number;
  readonly #due = new Map<number, (() => void)[]>();
  #timer: Timer | undefined;
  #armedTick = Infinity;

  constructor(host: Host, tickMs: number) {
    this.#host = host;
    this.#tickMs = tickMs;
  }

  /** Runs what is given at the first tick not before `delayMs` have passed. */
  after(delayMs: number, run: () => void): void {
    const tick = Math.ceil((this.#host.clock.monotonicMs() + delayMs) / this.#tickMs);
    const others = this.#due.get(tick);
    if (others !== undefined) {
      others.push(run);
      return;
    }
    this.#due.set(tick, [run]);
    if (tick < this.#armedTick) this.#arm(tick);
  }

  /** As `after`, as a promise. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  #arm(tick: number): void {
    this.#timer?.cancel();
    this.#armedTick = tick;
    const delayMs = Math.max(0, tick * this.#tickMs - this.#host.clock.monotonicMs());
    // The process lives by its server, not by what it still owes.
    this.#timer = this.#host.timers.after(Math.ceil(delayMs), () => this.#fire()).unref();
  }

  #fire(): void {
    // Timers count in whole milliseconds and may fire one early.
    const nowTick = Math.floor((this.#host.clock.monotonicMs() + 1) / this.#tickMs);
    this.#armedTick = Infinity;
    this.#timer = undefined;
    let nextTick = Infinity;
    const runs: (() => void)[] = [];
    for (const [tick, due] of this.#due) {
      if (tick > nowTick) {
        nextTick = Math.min(nextTick, tick);
        continue;
      }
      this.#due.delete(tick);
      runs.push(...due);
    }
    for (const run of runs) run();
    if (nextTick < this.#armedTick) this.#arm(nextTick);
  }
}
