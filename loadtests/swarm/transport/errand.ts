import type { Exchange } from '../exchange.ts';
import type { Reply } from '../reply.ts';
import { TransportError } from '../transport-error.ts';
import type { CookieShelf } from './cookies.ts';
import { inflateBody } from './inflate.ts';
import { type Hop, isRedirect, nextHop } from './redirect.ts';
import type { Retries } from './scenario-links.ts';

/** What an errand needs of the courier. */
export interface ErrandHost {
  readonly target: URL;
  readonly redirects: number;
  readonly inflates: boolean;
  readonly cookies: CookieShelf | undefined;
  countRetry(): void;
  countRedirect(): void;
  now(): number;
  forward(exchange: Exchange, origin: string): void;
  /** Keeps an errand whose reply is being inflated, so that the end of the run can end it. */
  rest(errand: Errand): void;
  unrest(errand: Errand): void;
}

/** Errors that another try may mend; the others are ours, or the run's end. */
const triedAgain = (error: TransportError): boolean => !['aborted', 'refused_target', 'queue_full', 'inflate'].includes(error.kind);

/**
 * One request with all its hops and tries. They go out as the same exchange, one after the other, so that its
 * books are right at any moment: sent when the first byte left, bytes of all, done when the last reply was read.
 */
export class Errand {
  readonly #host: ErrandHost;
  readonly #exchange: Exchange;
  readonly #onDone: (exchange: Exchange) => void;
  /** The request as its author wrote it. */
  readonly #asked: Pick<Exchange, 'method' | 'path' | 'headers' | 'body' | 'timeoutMs'>;
  readonly #retries: Retries | undefined;
  readonly #beganMs: number;
  #hop: Hop;
  /** Redirects followed at most; 0 where the first of them is the reply. */
  readonly #redirects: number;
  #redirectsLeft: number;
  #triesLeft: number;
  #writtenMs = -1;
  #bytesSent = 0;
  #timeoutMs = 0;
  #ended = false;

  constructor(host: ErrandHost, exchange: Exchange) {
    const { method, path, headers, body, timeoutMs, links } = exchange;
    this.#host = host;
    this.#exchange = exchange;
    this.#onDone = exchange.onDone;
    this.#asked = { method, path, headers, body, timeoutMs };
    this.#beganMs = host.now();
    // Not relative to the target: `//name/path` would then be another host.
    this.#hop = { method, url: new URL(host.target.origin + path), headers, body };
    this.#redirects = links?.redirects ?? host.redirects;
    this.#redirectsLeft = this.#redirects;
    this.#retries = links?.retries;
    this.#triesLeft = links?.retries?.attempts ?? 0;
  }

  begin(): void {
    this.#exchange.onDone = this.#onHopDone;
    this.#send(this.#asked.path);
  }

  /** @param path of the first hop as it was written: a URL would normalise it */
  #send(path = this.#hop.url.pathname + this.#hop.url.search): void {
    const { method, url, headers, body } = this.#hop;
    const exchange = this.#exchange;
    const isCookieNamed = /^cookie:/im.test(headers);
    exchange.method = method;
    exchange.path = path;
    exchange.headers = isCookieNamed ? headers : headers + (this.#host.cookies?.headerLine(exchange.keeper ?? exchange.place, url) ?? '');
    exchange.body = body;
    exchange.reply = undefined;
    exchange.error = undefined;
    exchange.doneMs = -1;
    this.#host.forward(exchange, url.origin);
  }

  readonly #onHopDone = (exchange: Exchange): void => {
    if (this.#writtenMs < 0) this.#writtenMs = exchange.writtenMs;
    this.#bytesSent += exchange.bytesSent;
    exchange.bytesSent = 0;
    this.#timeoutMs ||= exchange.timeoutMs;
    const { reply, error } = exchange;
    if (error !== undefined || reply === undefined) {
      if (error !== undefined && triedAgain(error) && this.#retries?.on.includes('transport') === true && this.#tryAgain()) return;
      this.end(undefined);
      return;
    }
    const lines = this.#host.cookies === undefined ? [] : reply.setCookies;
    if (lines.length > 0) this.#host.cookies?.learn(exchange.keeper ?? exchange.place, this.#hop.url, lines);
    if (this.#retries?.on.includes(reply.status) === true && this.#tryAgain()) return;
    if (isRedirect(reply.status) && this.#redirectsLeft > 0 && this.#follow(reply.status, reply.headers['location'])) return;
    const coding = this.#host.inflates ? reply.contentEncoding : '';
    if (coding === '' || reply.body.length === 0) this.end(undefined);
    else this.#inflate(coding);
  };

  /** False where no try is left, or no time for one. */
  #tryAgain(): boolean {
    const { reply, writtenMs } = this.#exchange;
    if (this.#triesLeft <= 0 || !this.#takeTime()) return false;
    this.#triesLeft--;
    this.#host.countRetry();
    // Without a reply, or with one of a proxy, the server may have done it all the same.
    if (writtenMs >= 0 && (reply === undefined || reply.status >= 500)) this.#exchange.doubtful = true;
    this.#send();
    return true;
  }

  /** False where the redirect itself is the reply: no location, or no time left. */
  #follow(status: number, location: string | undefined): boolean {
    if (location === undefined) return false;
    const next = nextHop(this.#hop, status, location);
    if (typeof next === 'string') {
      this.end(new TransportError('protocol', `a redirect that cannot be followed: ${next}`));
      return true;
    }
    if (!this.#takeTime()) return false;
    this.#redirectsLeft--;
    this.#host.countRedirect();
    this.#hop = next;
    this.#send();
    return true;
  }

  /** A redirect that would have been followed, had not all been that the request allows. */
  #isBeyond(reply: Reply): boolean {
    return this.#redirects > 0 && this.#redirectsLeft === 0 && isRedirect(reply.status) && reply.headers['location'] !== undefined;
  }

  /** The time of a request is that of all its hops together. */
  #takeTime(): boolean {
    const leftMs = this.#timeoutMs - (this.#host.now() - this.#beganMs);
    if (leftMs <= 0) return false;
    this.#exchange.timeoutMs = leftMs;
    return true;
  }

  #inflate(codings: string): void {
    const { reply } = this.#exchange;
    if (reply === undefined) return;
    this.#host.rest(this);
    inflateBody(reply.body, codings, (body, error) => {
      if (this.#ended) return;
      this.#host.unrest(this);
      if (body !== undefined) this.#exchange.reply = reply.withBody(body);
      this.end(error);
    });
  }

  /** Hands the outcome to who asked, with the request as it was asked. @param error what went wrong after the reply */
  end(error: TransportError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    const exchange = this.#exchange;
    if (error !== undefined) {
      exchange.reply = undefined;
      exchange.error = error;
    } else if (exchange.reply !== undefined && this.#isBeyond(exchange.reply)) {
      exchange.reply = exchange.reply.asLastRedirect(this.#redirects);
    }
    const { method, path, headers, body } = this.#asked;
    exchange.method = method;
    exchange.path = path;
    exchange.headers = headers;
    exchange.body = body;
    exchange.enqueuedMs = this.#beganMs;
    exchange.writtenMs = this.#writtenMs;
    exchange.bytesSent = this.#bytesSent;
    exchange.timeoutMs = this.#timeoutMs;
    exchange.onDone = this.#onDone;
    this.#onDone(exchange);
  }
}
