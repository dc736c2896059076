import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { TransportError, transportErrorOf } from '../transport-error.ts';
import { allowedOf, closedByServer } from './open-wire.ts';
import type { Dial, Endpoint, Wire, WireEvents } from './wire.ts';

/** What we use of Bun's socket interface. */
interface BunSocket {
  data: BunWire | undefined;
  readonly remoteAddress: string;
  write(bytes: Uint8Array): number;
  terminate(): void;
  setNoDelay(on: boolean): boolean;
}

interface BunHandlers {
  open(socket: BunSocket): void;
  data(socket: BunSocket, bytes: Buffer): void;
  drain(socket: BunSocket): void;
  end(socket: BunSocket): void;
  close(socket: BunSocket): void;
  error(socket: BunSocket, error: Error): void;
  connectError(socket: BunSocket, error: Error): void;
}

interface BunRuntime {
  connect(options: { hostname: string; port: number; localAddress?: string; socket: BunHandlers; data: BunWire }): Promise<BunSocket>;
}

declare const Bun: BunRuntime | undefined;

/** A plain TCP connection of Bun, which costs less than half of Node's. */
class BunWire implements Wire {
  readonly endpoint: Endpoint;
  readonly events: WireEvents;
  #socket: BunSocket | undefined;
  /** What the kernel had no room for; a request is written once and sockets look at `queuedBytes`, which bounds it. */
  #rest: Buffer[] | undefined;
  #destroyed = false;

  constructor(endpoint: Endpoint, events: WireEvents) {
    this.endpoint = endpoint;
    this.events = events;
  }

  /** Opens it, having judged what a name resolves to. */
  async dial(localAddress: string | undefined): Promise<void> {
    const { hostname, port } = this.endpoint;
    const address = isIP(hostname) !== 0 ? hostname : await this.#resolve(hostname, localAddress);
    if (Bun === undefined) throw new TransportError('EIO', 'this process does not run under Bun');
    const from = localAddress === undefined ? {} : { localAddress };
    await Bun.connect({ hostname: address, port, ...from, socket: handlers, data: this });
  }

  async #resolve(hostname: string, localAddress: string | undefined): Promise<string> {
    const [first] = allowedOf(await lookup(hostname, { all: true, family: localAddress === undefined ? 0 : isIP(localAddress) }), this.endpoint);
    if (first === undefined) throw new TransportError('ENOTFOUND', `${hostname} has no address`);
    return first.address;
  }

  opened(socket: BunSocket): void {
    if (this.#destroyed) {
      socket.terminate();
      return;
    }
    this.#socket = socket;
    socket.setNoDelay(true);
    const refusal = this.endpoint.refuseAddress(socket.remoteAddress ?? '');
    if (refusal === undefined) this.events.onOpen();
    else this.events.onClosed(new TransportError('refused_target', refusal));
  }

  get queuedBytes(): number {
    return this.#rest?.reduce((sum, bytes) => sum + bytes.length, 0) ?? 0;
  }

  writeText(text: string): void {
    this.writeBytes(Buffer.from(text, 'latin1'));
  }

  writeBytes(bytes: Buffer): void {
    if (this.#socket === undefined || this.#destroyed) return;
    if (this.#rest !== undefined) {
      this.#rest.push(bytes);
      return;
    }
    const sent = this.#socket.write(bytes);
    // Below 0 the socket is gone; its `close` follows.
    if (sent >= 0 && sent < bytes.length) this.#rest = [bytes.subarray(sent)];
  }

  drain(): void {
    const rest = this.#rest;
    if (rest === undefined) return;
    this.#rest = undefined;
    for (const bytes of rest) this.writeBytes(bytes);
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#rest = undefined;
    this.#socket?.terminate();
  }
}

const handlers: BunHandlers = {
  open: (socket) => socket.data?.opened(socket),
  data: (socket, bytes) => socket.data?.events.onBytes(bytes, bytes.length),
  drain: (socket) => socket.data?.drain(),
  end: (socket) => socket.data?.events.onEnd(),
  close: (socket) => socket.data?.events.onClosed(closedByServer()),
  error: (socket, error) => socket.data?.events.onClosed(transportErrorOf(error)),
  // The promise of `connect` rejects with the same error, where it is told.
  connectError: () => undefined,
};

export const dialBun: Dial = (endpoint, events, localAddress) => {
  const wire = new BunWire(endpoint, events);
  wire.dial(localAddress).catch((error: unknown) => events.onClosed(transportErrorOf(error)));
  return wire;
};
