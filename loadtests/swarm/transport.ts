import type { Connection } from './connection.ts';
import { type Exchange, ExchangeQueue } from './exchange.ts';
import { BaseTransport, type TransportBaseOptions } from './transport/base-transport.ts';
import { TransportError } from './transport-error.ts';

export interface TransportOptions extends TransportBaseOptions {
  /** Connections at most, shared by all users. */
  readonly sockets: number;
  /** Connections at most once requests have waited long for one. Default `sockets`: the pool does not grow. */
  readonly socketsMost?: number | undefined;
}

/**
 * A pool whose requests wait for `waitMs` may double, once in `everyMs`. A hiccup of seconds is no reason to: at 3,000
 * operations a second pools that grew after one second handed a system its whole backlog at once, which it then refused.
 */
const growth = { waitMs: 5_000, everyMs: 1_000 } as const;

/** A pool of keep-alive connections that all users share. Requests wait first in, first out. */
export class Transport extends BaseTransport {
  readonly #socketsMost: number;
  #sockets: number;
  #grownMs = Number.NEGATIVE_INFINITY;
  readonly #idle: Connection[] = [];
  readonly #queue = new ExchangeQueue();

  constructor(options: TransportOptions) {
    super(options, undefined);
    this.#sockets = options.sockets;
    this.#socketsMost = Math.max(options.sockets, options.socketsMost ?? 0);
  }

  protected override get waiting(): number {
    return this.#queue.length;
  }

  protected override dispatch(exchange: Exchange): void {
    const connection = this.#takeIdle(exchange.enqueuedMs);
    if (connection !== undefined) {
      connection.send(exchange);
      return;
    }
    this.#queue.push(exchange);
    this.#growAt(exchange.enqueuedMs);
    this.#openOne();
  }

  protected override onLeft(): void {
    this.#queue.leave();
  }

  #takeIdle(nowMs: number): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (!connection.idle) continue;
      if (connection.usableUntilMs > nowMs) return connection;
      connection.destroy(new TransportError('aborted', 'idle for too long'));
    }
    return undefined;
  }

  /** Where users would have had a connection each, a small pool would be measured in place of a system that is slow. */
  #growAt(nowMs: number): void {
    if (this.#sockets >= this.#socketsMost || nowMs - this.#grownMs < growth.everyMs) return;
    const oldest = this.#queue.peek();
    if (oldest === undefined || nowMs - oldest.enqueuedMs < growth.waitMs) return;
    this.#grownMs = nowMs;
    this.#sockets = Math.min(this.#socketsMost, this.#sockets * 2);
  }

  #openOne(): void {
    if (this.closed || this.connectionSet.size >= this.#sockets) return;
    if (this.connecting.size >= this.#queue.length) return;
    this.connect(this.opened);
  }

  protected override onReady(connection: Connection): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#idle.push(connection);
    else connection.send(next);
  }

  protected override onGone(connection: Connection, error: TransportError | undefined): void {
    const idleAt = this.#idle.indexOf(connection);
    if (idleAt >= 0) this.#idle.splice(idleAt, 1);
    if (error !== undefined) {
      // A failed connect fails the request that asked for it: the oldest.
      const next = this.#queue.shift();
      if (next !== undefined) this.fail(next, error);
    }
    this.#openOne();
  }
}
