import { invalidConfig } from '../../../ops/core/error.ts';
import type { Host, Timer } from '../../../ops/core/host.ts';
import { Connection, type Target } from './connection.ts';
import { ProviderTimeout, StreamedExchange, WholeExchange, type Exchange, type ProviderReply, type ProviderStream } from './exchange.ts';

export { ProviderTimeout, type ProviderReply, type ProviderStream } from './exchange.ts';

export interface ProviderClientOptions {
  /** Base URL, http or https; its path is put before that of every request. */
  readonly url: string;
  /** Longest wait for a whole reply, connecting and queueing included. Default 10 s. */
  readonly timeoutMs?: number;
  /** Connections at most; further requests wait for one. Default 64. */
  readonly socketsMax?: number;
  /** Requests waiting for a connection at most; beyond, they fail at once. Default 2,000. */
  readonly waitingMax?: number;
  /** Most bytes of a reply's body. Default 256 kB. */
  readonly replyBytesMax?: number;
}

export interface ProviderRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query, already encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON text; sent with its content type. */
  readonly body?: string;
  /** Gives the request up. Looked at in each sweep rather than listened to: a listener costs as much as a write. */
  readonly signal?: AbortSignal | undefined;
}

/** Sweep for what is over time: at most this late, or a quarter of the timeout where that is shorter. */
const sweepMsMax = 100;
/** An idle connection is used for this long where the server does not say how long it keeps it. */
const idleMsDefault = 4_000;
const idleMsMax = 60_000;
/** Taken off what the server says, so that it does not close under a request. */
const idleMarginMs = 1_000;

/**
 * Requests over kept HTTP/1.1 connections to one provider: one write and one read a request, and one
 * timer for all of them. A request on a process that is asked a hundred times a second costs about
 * a fifth of what node:http's client or undici's dispatch take there, as both run much more code
 * that is cold each time. Nothing is retried here: only the caller knows whether that is safe.
 */
export class ProviderClient {
  readonly #host: Host;
  readonly #options: Required<ProviderClientOptions>;
  readonly #target: Target;
  readonly #prefix: string;
  readonly #headTail: string;
  readonly #sweepMs: number;
  readonly #free: Connection[] = [];
  readonly #connections = new Set<Connection>();
  readonly #waiting = new Set<Exchange>();
  /** Under way, and over since the last sweep. No set: see `Roster` for what its tables would keep alive. */
  #underWay: Exchange[] = [];
  #timer: Timer | undefined;
  #isClosed = false;

