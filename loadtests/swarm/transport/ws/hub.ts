import type { Exchange } from '../../exchange.ts';
import type { Reply } from '../../reply.ts';
import { TransportError } from '../../transport-error.ts';
import type { BaseTransport } from '../base-transport.ts';
import { Deadlines } from '../deadlines.ts';
import { type LinkHost, type Match, SocketLink } from './link.ts';

/** What a request asks of the hub: a socket, or the next message of one. */
export type SocketErrand =
  | { readonly kind: 'connect'; readonly protocols: readonly string[] }
  | { readonly kind: 'receive'; readonly link: SocketLink; readonly match: Match | undefined };

/** A server that does not answer our close frame within this is left. */
const closeTimeoutMs = 5_000;
const poolBytes = 4_096;

/**
 * The WebSockets of a worker. They go through the same guard, source addresses and TLS as its requests. There are as
 * many as journeys keep open, for which the scenario's `extraSocketsPerUser` makes room; where the process has no
 * descriptor left, the next fails with `EMFILE`.
 */
export class SocketHub implements LinkHost {
  readonly host: string;
  readonly now: () => number;
  readonly #transport: BaseTransport;
  readonly #random: (count: number) => Buffer;
  readonly #links = new Set<SocketLink>();
  /** Links that have said good-bye, since when. */
  readonly #closing = new Map<SocketLink, number>();
  /** The link that each exchange waits on. */
  readonly #waiting = new Map<Exchange, SocketLink>();
  readonly #deadlines = new Deadlines((exchange) => this.#onTimeout(exchange));
  #pool: Buffer = Buffer.alloc(0);
  #closed = false;
  #opened = 0;

  /** @param random strong random bytes, for keys and masks */
  constructor(target: URL, transport: BaseTransport, now: () => number, random: (count: number) => Buffer) {
    this.host = target.host;
    this.#transport = transport;
    this.now = now;
    this.#random = random;
  }

  /** Sockets open, opening or closing. */
  get sockets(): number {
    return this.#links.size;
  }

  /** Sockets begun since the start. */
  get opened(): number {
    return this.#opened;
  }

  /** Takes an exchange; its `onDone` is called once, never within this call. */
  take(exchange: Exchange, errand: SocketErrand): void {
    const nowMs = this.now();
    exchange.enqueuedMs = nowMs;
    if (exchange.timeoutMs <= 0) exchange.timeoutMs = this.#transport.replyTimeoutMs;
    this.#deadlines.add(exchange, nowMs + exchange.timeoutMs);
    queueMicrotask(() => {
      if (this.#closed) this.settle(exchange, new TransportError('aborted', 'the run ended'));
      else if (errand.kind === 'connect') this.#connect(exchange, errand.protocols);
      else {
        exchange.writtenMs = exchange.enqueuedMs;
        this.#waiting.set(exchange, errand.link);
        errand.link.receive(exchange, errand.match);
      }
    });
  }

  #connect(exchange: Exchange, protocols: readonly string[]): void {
    const link = new SocketLink(this, exchange, protocols);
    this.#links.add(link);
    this.#opened++;
    this.#waiting.set(exchange, link);
    link.attach(this.#transport.openWire(link, exchange.place));
  }

  settle(exchange: Exchange, outcome: Reply | TransportError): void {
    this.#waiting.delete(exchange);
    this.#deadlines.remove(exchange);
    if (exchange.reply !== undefined || exchange.error !== undefined) return;
    if (outcome instanceof TransportError) exchange.error = outcome;
    else exchange.reply = outcome;
    if (exchange.doneMs < 0) exchange.doneMs = this.now();
    exchange.onDone(exchange);
  }

  #onTimeout(exchange: Exchange): void {
    const what = exchange.links?.socket?.kind === 'connect' ? 'no socket' : 'no such message';
    const error = new TransportError('timeout', `${what} within ${exchange.timeoutMs} ms`);
    const link = this.#waiting.get(exchange);
    if (link === undefined) this.settle(exchange, error);
    else link.abandon(exchange, error);
  }

  onClosing(link: SocketLink): void {
    this.#closing.set(link, this.now());
  }

  onGone(link: SocketLink): void {
    this.#links.delete(link);
    this.#closing.delete(link);
  }

  randomBytes(count: number): Buffer {
    if (this.#pool.length < count) this.#pool = this.#random(poolBytes);
    const bytes = this.#pool.subarray(0, count);
    this.#pool = this.#pool.subarray(count);
    return bytes;
  }

  tick(nowMs: number): void {
    this.#deadlines.advance(nowMs);
    for (const [link, sinceMs] of this.#closing) {
      if (nowMs - sinceMs < closeTimeoutMs) break; // The rest are younger.
      link.drop(new TransportError('ws_closed', `the server did not answer the close frame within ${closeTimeoutMs} ms`));
    }
  }

  /** Fails what waits with `aborted` and drops all sockets. */
  close(): void {
    this.#closed = true;
    for (const link of this.#links) link.drop(new TransportError('aborted', 'the run ended'));
    for (const exchange of this.#waiting.keys()) this.settle(exchange, new TransportError('aborted', 'the run ended'));
  }
}
