import { Connection, type ConnectionOwner, writtenHeaders } from '../connection.ts';
import type { Carrier, Exchange } from '../exchange.ts';
import { checkAddress, localOnly, type TargetPolicy } from '../guard.ts';
import { defaultMaxBodyBytes, type HttpParser } from '../http-parser.ts';
import { TransportError } from '../transport-error.ts';
import { Deadlines } from './deadlines.ts';
import { dialPlain } from './node-wire.ts';
import { openWire } from './open-wire.ts';
import { dialTls, type TlsMaterial } from './tls-wire.ts';
import type { Dial, Endpoint, Wire, WireEvents } from './wire.ts';

/** What all transports are told. */
export interface TransportBaseOptions {
  /** Scheme, host and port; see `parseTarget`. */
  readonly target: URL;
  /** Monotonic time in ms; `tick` is told the same time. */
  readonly now: () => number;
  /** What addresses may be connected to; default this machine only. */
  readonly policy?: TargetPolicy | undefined;
  /** Requests waiting for a connection; beyond it they fail with `queue_full`. Default 1,000,000. */
  readonly queueMax?: number;
  /** Largest body of a reply. Default 8 MB. */
  readonly maxBodyBytes?: number;
  /** A connection that is not open by then is given up. Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** For requests that name no time of their own. Default 30,000. */
  readonly replyTimeoutMs?: number | undefined;
  /** Header lines of every request besides `Host:`, each ended by CRLF. Default none. */
  readonly commonHeaders?: string;
  /** For `https:` targets. */
  readonly tls?: TlsMaterial | undefined;
  /** The address that the nth connection, or the connection of the nth place, comes from. Default the system's choice. */
  readonly sourceAddress?: ((n: number) => string | undefined) | undefined;
  /** How wires are opened. Default Node's sockets, with TLS for `https:`. */
  readonly dial?: Dial | undefined;
}

const defaultConnectTimeoutMs = 10_000;
const defaultReplyTimeoutMs = 30_000;

/**
 * What the transports share: timeouts, limits, books. Requests are HTTP/1.1, one on a connection at
 * a time, without pipelining, retries or redirects. `tick` must be called every few milliseconds:
 * it is what ends requests whose time is up.
 */
export abstract class BaseTransport implements Carrier {
  protected readonly connectionSet = new Set<Connection>();
  /** Connections being opened, since when. */
  protected readonly connecting = new Map<Connection, number>();
  protected readonly now: () => number;
  readonly #endpoint: Endpoint;
  readonly #owner: ConnectionOwner;
  readonly #deadlines: Deadlines;
  readonly #queueMax: number;
  readonly #connectTimeoutMs: number;
  /** For requests that name no time of their own. */
  readonly replyTimeoutMs: number;
  readonly #sourceAddress: ((n: number) => string | undefined) | undefined;
  #inFlight = 0;
  #closed = false;
  #opened = 0;

