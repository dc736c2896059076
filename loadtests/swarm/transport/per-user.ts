import type { Connection } from '../connection.ts';
import type { Exchange } from '../exchange.ts';
import { TransportError } from '../transport-error.ts';
import { BaseTransport, type TransportBaseOptions } from './base-transport.ts';

/**
 * One connection for each user, opened at its first request and kept as long as the server lets it;
 * opened again when the server closed it meanwhile. What a user sends at the same time waits in turn.
 * While idle a connection is its socket and two small objects: parsers go to whoever awaits a reply.
 */
export class PerUserTransport extends BaseTransport {
  /** By place in the worker's share. */
  readonly #connections = new Map<number, Connection>();
  /** Requests of users whose connection is busy or opening. */
  readonly #lines = new Map<number, Exchange[]>();
  #waiting = 0;

  constructor(options: TransportBaseOptions) {
    super(options, []);
  }

  override forget(place: number): void {
    const connection = this.#connections.get(place);
    if (connection?.idle === true) connection.destroy(new TransportError('aborted', 'its user has left'));
  }

  protected override get waiting(): number {
    return this.#waiting;
  }

  protected override dispatch(exchange: Exchange): void {
    const { place } = exchange;
    let connection = this.#connections.get(place);
    if (connection?.idle === true) {
      if (connection.usableUntilMs > exchange.enqueuedMs) {
        connection.send(exchange);
        return;
      }
      connection.destroy(new TransportError('aborted', 'idle for too long'));
      connection = undefined;
    }
    this.#enqueue(place, exchange);
    if (connection === undefined) this.#open(place);
  }

  #open(place: number): void {
    this.#connections.set(place, this.connect(place));
  }

  #enqueue(place: number, exchange: Exchange): void {
    const line = this.#lines.get(place);
    if (line === undefined) this.#lines.set(place, [exchange]);
    else line.push(exchange);
    this.#waiting++;
  }

  protected override onLeft(exchange: Exchange): void {
    const line = this.#lines.get(exchange.place);
    const at = line?.indexOf(exchange) ?? -1;
    if (line === undefined || at < 0) return;
    if (at === 0) line.shift();
    else line.splice(at, 1);
    this.#waiting--;
    if (line.length === 0) this.#lines.delete(exchange.place);
  }

  /** The oldest of a user. */
  #shift(place: number): Exchange | undefined {
    const line = this.#lines.get(place);
    const next = line?.shift();
    if (line === undefined || next === undefined) return undefined;
    this.#waiting--;
    if (line.length === 0) this.#lines.delete(place);
    return next;
  }

  protected override onReady(connection: Connection): void {
    const next = this.#shift(connection.place);
    if (next !== undefined) connection.send(next);
  }

  protected override onGone(connection: Connection, error: TransportError | undefined): void {
    const { place } = connection;
    if (this.#connections.get(place) === connection) this.#connections.delete(place);
    if (error !== undefined) {
      // A failed connect fails the request that asked for it.
      const next = this.#shift(place);
      if (next !== undefined) this.fail(next, error);
    }
    if (!this.closed && this.#lines.has(place) && !this.#connections.has(place)) this.#open(place);
  }
}
