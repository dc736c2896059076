/** How many requests may be in flight to the upstreams: additive increase, multiplicative decrease. */

export interface LimiterOptions {
  /** Never below this many. Default 256: the stores batch, and with fewer in flight their batches shrink until each costs too much. */
  readonly floor?: number;
  /** Never above this many, and the start. */
  readonly ceiling: number;
  /** Median latency beyond which the upstreams count as overloaded. Default 200 ms. */
  readonly targetMs?: number;
}

/** Upper bounds of the latency buckets, ms: each a quarter above the last. */
const boundsMs = Array.from({ length: 60 }, (_, index) => 0.1 * 1.25 ** index);
const logStep = Math.log(1.25);
const samplesMin = 10;

/**
 * The signal is the median of a window, not the mean: 5 % of slow AI replies must not throttle the
 * other 95 %. The limit only falls while the median is beyond the target, and only rises when it is used.
 */
export class Limiter {
  readonly #floor: number;
  readonly #ceiling: number;
  readonly #targetMs: number;
  #counts = new Uint32Array(boundsMs.length + 1);
  #samples = 0;
  #inFlightMax = 0;
  limit: number;
  /** Median of the last window that had enough samples, ms. */
  medianMs = 0;

  constructor(options: LimiterOptions) {
    this.#ceiling = options.ceiling;
    this.#floor = Math.min(options.floor ?? 256, options.ceiling);
    this.#targetMs = options.targetMs ?? 200;
    this.limit = options.ceiling;
  }

  observe(latencyMs: number, inFlight: number): void {
    const index = latencyMs <= 0.1 ? 0 : Math.ceil(Math.log(latencyMs * 10) / logStep);
    this.#counts[Math.min(index, boundsMs.length)]!++;
    this.#samples++;
    if (inFlight > this.#inFlightMax) this.#inFlightMax = inFlight;
  }

  /** Ends a window (about 250 ms) and moves the limit. */
  endWindow(): void {
    if (this.#samples < samplesMin) return;
    this.medianMs = this.#median();
    if (this.medianMs > this.#targetMs) this.limit = Math.max(this.#floor, Math.floor(this.limit * 0.85));
    else if (this.#inFlightMax * 2 >= this.limit) this.limit = Math.min(this.#ceiling, Math.ceil(this.limit * 1.05));
    this.#counts.fill(0);
    this.#samples = 0;
    this.#inFlightMax = 0;
  }

  #median(): number {
    let seen = 0;
    for (let index = 0; index < boundsMs.length; index++) {
      seen += this.#counts[index] as number;
      if (seen * 2 >= this.#samples) return boundsMs[index] as number;
    }
    return boundsMs.at(-1) as number;
  }
}
