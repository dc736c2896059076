export interface BreakerOptions {
  /** Length of a window of observation. Default 10 s. */
  readonly windowMs?: number;
  /** Calls in a window below which nothing is concluded. Default 20. */
  readonly callsMin?: number;
  /** Share of failures that opens the breaker. Default 0.5. */
  readonly failureRatio?: number;
  /** How long it stays open before one call may try. Default 5 s. */
  readonly openMs?: number;
}

/** Stops asking a provider that fails: closed, open, then one trial call at a time. Time is passed in. */
export class CircuitBreaker {
  readonly #options: Required<BreakerOptions>;
  #windowStartMs = 0;
  #calls = 0;
  #failures = 0;
  #openUntilMs = 0;
  #trying = false;

  constructor(options: BreakerOptions = {}) {
    this.#options = { windowMs: 10_000, callsMin: 20, failureRatio: 0.5, openMs: 5_000, ...options };
  }

  get isOpen(): boolean {
    return this.#openUntilMs > 0;
  }

  /** Undefined when the call may go; otherwise ms until it is worth asking again. */
  refusedForMs(nowMs: number): number | undefined {
    if (this.#openUntilMs === 0) return undefined;
    if (nowMs < this.#openUntilMs) return this.#openUntilMs - nowMs;
    if (this.#trying) return this.#options.openMs;
    this.#trying = true;
    return undefined;
  }

  succeeded(nowMs: number): void {
    this.#trying = false;
    this.#openUntilMs = 0;
    this.#count(nowMs, 0);
  }

  failed(nowMs: number): void {
    const { callsMin, failureRatio, openMs } = this.#options;
    if (this.#openUntilMs > 0 && this.#trying) {
      this.#trying = false;
      this.#openUntilMs = nowMs + openMs;
      return;
    }
    this.#count(nowMs, 1);
    if (this.#calls >= callsMin && this.#failures >= this.#calls * failureRatio) {
      this.#openUntilMs = nowMs + openMs;
      this.#calls = 0;
      this.#failures = 0;
    }
  }

  /** A call ended without saying anything about the provider: its client went away. */
  dropped(): void {
    this.#trying = false;
  }

  #count(nowMs: number, failures: 0 | 1): void {
    if (nowMs - this.#windowStartMs > this.#options.windowMs) {
      this.#windowStartMs = nowMs;
      this.#calls = 0;
      this.#failures = 0;
    }
    this.#calls++;
    this.#failures += failures;
  }
}
