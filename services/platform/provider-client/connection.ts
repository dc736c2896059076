import { connect as connectPlain, isIP, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Exchange } from './exchange.ts';
import { ReplyParser } from './reply-parser.ts';

/** Where connections go. */
export interface Target {
  readonly isTls: boolean;
  readonly hostname: string;
  readonly port: number;
}

/** Bytes of one read; a larger reply takes several. */
const readBytes = 16_384;

/** One kept connection, carrying one exchange at a time. */
export class Connection {
  readonly #socket: Socket;
  readonly #onFree: (connection: Connection) => void;
  #parser: ReplyParser | undefined;
  #exchange: Exchange | undefined;
  #error: Error | undefined;
  /** While idle: until when the server keeps it; monotonic ms. */
  usableUntilMs = 0;

  /**
   * @param onFree called when a reply has ended and the connection may carry the next exchange
   * @param onClosed called once, when it is gone
   */
  constructor(target: Target, onFree: (connection: Connection) => void, onClosed: (connection: Connection) => void) {
    this.#onFree = onFree;
    this.#socket = target.isTls ? this.#connectTls(target) : this.#connectPlain(target);
    this.#socket.setNoDelay(true);
    this.#socket.on('error', (error) => {
      this.#error ??= error;
    });
    this.#socket.on('end', () => this.#end());
    this.#socket.on('close', () => {
      onClosed(this);
      this.#fail();
    });
  }

  get isUsable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** How long the server said it keeps an idle connection. */
  get idleMs(): number | undefined {
    return this.#parser?.idleMs;
  }

  carry(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.connection = this;
    if (this.#parser === undefined) this.#parser = new ReplyParser(exchange);
    else this.#parser.restart(exchange);
    this.#socket.write(exchange.text);
  }

  /** Idle connections do not keep the process alive. */
  rest(): void {
    this.#socket.unref();
  }

  wake(): void {
    this.#socket.ref();
  }

  /** Ends it at once; the exchange it carries fails with `error`. */
  destroy(error?: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
    this.#fail();
  }

  /** Reads into a buffer of its own: without a stream between, a reply costs a fifth. */
  #connectPlain({ hostname, port }: Target): Socket {
    const onread: NonNullable<NetConnectOpts['onread']> = {
      buffer: Buffer.allocUnsafeSlow(readBytes),
      callback: (sizeBytes, buffer) => {
        this.#take((buffer as Buffer).subarray(0, sizeBytes));
        return true;
      },
    };
    return connectPlain({ host: hostname, port, onread });
  }

  #connectTls({ hostname, port }: Target): Socket {
    // An address is checked against the certificate too, but must not be sent as a server's name.
    const named = isIP(hostname) === 0 ? { servername: hostname } : {};
    const socket = connectTls({ host: hostname, port, ...named, ALPNProtocols: ['http/1.1'] });
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    return socket;
  }

  #take(bytes: Buffer): void {
    const parser = this.#parser;
    if (this.#exchange === undefined || parser === undefined) return this.destroy();
    try {
      parser.take(bytes);
    } catch (error) {
      return this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
    if (!parser.isDone) return;
    this.#release();
    if (parser.isKept) this.#onFree(this);
    else this.#socket.destroy();
  }

  /** The server closed its side. */
  #end(): void {
    if (this.#exchange !== undefined && this.#parser?.end() === true) this.#release();
    this.#socket.destroy();
  }

  #release(): void {
    if (this.#exchange !== undefined) this.#exchange.connection = undefined;
    this.#exchange = undefined;
  }

  #fail(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#release();
    if (!exchange.isOver) exchange.fail(this.#error ?? new Error('the connection closed before the reply ended'));
  }
}
