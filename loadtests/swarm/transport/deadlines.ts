import type { Exchange } from '../exchange.ts';
import { TimingWheel } from '../wheel.ts';

/** Timeouts are kept to this precision. */
const tickMs = 10;

/** Exchanges under way and when their time is up, without a timer for each. */
export class Deadlines {
  readonly #wheel = new TimingWheel(1_024, 4_096);
  readonly #running: (Exchange | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #fire: (slot: number) => void;

  /** @param onTimeout called for each exchange whose time is up */
  constructor(onTimeout: (exchange: Exchange) => void) {
    this.#fire = (slot) => {
      const exchange = this.#running[slot];
      if (exchange !== undefined) onTimeout(exchange);
    };
  }

  /** @param dueMs on the clock that `advance` is told */
  add(exchange: Exchange, dueMs: number): void {
    const slot = this.#freeSlots.pop() ?? this.#running.length;
    this.#running[slot] = exchange;
    exchange.slot = slot;
    this.#wheel.schedule(slot, Math.ceil(dueMs / tickMs));
  }

  remove(exchange: Exchange): void {
    const { slot } = exchange;
    if (slot < 0) return;
    this.#wheel.cancel(slot);
    this.#running[slot] = undefined;
    this.#freeSlots.push(slot);
    exchange.slot = -1;
  }

  advance(nowMs: number): void {
    this.#wheel.advance(Math.floor(nowMs / tickMs), this.#fire);
  }

  /** Those under way, as they are now. */
  all(): Exchange[] {
    return this.#running.filter((exchange) => exchange !== undefined);
  }
}
