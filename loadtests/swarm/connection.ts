import type { Exchange } from './exchange.ts';
import { HttpParser } from './http-parser.ts';
import { closedByServer, openWire } from './transport/open-wire.ts';
import type { Endpoint, Wire, WireEvents } from './transport/wire.ts';
import { TransportError, transportErrorOf } from './transport-error.ts';

/** What a connection tells its transport, and shares with the others. */
export interface ConnectionOwner {
  readonly endpoint: Endpoint;
  /** Header lines of every request, from `Host:` on, each ended by CRLF. */
  readonly commonHeaders: string;
  readonly maxBodyBytes: number;
  /** Parsers at rest, for connections that are idle most of their life; undefined: each keeps its own. */
  readonly parsers: HttpParser[] | undefined;
  now(): number;
  /** The connection is open. */
  onOpen(connection: Connection): void;
  /** The connection may carry a request. */
  onReady(connection: Connection): void;
  /** The connection is gone; `error` says why when it never opened. */
  onGone(connection: Connection, error: TransportError | undefined): void;
  onSettled(exchange: Exchange): void;
}

/** A server may close a connection this long before the time it announced; we stop using it by then. */
const idleMarginMs = 1_000;

/** One keep-alive connection, with at most one exchange on it. */
export class Connection implements WireEvents {
  readonly #owner: ConnectionOwner;
  #wire: Wire | undefined;
  #parser: HttpParser | undefined;
  #exchange: Exchange | undefined;
  #gone = false;
  #ready = false;
  /** Until when an idle connection may be used again. */
  usableUntilMs = Number.POSITIVE_INFINITY;
  /** Whose it is, where users have connections of their own. */
  readonly place: number;

  constructor(owner: ConnectionOwner, place = 0) {
    this.#owner = owner;
    this.place = place;
  }

  get idle(): boolean {
    return this.#ready && !this.#gone && this.#exchange === undefined;
  }

  /** @param localAddress the address to come from; undefined leaves it to the system */
  open(localAddress?: string): void {
    this.#wire = openWire(this.#owner.endpoint, this, localAddress);
  }

  /** Writes a request in one system call. Only on an idle connection. */
  send(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.carrier = this;
    this.#parser ??= this.#owner.parsers?.pop() ?? new HttpParser(this.#owner.maxBodyBytes);
    this.#parser.begin(exchange.method);
    const { body } = exchange;
    const head = `${exchange.method} ${exchange.path} HTTP/1.1\r\n${this.#owner.commonHeaders}${exchange.headers}`;
    exchange.writtenMs = this.#owner.now();
    if (body === undefined) {
      this.#write(exchange, lacksLength(exchange) ? `${head}content-length: 0\r\n\r\n` : `${head}\r\n`);
    } else if (typeof body === 'string' && isAscii(body)) {
      this.#write(exchange, `${head}content-length: ${body.length}\r\n\r\n${body}`);
    } else {
      const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
      const start = Buffer.from(`${head}content-length: ${bytes.length}\r\n\r\n`, 'latin1');
      const whole = Buffer.concat([start, bytes]);
      exchange.bytesSent = whole.length;
      this.#wire?.writeBytes(whole);
    }
  }

  #write(exchange: Exchange, text: string): void {
    exchange.bytesSent = text.length;
    this.#wire?.writeText(text);
  }

  /** Drops the connection; an exchange on it fails with `error`. */
  destroy(error: TransportError): void {
    this.#close(error);
  }

  onOpen(): void {
    if (this.#gone) return;
    this.#ready = true;
    this.#owner.onOpen(this);
    this.#owner.onReady(this);
  }

  onBytes(bytes: Buffer, length: number): void {
    const exchange = this.#exchange;
    const parser = this.#parser;
    if (exchange === undefined || parser === undefined) {
      this.#close(new TransportError('protocol', `${length} bytes that no request asked for`));
      return;
    }
    exchange.bytesReceived += length;
    try {
      const reply = parser.feed(bytes, length);
      if (reply === undefined) return;
      exchange.reply = reply;
      exchange.doneMs = this.#owner.now();
      this.#exchange = undefined;
      if (parser.keepAlive) this.#rest(parser, exchange.doneMs);
      else this.#close(undefined);
      this.#owner.onSettled(exchange);
    } catch (error) {
      this.#close(transportErrorOf(error));
    }
  }

  #rest(parser: HttpParser, nowMs: number): void {
    const timeoutMs = parser.idleTimeoutMs;
    if (timeoutMs !== undefined) this.usableUntilMs = nowMs + Math.max(0, timeoutMs - idleMarginMs);
    const { parsers } = this.#owner;
    if (parsers !== undefined) {
      parsers.push(parser);
      this.#parser = undefined;
    }
    this.#owner.onReady(this);
  }

  onEnd(): void {
    const exchange = this.#exchange;
    const reply = this.#parser?.end();
    if (exchange !== undefined && reply !== undefined) {
      exchange.reply = reply;
      exchange.doneMs = this.#owner.now();
      this.#exchange = undefined;
      this.#close(undefined);
      this.#owner.onSettled(exchange);
      return;
    }
    this.#close(new TransportError('ECONNRESET', 'the server closed the connection before its reply was complete'));
  }

  onClosed(error: TransportError): void {
    this.#close(error);
  }

  #close(error: TransportError | undefined): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#wire?.destroy();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange !== undefined && !exchange.settled) {
      exchange.error = error ?? closedByServer();
      exchange.doneMs = this.#owner.now();
      this.#owner.onSettled(exchange);
    }
    this.#owner.onGone(this, this.#ready ? undefined : (error ?? new TransportError('EIO', 'the connection never opened')));
  }
}

const ownLength = /^(?:content-length|transfer-encoding):/im;

/** The header lines of a request as `send` writes them, for people. @param commonHeaders of its transport */
export function writtenHeaders(exchange: Exchange, commonHeaders: string): string {
  const { body, headers } = exchange;
  const hasLength = body !== undefined || lacksLength(exchange);
  return `${commonHeaders}${headers}${hasLength ? `content-length: ${Buffer.byteLength(body ?? '')}\r\n` : ''}`;
}

/** Servers may refuse, with 411, these methods where nothing says that no body follows (RFC 9110, 8.6). */
function lacksLength({ method, headers }: Exchange): boolean {
  return (method === 'POST' || method === 'PUT' || method === 'PATCH') && !ownLength.test(headers);
}

const beyondAscii = /[\u0080-\uffff]/;

function isAscii(text: string): boolean {
  return !beyondAscii.test(text);
}
