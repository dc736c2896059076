import { Server, type Socket } from 'node:net';
import type { Host, Timer } from '../../../ops/core/host.ts';
import type { Ticks } from './ticks.ts';
import { HttpConnection, type Handler } from './connection.ts';

export interface PlainServerOptions {
  /** Most bytes of a request's body; larger ones get 413. */
  readonly bodyBytesMax: number;
  /** Told of every read. */
  readonly ticks: Ticks;
}

/** Connections at most; further ones are refused. */
const connectionsMax = 4_096;
/** Idle connections end after this, longer than clients keep them, so that none is closed under a request. */
const idleMs = 75_000;
/** A request not all there after this ends its connection. */
const requestMs = 30_000;
const sweepMs = 5_000;

/**
 * An HTTP/1.1 server for the small requests that stand-ins for providers get: bodies by length only
 * (411 otherwise), one request at a time on a connection, one write a reply. node:http takes more
 * than twice the CPU for the same request on a process that is asked a hundred times a second.
 */
export class PlainServer extends Server {
  readonly #host: Host;
  readonly #connections = new Set<HttpConnection>();
  readonly #sweeper: Timer;

  constructor(host: Host, handler: Handler, options: PlainServerOptions) {
    super({ noDelay: true });
    this.#host = host;
    this.maxConnections = connectionsMax;
    this.on('connection', (socket: Socket) => {
      const connection = new HttpConnection(host.clock, socket, handler, options);
      this.#connections.add(connection);
      socket.on('close', () => this.#connections.delete(connection));
    });
    this.#sweeper = host.timers.every(sweepMs, () => this.#sweep()).unref();
    this.on('close', () => this.#sweeper.cancel());
  }

  closeIdleConnections(): void {
    for (const connection of this.#connections) connection.closeWhenIdle();
  }

  closeAllConnections(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  #sweep(): void {
    const nowMs = this.#host.clock.monotonicMs();
    for (const connection of this.#connections) {
      const limitMs = connection.state === 'idle' ? idleMs : requestMs;
      if (connection.state !== 'answering' && nowMs - connection.sinceMs > limitMs) connection.destroy();
    }
  }
}
