import type { Host, Timer } from '../../../ops/core/host.ts';

export interface AdmissionOptions {
  /** Requests in flight beyond which new ones are shed. Default 2,000. */
  readonly inFlightMax?: number;
  /** Event-loop delay above which a growing share of requests is shed. Default 150 ms. */
  readonly delayHighMs?: number;
  /** Event-loop delay below which the share shrinks again. Default 50 ms. */
  readonly delayLowMs?: number;
}

const sampleMs = 50;
/** Weight of the newest sample: one long pause (garbage, a slow disk) is no overload, four in a row are. */
const smoothing = 0.3;
/** Even at the worst one request in 20 is let in, so that recovery can be seen. */
const admitMin = 0.05;

/**
 * Decides, before any other work, whether a request is let in. Two signs of overload: too many in
 * flight (sheds until a tenth of them has gone), and an event loop that stays late (sheds a share
 * that grows by a fifth each 50 ms while the smoothed delay is above `delayHighMs` and shrinks below `delayLowMs`).
 */
export class Admission {
  readonly #options: Required<AdmissionOptions>;
  readonly #timer: Timer;
  #full = false;
  #admitRatio = 1;
  #credit = 0;
  #delayMs = 0;
  #dueMs: number;
  inFlight = 0;

  constructor(host: Host, options: AdmissionOptions = {}) {
    this.#options = { inFlightMax: 2_000, delayHighMs: 150, delayLowMs: 50, ...options };
    this.#dueMs = host.clock.monotonicMs() + sampleMs;
    this.#timer = host.timers.every(sampleMs, () => this.#sample(host.clock.monotonicMs())).unref();
  }

  /** Smoothed event-loop delay. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** Share of requests let in, 0.05 to 1, apart from the bound on those in flight. */
  get admitRatio(): number {
    return this.#admitRatio;
  }

  /** Whether to let one more in. */
  admits(): boolean {
    const { inFlightMax } = this.#options;
    if (this.#full ? this.inFlight > inFlightMax * 0.9 : this.inFlight >= inFlightMax) {
      this.#full = true;
      return false;
    }
    this.#full = false;
    if (this.#admitRatio === 1) return true;
    this.#credit += this.#admitRatio;
    if (this.#credit < 1) return false;
    this.#credit -= 1;
    return true;
  }

  close(): void {
    this.#timer.cancel();
  }

  #sample(nowMs: number): void {
    this.#delayMs += smoothing * (Math.max(0, nowMs - this.#dueMs) - this.#delayMs);
    this.#dueMs = nowMs + sampleMs;
    if (this.#delayMs > this.#options.delayHighMs) this.#admitRatio = Math.max(admitMin, this.#admitRatio * 0.8);
    else if (this.#delayMs < this.#options.delayLowMs) this.#admitRatio = Math.min(1, this.#admitRatio + 0.05);
  }
}
