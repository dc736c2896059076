import { lookup } from 'node:dns';
import { isIP, Socket, type LookupFunction } from 'node:net';
import type { Exchange } from './exchange.ts';
import { HttpParser } from './http-parser.ts';
import { TransportError, transportErrorOf } from './transport-error.ts';

/** What a connection tells its pool. */
export interface ConnectionOwner {
  readonly hostname: string;
  readonly port: number;
  /** Header lines of every request, from `Host:` on, each ended by CRLF. */
  readonly commonHeaders: string;
  readonly maxBodyBytes: number;
  /** Every socket reads into this buffer; bytes are copied before the next read. */
  readonly readBuffer: Buffer;
  now(): number;
  /** Answers why an address must not be used; undefined allows it. */
  refuseAddress(address: string): string | undefined;
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
export class Connection {
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #parser: HttpParser;
  #exchange: Exchange | undefined;
  #gone = false;
  #ready = false;
  /** Until when an idle connection may be used again. */
  usableUntilMs = Number.POSITIVE_INFINITY;

  constructor(owner: ConnectionOwner) {
    this.#owner = owner;
    this.#parser = new HttpParser(owner.maxBodyBytes);
    this.#socket = new Socket({
      onread: {
        buffer: owner.readBuffer,
        callback: (length, bytes) => {
          this.#onRead(bytes as Buffer, length);
          return true;
        },
      },
    } as ConstructorParameters<typeof Socket>[0]);
    this.#socket.setNoDelay(true);
    this.#socket.on('connect', () => this.#onConnect());
    this.#socket.on('end', () => this.#onEnd());
    this.#socket.on('error', (error) => this.#close(transportErrorOf(error)));
    this.#socket.on('close', () => this.#close(new TransportError('ECONNRESET', 'the server closed the connection')));
  }

  get idle(): boolean {
    return this.#ready && !this.#gone && this.#exchange === undefined;
  }

  open(): void {
    const { hostname, port } = this.#owner;
    if (isIP(hostname) !== 0) {
      const refusal = this.#owner.refuseAddress(hostname);
      if (refusal !== undefined) {
        queueMicrotask(() => this.#close(new TransportError('refused_target', refusal)));
        return;
      }
    }
    this.#socket.connect({ host: hostname, port, lookup: this.#lookup });
  }

  /** Resolves a name, and refuses it unless every address it answers is allowed. */
  readonly #lookup: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      for (const { address } of addresses) {
        const refusal = this.#owner.refuseAddress(address);
        if (refusal !== undefined) return callback(new TransportError('refused_target', refusal), '', 0);
      }
      const [first] = addresses;
      if (options.all === true) callback(null, addresses);
      else callback(null, first?.address ?? '', first?.family ?? 4);
    });
  };

  /** Writes a request in one system call. Only on an idle connection. */
  send(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.carrier = this;
    this.#parser.begin(exchange.method);
    const { body } = exchange;
    const head = `${exchange.method} ${exchange.path} HTTP/1.1\r\n${this.#owner.commonHeaders}${exchange.headers}`;
    exchange.writtenMs = this.#owner.now();
    if (body === undefined) {
      this.#write(exchange, `${head}\r\n`);
    } else if (typeof body === 'string' && isAscii(body)) {
      this.#write(exchange, `${head}content-length: ${body.length}\r\n\r\n${body}`);
    } else {
      const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
      const start = Buffer.from(`${head}content-length: ${bytes.length}\r\n\r\n`, 'latin1');
      const whole = Buffer.concat([start, bytes]);
      exchange.bytesSent = whole.length;
      this.#socket.write(whole);
    }
  }

  /** A latin1 string goes to the kernel from the stack, without a buffer of its own. */
  #write(exchange: Exchange, text: string): void {
    exchange.bytesSent = text.length;
    this.#socket.write(text, 'latin1');
  }

  /** Drops the connection; an exchange on it fails with `error`. */
  destroy(error: TransportError): void {
    this.#close(error);
  }

  #onConnect(): void {
    const refusal = this.#owner.refuseAddress(this.#socket.remoteAddress ?? '');
    if (refusal !== undefined) {
      this.#close(new TransportError('refused_target', refusal));
      return;
    }
    this.#ready = true;
    this.#owner.onOpen(this);
    this.#owner.onReady(this);
  }

  #onRead(buffer: Buffer, length: number): void {
    const exchange = this.#exchange;
    if (exchange !== undefined) exchange.bytesReceived += length;
    try {
      const reply = this.#parser.feed(length === buffer.length ? buffer : buffer.subarray(0, length));
      if (reply === undefined || exchange === undefined) return;
      exchange.reply = reply;
      exchange.doneMs = this.#owner.now();
      this.#exchange = undefined;
      if (this.#parser.keepAlive) this.#rest(exchange.doneMs);
      else this.#close(undefined);
      this.#owner.onSettled(exchange);
    } catch (error) {
      this.#close(transportErrorOf(error));
    }
  }

  #rest(nowMs: number): void {
    const timeoutMs = this.#parser.idleTimeoutMs;
    if (timeoutMs !== undefined) this.usableUntilMs = nowMs + Math.max(0, timeoutMs - idleMarginMs);
    this.#owner.onReady(this);
  }

  #onEnd(): void {
    const exchange = this.#exchange;
    const reply = this.#parser.end();
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

  #close(error: TransportError | undefined): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#socket.destroy();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange !== undefined && !exchange.settled) {
      exchange.error = error ?? new TransportError('ECONNRESET', 'the connection was closed');
      exchange.doneMs = this.#owner.now();
      this.#owner.onSettled(exchange);
    }
    this.#owner.onGone(this, this.#ready ? undefined : (error ?? new TransportError('EIO', 'the connection never opened')));
  }
}

const beyondAscii = /[\u0080-\uffff]/;

function isAscii(text: string): boolean {
  return !beyondAscii.test(text);
}
