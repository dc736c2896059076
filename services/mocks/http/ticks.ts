import type { Host, Timer } from '../../../ops/core/host.ts';

export interface TicksOptions {
  /** Length of a tick. */
  readonly tickMs: number;
  /**
   * Whether the process sleeps from the end of its work to the next tick, blind to its sockets: what
   * comes meanwhile is read together. Only for a process that does nothing else. Default false.
   */
  readonly isResting?: boolean;
}

/**
 * Timers that fire together: what falls due within one tick runs in the tick's one wake of the
 * process, up to `tickMs` late and never early. A stand-in shares its machine with what is measured,
 * and waking up for one request costs it more than the request: real providers run elsewhere, and
 * nobody notices a few milliseconds of theirs.
 */
export class Ticks {
  readonly #host: Host;
  readonly #tickMs: number;
  readonly #isResting: boolean;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));
  #isRestDue = false;
  readonly #due = new Map<number, (() => void)[]>();
  #timer: Timer | undefined;
  #armedTick = Infinity;

  constructor(host: Host, options: TicksOptions) {
    this.#host = host;
    this.#tickMs = options.tickMs;
    this.#isResting = options.isResting ?? false;
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

  /** Tells that something was done in this turn of the event loop: at its end the process may rest. */
  rest(): void {
    if (!this.#isResting || this.#isRestDue) return;
    this.#isRestDue = true;
    // After this turn's reads and their promises; the next turn begins with the timers due.
    setImmediate(() => {
      this.#isRestDue = false;
      const nowMs = this.#host.clock.monotonicMs();
      // A millisecond longer, so that the tick's own timer is due when the process wakes.
      Atomics.wait(this.#cell, 0, 0, this.#tickMs - (nowMs % this.#tickMs) + 1);
    });
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
    this.rest();
    if (nextTick < this.#armedTick) this.#arm(nextTick);
  }
}
