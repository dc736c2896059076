import { Limiter, type LimiterOptions } from './limiter.ts';

/** Something that waits for a place; `expired` is told when it waited too long. */
export interface Waiter {
  admitted(): void;
  expired(): void;
}

interface Entry {
  readonly sinceMs: number;
  readonly waiter: Waiter;
}

/** So long after a refusal the queue still counts as standing: a place that frees for a moment is no end of an overload. */
const overloadedMs = 100;

export interface AdmissionOptions extends LimiterOptions {
  /** Most waiters; beyond it refused at once. Default 4,096. */
  readonly queueMax?: number;
  /** Longest wait while the queue has been standing. Default 3 ms: who is refused at once hears it in the same turn, who waits in vain needs another. */
  readonly standingWaitMs?: number;
  /** Longest wait in a burst: a place was free within the last `burstMs`. Default 12 ms: whoever is refused shall hear it within 50, with the way there and back on a busy machine. */
  readonly burstMs?: number;
}

/**
 * Lets requests through up to the limiter's limit and queues the rest by time. A queue before
 * places that were free a moment ago is a burst and may wait; one that never clears is overload, where waiting only
 * makes everybody late: it is cut to what `standingWaitMs` serve, and the excess is refused as it arrives.
 */
export class Admission {
  readonly limiter: Limiter;
  readonly #queueMax: number;
  readonly #standingWaitMs: number;
  readonly #burstMs: number;
  #queue: Entry[] = [];
  /** When a request last found, or left behind, a free place. */
  #reliefMs = 0;
  #refusedMs = -Infinity;
  #finishedInWindow = 0;
  #finishedPerMs = 0;
  #windowStartMs = 0;
  #lettingIn = false;
  inFlight = 0;
  refused = 0;
  /** Sum and count of the waits of those let through after waiting. */
  waitedMsSum = 0;
  waited = 0;

  constructor(options: AdmissionOptions) {
    this.limiter = new Limiter(options);
    this.#queueMax = options.queueMax ?? 4_096;
    this.#standingWaitMs = options.standingWaitMs ?? 3;
    this.#burstMs = options.burstMs ?? 12;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /**
   * Whether places have been short for longer than a burst. A queue that only refusals emptied is no
   * relief, or each round of refusals would be followed by another long wait.
   */
  #isStanding(nowMs: number): boolean {
    return nowMs - this.#reliefMs > this.#burstMs || nowMs - this.#refusedMs < overloadedMs;
  }

  /** `go`: a place is taken, give it back with `finish`; `wait`: `waiter` will hear; `refused`: no. */
  enter(waiter: Waiter, nowMs: number): 'go' | 'wait' | 'refused' {
    if (this.#queue.length === 0 && this.inFlight < this.limiter.limit) {
      this.#reliefMs = nowMs;
      this.inFlight++;
      return 'go';
    }
    const drainable = Math.max(8, this.#finishedPerMs * this.#standingWaitMs);
    if (this.#queue.length >= this.#queueMax || (this.#isStanding(nowMs) && this.#queue.length >= drainable)) {
      this.refused++;
      this.#refusedMs = nowMs;
      return 'refused';
    }
    this.#queue.push({ sinceMs: nowMs, waiter });
    return 'wait';
  }

  /** A waiter's client has gone. */
  leave(waiter: Waiter): void {
    const index = this.#queue.findIndex((entry) => entry.waiter === waiter);
    if (index >= 0) this.#queue.splice(index, 1);
  }

  /** Gives a place back after a reply that took `latencyMs`; undefined when it says nothing. */
  finish(nowMs: number, latencyMs: number | undefined): void {
    if (latencyMs !== undefined) this.limiter.observe(latencyMs, this.inFlight);
    this.inFlight--;
    this.#finishedInWindow++;
    this.#letIn(nowMs);
  }

  #letIn(nowMs: number): void {
    // A waiter that is answered at once gives its place back from within: the outer loop goes on.
    if (this.#lettingIn) return;
    this.#lettingIn = true;
    while (this.#queue.length > 0 && this.inFlight < this.limiter.limit) {
      const entry = this.#queue.shift() as Entry;
      this.inFlight++;
      this.waited++;
      this.waitedMsSum += nowMs - entry.sinceMs;
      entry.waiter.admitted();
    }
    this.#lettingIn = false;
    if (this.inFlight < this.limiter.limit) this.#reliefMs = nowMs;
  }

  /** Refuses those who have waited too long; to be called every few ms while anyone waits. */
  expire(nowMs: number): void {
    const waitMaxMs = this.#isStanding(nowMs) ? this.#standingWaitMs : this.#burstMs;
    // Entries are in order of arrival, so the late ones are a prefix.
    let late = 0;
    while (late < this.#queue.length && nowMs - (this.#queue[late] as Entry).sinceMs > waitMaxMs) late++;
    if (late === 0) return;
    for (const entry of this.#queue.splice(0, late)) {
      this.refused++;
      this.#refusedMs = nowMs;
      entry.waiter.expired();
    }
  }

  /** Ends a window of the limiter; about every 250 ms. */
  endWindow(nowMs: number): void {
    const windowMs = nowMs - this.#windowStartMs;
    if (windowMs > 0) this.#finishedPerMs = this.#finishedInWindow / windowMs;
    this.#finishedInWindow = 0;
    this.#windowStartMs = nowMs;
    this.limiter.endWindow();
    this.#letIn(nowMs);
  }
}