  /** @param parsers where connections leave their parsers while idle; undefined: each keeps its own */
  constructor(options: TransportBaseOptions, parsers: HttpParser[] | undefined) {
    const { target } = options;
    this.now = options.now;
    this.#queueMax = options.queueMax ?? 1_000_000;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? defaultConnectTimeoutMs;
    this.replyTimeoutMs = options.replyTimeoutMs ?? defaultReplyTimeoutMs;
    this.#sourceAddress = options.sourceAddress;
    this.#deadlines = new Deadlines((exchange) => this.#onTimeout(exchange));
    this.#endpoint = endpointOf(target, options);
    this.#owner = {
      endpoint: this.#endpoint,
      commonHeaders: `host: ${target.host}\r\n${options.commonHeaders ?? ''}`,
      maxBodyBytes: options.maxBodyBytes ?? defaultMaxBodyBytes,
      parsers,
      now: options.now,
      onOpen: (connection) => void this.connecting.delete(connection),
      onReady: (connection) => this.onReady(connection),
      onGone: (connection, error) => this.#onGone(connection, error),
      onSettled: (exchange) => this.#settle(exchange),
    };
  }

  /** Finds or opens a connection for a request, or lets it wait. */
  protected abstract dispatch(exchange: Exchange): void;
  /** A connection may carry the next request. */
  protected abstract onReady(connection: Connection): void;
  /** A connection is gone; `error` says why when it never opened. */
  protected abstract onGone(connection: Connection, error: TransportError | undefined): void;
  /** A request that waits for a connection, and whose time is up, waits no longer; it is settled right after. */
  protected abstract onLeft(exchange: Exchange): void;
  /** Requests that wait for a connection. */
  protected abstract get waiting(): number;

  /** Another visitor takes a user's place. */
  forget(_place: number): void {
    // Shared connections are nobody's.
  }

  /** Connections open or opening. */
  get connections(): number {
    return this.connectionSet.size;
  }

  /** Connections begun since the start. */
  get opened(): number {
    return this.#opened;
  }

  /** Requests handed over and not yet settled. */
  get inFlight(): number {
    return this.#inFlight;
  }

  protected get closed(): boolean {
    return this.#closed;
  }

  /** Hands over a request; its `onDone` is called once, with a reply or an error, never within this call. */
  send(exchange: Exchange): void {
    const nowMs = this.now();
    exchange.enqueuedMs = nowMs;
    this.#inFlight++;
    if (this.#closed || this.waiting >= this.#queueMax) {
      const kind = this.#closed ? 'aborted' : 'queue_full';
      queueMicrotask(() => this.fail(exchange, new TransportError(kind, this.#refusal())));
      return;
    }
    if (exchange.timeoutMs <= 0) exchange.timeoutMs = this.replyTimeoutMs;
    this.#deadlines.add(exchange, nowMs + exchange.timeoutMs);
    this.dispatch(exchange);
  }

  /** The header lines that a request goes out with. */
  headersOf(exchange: Exchange): string {
    return writtenHeaders(exchange, this.#owner.commonHeaders);
  }

  /** Ends requests whose time is up. @param nowMs on the clock the transport was given */
  tick(nowMs: number): void {
    this.#deadlines.advance(nowMs);
    for (const [connection, sinceMs] of this.connecting) {
      if (nowMs - sinceMs < this.#connectTimeoutMs) break; // The rest are younger.
      connection.destroy(new TransportError('timeout', `no connection within ${this.#connectTimeoutMs} ms`));
    }
  }

  /** Fails what is in flight with `aborted` and drops all connections. */
  close(): void {
    this.#closed = true;
    for (const exchange of this.#deadlines.all()) this.#abandon(exchange, new TransportError('aborted', 'the run ended'));
    for (const connection of this.connectionSet) connection.destroy(new TransportError('aborted', 'the run ended'));
  }

  /** Opens a wire of its own to the target, with what the transport knows of it: the guard, TLS, source addresses. */
  openWire(events: WireEvents, place: number): Wire {
    return openWire(this.#endpoint, events, this.#sourceAddress?.(place));
  }

  /** Begins to open a connection. */
  protected connect(place: number): Connection {
    const connection = new Connection(this.#owner, place);
    this.#opened++;
    this.connectionSet.add(connection);
    this.connecting.set(connection, this.now());
    connection.open(this.#sourceAddress?.(place));
    return connection;
  }

  protected fail(exchange: Exchange, error: TransportError): void {
    if (exchange.settled) return;
    exchange.error = error;
    exchange.doneMs = this.now();
    this.#settle(exchange);
  }

  #refusal(): string {
    return this.#closed ? 'the transport is closed' : `${this.#queueMax} requests wait for a connection, the limit`;
  }

  #onTimeout(exchange: Exchange): void {
    const where = exchange.writtenMs < 0 ? 'before it got a connection' : 'after it was sent';
    this.#abandon(exchange, new TransportError('timeout', `no reply within ${exchange.timeoutMs} ms, ${where}`));
  }

  /** A connection whose reply is overdue cannot be used again. */
  #abandon(exchange: Exchange, error: TransportError): void {
    if (exchange.settled) return;
    if (exchange.carrier !== undefined) return exchange.carrier.destroy(error);
    this.onLeft(exchange);
    this.fail(exchange, error);
  }

  #onGone(connection: Connection, error: TransportError | undefined): void {
    this.connectionSet.delete(connection);
    this.connecting.delete(connection);
    this.onGone(connection, error);
  }

  #settle(exchange: Exchange): void {
    this.#inFlight--;
    exchange.carrier = undefined;
    this.#deadlines.remove(exchange);
    exchange.onDone(exchange);
  }
}

/** Where a target's wires lead, with the guard in place. */
function endpointOf(target: URL, options: TransportBaseOptions): Endpoint {
  const hostname = target.hostname.startsWith('[') ? target.hostname.slice(1, -1) : target.hostname;
  const policy = options.policy ?? localOnly;
  const isTls = target.protocol === 'https:';
  return {
    hostname,
    port: target.port === '' ? (isTls ? 443 : 80) : Number(target.port),
    readBuffer: Buffer.allocUnsafeSlow(65_536),
    refuseAddress: (address) => checkAddress(address, hostname, policy),
    dial: options.dial ?? (isTls ? dialTls(options.tls ?? {}) : dialPlain),
  };
}
