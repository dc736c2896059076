import { Connection, type ConnectionOwner } from './connection.ts';
import { type Carrier, type Exchange, ExchangeQueue } from './exchange.ts';
import { checkAddress, localOnly, type TargetPolicy } from './guard.ts';
import { defaultMaxBodyBytes } from './http-parser.ts';
import { TransportError } from './transport-error.ts';
import { TimingWheel } from './wheel.ts';

export interface TransportOptions {
  /** Scheme, host and port; see `parseTarget`. */
  readonly target: URL;
  /** Connections at most, shared by all users. */
  readonly sockets: number;
  /** Monotonic time in ms; `tick` is told the same time. */
  readonly now: () => number;
  /** What addresses may be connected to; default this machine only. */
  readonly policy?: TargetPolicy;
  /** Requests waiting for a connection; beyond it they fail with `queue_full`. Default 1,000,000. */
  readonly queueMax?: number;
  /** Largest body of a reply. Default 8 MB. */
  readonly maxBodyBytes?: number;
}

/** A connection that is not open by then is given up. */
const connectTimeoutMs = 10_000;
/** Timeouts are kept to this precision. */
const timeoutTickMs = 10;

/**
 * A pool of keep-alive HTTP/1.1 connections on raw sockets. Requests wait first in, first out; one
 * request is on a connection at a time, without pipelining, retries or redirects. `tick` must be
 * called every few milliseconds: it is what ends requests whose time is up.
 */
export class Transport implements Carrier {
  readonly #options: TransportOptions;
  readonly #owner: ConnectionOwner;
  readonly #connections = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #queue = new ExchangeQueue();
  readonly #queueMax: number;
  readonly #wheel = new TimingWheel(1_024, 4_096);
  readonly #running: (Exchange | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** Connections being opened, since when. */
  readonly #connecting = new Map<Connection, number>();
  #inFlight = 0;
  #closed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#queueMax = options.queueMax ?? 1_000_000;
    const { target } = options;
    const hostname = target.hostname.startsWith('[') ? target.hostname.slice(1, -1) : target.hostname;
    const policy = options.policy ?? localOnly;
    this.#owner = {
      hostname,
      port: target.port === '' ? 80 : Number(target.port),
      commonHeaders: `host: ${target.host}\r\n`,
      maxBodyBytes: options.maxBodyBytes ?? defaultMaxBodyBytes,
      readBuffer: Buffer.allocUnsafeSlow(65_536),
      now: options.now,
      refuseAddress: (address) => checkAddress(address, hostname, policy),
      onOpen: (connection) => void this.#connecting.delete(connection),
      onReady: (connection) => this.#onReady(connection),
      onGone: (connection, error) => this.#onGone(connection, error),
      onSettled: (exchange) => this.#settle(exchange),
    };
  }

  /** Connections open or opening. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Requests handed over and not yet settled. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Hands over a request; its `onDone` is called once, with a reply or an error, never within this call. */
  send(exchange: Exchange): void {
    exchange.enqueuedMs = this.#options.now();
    this.#inFlight++;
    if (this.#closed || this.#queue.length >= this.#queueMax) {
      const kind = this.#closed ? 'aborted' : 'queue_full';
      queueMicrotask(() => this.#fail(exchange, new TransportError(kind, this.#refusal())));
      return;
    }
    this.#awaitTimeout(exchange);
    const connection = this.#takeIdle(exchange.enqueuedMs);
    if (connection !== undefined) {
      connection.send(exchange);
      return;
    }
    this.#queue.push(exchange);
    this.#openOne();
  }

  /** Ends requests whose time is up. @param nowMs on the clock the transport was given */
  tick(nowMs: number): void {
    this.#wheel.advance(Math.floor(nowMs / timeoutTickMs), this.#onTimeout);
    for (const [connection, sinceMs] of this.#connecting) {
      if (nowMs - sinceMs < connectTimeoutMs) break; // The rest are younger.
      connection.destroy(new TransportError('timeout', `no connection within ${connectTimeoutMs} ms`));
    }
  }

  /** Fails what is in flight with `aborted` and drops all connections. */
  close(): void {
    this.#closed = true;
    for (const exchange of this.#running) {
      if (exchange !== undefined) this.#abandon(exchange, new TransportError('aborted', 'the run ended'));
    }
    for (const connection of this.#connections) connection.destroy(new TransportError('aborted', 'the run ended'));
  }

  #refusal(): string {
    return this.#closed ? 'the transport is closed' : `${this.#queueMax} requests wait for a connection, the limit`;
  }

  #awaitTimeout(exchange: Exchange): void {
    const slot = this.#freeSlots.pop() ?? this.#running.length;
    this.#running[slot] = exchange;
    exchange.slot = slot;
    this.#wheel.schedule(slot, Math.ceil((exchange.enqueuedMs + exchange.timeoutMs) / timeoutTickMs));
  }

  readonly #onTimeout = (slot: number): void => {
    const exchange = this.#running[slot];
    if (exchange === undefined) return;
    const where = exchange.writtenMs < 0 ? 'before it got a connection' : 'after it was sent';
    this.#abandon(exchange, new TransportError('timeout', `no reply within ${exchange.timeoutMs} ms, ${where}`));
  };

  /** A connection whose reply is overdue cannot be used again. */
  #abandon(exchange: Exchange, error: TransportError): void {
    if (exchange.carrier === undefined) this.#fail(exchange, error);
    else exchange.carrier.destroy(error);
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
    if (this.#closed || this.#connections.size >= this.#options.sockets) return;
    if (this.#connecting.size >= this.#queue.length) return;
    const connection = new Connection(this.#owner);
    this.#connections.add(connection);
    this.#connecting.set(connection, this.#options.now());
    connection.open();
  }

  #onReady(connection: Connection): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#idle.push(connection);
    else connection.send(next);
  }

  #onGone(connection: Connection, error: TransportError | undefined): void {
    this.#connections.delete(connection);
    const idleAt = this.#idle.indexOf(connection);
    if (idleAt >= 0) this.#idle.splice(idleAt, 1);
    this.#connecting.delete(connection);
    if (error !== undefined) {
      // A failed connect fails the request that asked for it: the oldest.
      const next = this.#queue.shift();
      if (next !== undefined) this.#fail(next, error);
    }
    this.#openOne();
  }

  #fail(exchange: Exchange, error: TransportError): void {
    if (exchange.settled) return;
    exchange.error = error;
    exchange.doneMs = this.#options.now();
    this.#settle(exchange);
  }

  #settle(exchange: Exchange): void {
    this.#inFlight--;
    exchange.carrier = undefined;
    if (exchange.slot >= 0) {
      this.#wheel.cancel(exchange.slot);
      this.#running[exchange.slot] = undefined;
      this.#freeSlots.push(exchange.slot);
      exchange.slot = -1;
    }
    exchange.onDone(exchange);
  }
}
