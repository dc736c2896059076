import type { Host, Timer } from '../../../ops/core/host.ts';
import { Roster } from '../../../ops/core/roster.ts';
import { Problem } from '../problem.ts';
import type { Admission } from './admission.ts';
import type { Exchange } from './exchange.ts';
import { sendProblem } from './send.ts';

const sweepMs = 250;

/**
 * The requests under way. One timer for all looks for those past their deadline: they get 504 (or,
 * amid a stream, their connection closed) and their signal aborts. A deadline is thus met to 250 ms.
 */
export class InFlight {
  readonly #exchanges = new Roster<Exchange>();
  readonly #admission: Admission;
  readonly #timer: Timer;
  #onEmpty: (() => void) | undefined = undefined;

  constructor(host: Host, admission: Admission) {
    this.#admission = admission;
    this.#timer = host.timers.every(sweepMs, () => this.#sweep(host.clock.monotonicMs())).unref();
  }

  get size(): number {
    return this.#exchanges.size;
  }

  add(exchange: Exchange): void {
    this.#exchanges.add(exchange);
    this.#admission.inFlight = this.#exchanges.size;
  }

  delete(exchange: Exchange): void {
    this.#exchanges.delete(exchange);
    this.#admission.inFlight = this.#exchanges.size;
    if (this.#exchanges.size === 0) this.#onEmpty?.();
  }

  /** Resolves once none is left. */
  empty(): Promise<void> {
    if (this.#exchanges.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  close(): void {
    this.#timer.cancel();
  }

  #sweep(nowMs: number): void {
    for (const exchange of this.#exchanges.list()) {
      if (exchange.deadlineMs > nowMs) continue;
      const { request, response } = exchange;
      const problem = new Problem(504, 'timeout', `not finished within ${Math.round(exchange.deadlineMs - exchange.startMs)} ms`);
      exchange.deadlineMs = Infinity;
      if (!response.headersSent) sendProblem(response, exchange.correlationId, problem, request.url ?? '');
      else if (!response.writableEnded) response.destroy();
      exchange.abort(problem);
    }
  }
}
