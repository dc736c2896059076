/** Lets few questions be answered at once: each holds what it reads in memory until its answer is made. */
import { SoraError } from '../../core/error.ts';
import type { Host, Timer } from '../../core/host.ts';

export interface GateLimits {
  /** Answered at once. Default 2. */
  readonly runningMax: number;
  /** That wait for their turn. Default 50: a dashboard asks for all its panels together. */
  readonly waitingMax: number;
  /** How long one waits at most. Default 10 s. */
  readonly waitMaxMs: number;
}

export const defaultGateLimits: GateLimits = { runningMax: 2, waitingMax: 50, waitMaxMs: 10_000 };

interface Waiting {
  readonly begin: () => void;
  readonly timer: Timer;
}

export class Gate {
  readonly #limits: GateLimits;
  readonly #timers: Host['timers'];
  readonly #waiting: Waiting[] = [];
  #running = 0;

  constructor(host: Pick<Host, 'timers'>, limits: Partial<GateLimits> = {}) {
    this.#timers = host.timers;
    this.#limits = { ...defaultGateLimits, ...limits };
  }

  /**
   * Does the work when it is its turn.
   * @throws SoraError `unavailable` (503) where too many wait, or the turn does not come in time
   */
  async run<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    if (this.#running >= this.#limits.runningMax) await this.#turn();
    else this.#running++;
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  /** The place of the one that ends goes to the one that waits longest. */
  #next(): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#running--;
      return;
    }
    next.timer.cancel();
    next.begin();
  }

  #turn(): Promise<void> {
    const { runningMax, waitingMax, waitMaxMs } = this.#limits;
    if (this.#waiting.length >= waitingMax) return Promise.reject(busy(`${runningMax} queries run and ${waitingMax} wait`));
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        begin: resolve,
        timer: this.#timers.after(waitMaxMs, () => {
          this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
          reject(busy(`${runningMax} queries ran for ${waitMaxMs / 1_000} s`));
        }),
      };
      this.#waiting.push(waiting);
    });
  }
}

const busy = (why: string): SoraError => new SoraError('unavailable', `too many queries at once: ${why}`, { status: 503, hint: 'ask again later, or ask less often' });