  /** @throws SoraError `invalid_config` for a URL that is not http or https */
  constructor(host: Host, options: ProviderClientOptions) {
    const url = URL.canParse(options.url) ? new URL(options.url) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) {
      throw invalidConfig(`the provider's URL is "${options.url}"`, 'write for example http://127.0.0.1:4100');
    }
    this.#host = host;
    this.#options = { timeoutMs: 10_000, socketsMax: 64, waitingMax: 2_000, replyBytesMax: 256 * 1024, ...options };
    const isTls = url.protocol === 'https:';
    this.#target = { isTls, hostname: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) || (isTls ? 443 : 80) };
    this.#prefix = url.pathname.replace(/\/$/, '');
    this.#headTail = ` HTTP/1.1\r\nhost: ${url.host}\r\n`;
    this.#sweepMs = Math.min(sweepMsMax, Math.max(1, this.#options.timeoutMs / 4));
  }

  /**
   * Sends and collects the reply, whatever its status.
   * @throws ProviderTimeout; Error for a broken connection, a reply too large or malformed, an abort
   */
  async request(request: ProviderRequest): Promise<ProviderReply> {
    const exchange = new WholeExchange(this.#format(request), this.#options.replyBytesMax, this.#deadlineMs(), request.signal);
    this.#start(exchange);
    return await exchange.reply;
  }

  /**
   * Sends and resolves at the reply's head. The time runs until the reader saw the last piece; `extend` restarts it.
   * @param onFailure told when the exchange fails, also after the head
   * @throws as `request`
   */
  async stream(request: ProviderRequest, onFailure: (error: Error) => void): Promise<ProviderStream> {
    const renew = (exchange: Exchange): void => {
      exchange.deadlineMs = this.#deadlineMs();
    };
    const exchange = new StreamedExchange(
      this.#format(request), this.#options.replyBytesMax, this.#deadlineMs(), request.signal, renew, onFailure,
    );
    this.#start(exchange);
    return await exchange.opened;
  }

  /** Ends all connections; requests under way fail. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    const error = new Error('the client was closed');
    for (const exchange of this.#underWay) this.#giveUp(exchange, error);
    this.#underWay = [];
    for (const connection of this.#connections) connection.destroy(error);
  }

  #deadlineMs(): number {
    return this.#host.clock.monotonicMs() + this.#options.timeoutMs;
  }

  #format({ method, path, headers, body }: ProviderRequest): string {
    if (!/^\/[\x21-\x7e]*$/.test(path)) throw new TypeError(`path ${JSON.stringify(path.slice(0, 100))} is not encoded`);
    let text = `${method} ${this.#prefix}${path}${this.#headTail}`;
    for (const name in headers) {
      const value = headers[name] ?? '';
      if (!/^[\x20-\x7e]*$/.test(value)) throw new TypeError(`header ${name} holds characters that no header may`);
      text += `${name}: ${value}\r\n`;
    }
    if (body === undefined) return `${text}\r\n`;
    return `${text}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  #start(exchange: Exchange): void {
    if (this.#isClosed) throw new Error('the client was closed');
    if (exchange.signal?.aborted === true) throw abortErrorOf(exchange.signal);
    const connection = this.#take();
    if (connection === undefined && this.#waiting.size >= this.#options.waitingMax) {
      throw new Error(`${this.#options.waitingMax} requests wait for a connection already`);
    }
    this.#underWay.push(exchange);
    this.#timer ??= this.#host.timers.after(this.#sweepMs, () => this.#sweep());
    if (connection === undefined) this.#waiting.add(exchange);
    else connection.carry(exchange);
  }

  /** A connection to write on; undefined when all are busy. */
  #take(): Connection | undefined {
    for (let connection = this.#free.pop(); connection !== undefined; connection = this.#free.pop()) {
      if (connection.isUsable && connection.usableUntilMs > this.#host.clock.monotonicMs()) {
        connection.wake();
        return connection;
      }
      connection.destroy();
    }
    if (this.#connections.size >= this.#options.socketsMax) return undefined;
    const connection = new Connection(this.#target, (free) => this.#onFree(free), (closed) => this.#onClosed(closed));
    this.#connections.add(connection);
    return connection;
  }

  #onFree(connection: Connection): void {
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#waiting.delete(next);
      return connection.carry(next);
    }
    const said = connection.idleMs;
    const idleMs = said === undefined ? idleMsDefault : Math.min(idleMsMax, said - idleMarginMs);
    connection.usableUntilMs = this.#host.clock.monotonicMs() + idleMs;
    connection.rest();
    this.#free.push(connection);
  }

  #onClosed(connection: Connection): void {
    this.#connections.delete(connection);
    const index = this.#free.indexOf(connection);
    if (index >= 0) this.#free.splice(index, 1);
    if (this.#waiting.size === 0 || this.#isClosed) return;
    const replacement = this.#take();
    const [next] = this.#waiting;
    if (replacement === undefined || next === undefined) return;
    this.#waiting.delete(next);
    replacement.carry(next);
  }

  /** Forgets what is over and gives up what takes too long; runs on while anything is under way. */
  #sweep(): void {
    const nowMs = this.#host.clock.monotonicMs();
    for (const exchange of this.#underWay) {
      if (!exchange.isOver && exchange.signal?.aborted === true) this.#giveUp(exchange, abortErrorOf(exchange.signal));
      else if (!exchange.isOver && exchange.deadlineMs <= nowMs) this.#giveUp(exchange, new ProviderTimeout(this.#options.timeoutMs));
    }
    this.#underWay = this.#underWay.filter((exchange) => !exchange.isOver);
    for (let index = this.#free.length - 1; index >= 0; index--) {
      const idle = this.#free[index];
      if (idle !== undefined && idle.usableUntilMs <= nowMs) idle.destroy();
    }
    this.#timer = this.#underWay.length === 0 ? undefined : this.#host.timers.after(this.#sweepMs, () => this.#sweep());
  }

  #giveUp(exchange: Exchange, error: Error): void {
    this.#waiting.delete(exchange);
    if (exchange.isOver) return;
    if (exchange.connection === undefined) exchange.fail(error);
    else exchange.connection.destroy(error);
  }
}

const abortErrorOf = (signal: AbortSignal): Error => (signal.reason instanceof Error ? signal.reason : new Error('the request was given up'));
