import type { Connection } from './connection.ts';
import { type Exchange, ExchangeQueue } from './exchange.ts';
import { BaseTransport, type TransportBaseOptions } from './transport/base-transport.ts';
import { TransportError } from './transport-error.ts';

export interface TransportOptions extends TransportBaseOptions {
  /** Connections at most, shared by all users. */
  readonly sockets: number;
}

/** A pool of keep-alive connections that all users share. Requests wait first in, first out. */
export class Transport extends BaseTransport {
  readonly #sockets: number;
  readonly #idle: Connection[] = [];
  readonly #queue = new ExchangeQueue();

  constructor(options: TransportOptions) {
    super(options, undefined);
    this.#sockets = options.sockets;
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
