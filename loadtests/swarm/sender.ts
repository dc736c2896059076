import { blame, type Books } from './books.ts';
import type { Carrier, Exchange } from './exchange.ts';
import { checkFields, faultOf } from './request-shape.ts';
import { headerLines, namesHeader } from './request-text.ts';
import type { HttpReply, HttpRequest, Scenario } from './scenario.ts';
import { StepExchange } from './step-exchange.ts';
import type { Rememberer, StepUser } from './step-user.ts';
import type { WriteLedger } from './write-ledger.ts';

export interface SenderOptions {
  readonly scenario: Scenario<never>;
  readonly shared: unknown;
  readonly carrier: Carrier;
  readonly now: () => number;
  /** The place where a user's memory lies, and with it its cookies. */
  readonly memoryOf: (user: Rememberer) => number;
}

/** The first requests of a worker whose fields are looked at; a scenario has made each of its requests by then, or most of them. */
const lookedAtMax = 1_000;

/** Hands the requests of users to the transport, and their outcomes to the books. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #onDone: (done: Exchange) => void;
  /** Requests whose fields are still looked at: all, once one was wrong, so that it is refused each time. */
  #lookAt = lookedAtMax;

  constructor(options: SenderOptions, books: Books, writes: WriteLedger) {
    this.#options = options;
    this.#onDone = (done) => (done as StepExchange).settle(books, writes);
  }

  send(user: StepUser, request: HttpRequest): Promise<HttpReply> {
    let exchange: StepExchange;
    try {
      this.#look(request);
      if (user.headers === undefined) this.#takeHeaders(user);
      exchange = new StepExchange(user, request, user.headers ?? '', this.#onDone);
    } catch (error) {
      // It is never sent; a journey that catches this has done nothing all the same.
      blame(user, error);
      return Promise.reject(error as Error);
    }
    exchange.keeper = this.#options.memoryOf(user);
    const replied = new Promise<HttpReply>((resolve, reject) => {
      exchange.resolve = resolve;
      exchange.reject = reject;
    });
    if (user.handedMs < 0) user.handedMs = this.#options.now();
    user.latest = exchange;
    this.#options.carrier.send(exchange);
    return replied;
  }

  /** @throws SoraError `malformed_request` */
  #look(request: HttpRequest): void {
    if (this.#lookAt <= 0) {
      const fault = faultOf(request);
      if (fault !== undefined) throw fault;
      return;
    }
    try {
      checkFields(request);
      this.#lookAt--;
    } catch (error) {
      this.#lookAt = Number.POSITIVE_INFINITY;
      throw error;
    }
  }

  #takeHeaders(user: StepUser): void {
    const headers = this.#options.scenario.headers?.(user.index, this.#options.shared);
    user.namesCorrelation = namesHeader(headers, 'x-correlation-id');
    user.headers = headerLines(headers);
  }
}
