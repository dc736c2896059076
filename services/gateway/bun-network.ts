import { invalidConfig, messageOf } from '../../ops/core/error.ts';
import type { ConnectEvents, Listener, Network, UpstreamAddress, Wire, WireEvents } from './contract.ts';

/** What we use of Bun's socket interface. */
interface BunSocket {
  data: BunWire | undefined;
  readonly remoteAddress: string;
  write(bytes: Uint8Array, offset?: number, length?: number): number;
  end(): void;
  shutdown(halfClose?: boolean): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  setNoDelay(on: boolean): boolean;
}

interface BunHandlers {
  open(socket: BunSocket): void;
  data(socket: BunSocket, bytes: Buffer): void;
  drain(socket: BunSocket): void;
  end(socket: BunSocket): void;
  close(socket: BunSocket): void;
  error(socket: BunSocket, error: Error): void;
  connectError?(socket: BunSocket, error: Error): void;
}

interface BunRuntime {
  listen(options: { hostname: string; port: number; allowHalfOpen: boolean; socket: BunHandlers }): { readonly port: number; stop(closeActive?: boolean): void };
  connect(options: { unix: string; socket: BunHandlers; data?: BunWire } | { hostname: string; port: number; socket: BunHandlers; data?: BunWire }): Promise<BunSocket>;
}

declare const Bun: BunRuntime | undefined;

/** Whether this process runs under Bun. */
export const isBun = (): boolean => typeof Bun !== 'undefined';

/** Bun takes what fits the kernel's buffer and leaves the rest to us: this keeps it until `drain`. */
class BunWire implements Wire {
  #socket: BunSocket | undefined;
  #queue: Buffer[] = [];
  #ending = false;
  #closed = false;
  events: WireEvents | undefined;
  remoteAddress = '';
  queuedBytes = 0;

  open(socket: BunSocket): void {
    this.#socket = socket;
    socket.data = this;
    this.remoteAddress = socket.remoteAddress ?? '';
  }

  write(bytes: Buffer): void {
    if (this.#closed || this.#ending || this.#socket === undefined) return;
    if (this.queuedBytes > 0) return this.#enqueue(bytes);
    const sent = this.#socket.write(bytes);
    // -1: the socket is gone; `close` follows.
    if (sent >= 0 && sent < bytes.length) this.#enqueue(sent === 0 ? bytes : bytes.subarray(sent));
  }

  #enqueue(bytes: Buffer): void {
    this.#queue.push(bytes);
    this.queuedBytes += bytes.length;
  }

  drain(): void {
    while (this.#queue.length > 0 && this.#socket !== undefined) {
      const bytes = this.#queue[0] as Buffer;
      const sent = this.#socket.write(bytes);
      if (sent < 0) return;
      this.queuedBytes -= sent;
      if (sent < bytes.length) {
        this.#queue[0] = bytes.subarray(sent);
        return;
      }
      this.#queue.shift();
    }
    if (this.#ending) this.#socket?.shutdown();
    else this.events?.onDrain();
  }

  pause(): void {
    if (!this.#closed) this.#socket?.pause();
  }

  resume(): void {
    if (!this.#closed) this.#socket?.resume();
  }

  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    if (this.queuedBytes === 0) this.#socket?.shutdown();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#queue = [];
    this.queuedBytes = 0;
    this.#socket?.terminate();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.queuedBytes = 0;
    this.events?.onClose();
  }

  /** Both sides have sent FIN. */
  peerEnded(): void {
    if (this.#ending && this.queuedBytes === 0) this.#socket?.end();
    else this.events?.onEnd();
  }
}

const shared: Omit<BunHandlers, 'open'> = {
  data: (socket, bytes) => socket.data?.events?.onData(bytes),
  drain: (socket) => socket.data?.drain(),
  end: (socket) => socket.data?.peerEnded(),
  close: (socket) => socket.data?.close(),
  error: () => {},
};

class Connecting extends BunWire {
  readonly target: ConnectEvents;
  constructor(target: ConnectEvents) {
    super();
    this.target = target;
    this.events = target;
  }
}

const outgoing: BunHandlers = {
  ...shared,
  open(socket) {
    const wire = socket.data as Connecting;
    wire.open(socket);
    socket.setNoDelay(true);
    wire.target.onOpen(wire);
  },
  // The promise of `connect` rejects with the same error, where it is handled.
  connectError: () => {},
};

/** Sockets of Bun. */
export const bunNetwork: Network = { runtime: 'bun', connect: connectBun, listen: listenBun };

function connectBun(address: UpstreamAddress, events: ConnectEvents): void {
  const wire = new Connecting(events);
  const target = address.kind === 'unix' ? { unix: address.path } : { hostname: address.host, port: address.port };
  (Bun as BunRuntime).connect({ ...target, socket: outgoing, data: wire }).catch((error: unknown) => {
    events.onConnectError(error instanceof Error ? error : new Error(messageOf(error)));
  });
}

function listenBun(host: string, port: number, accept: (wire: Wire) => WireEvents): Promise<Listener> {
  const incoming: BunHandlers = {
    ...shared,
    open(socket) {
      const wire = new BunWire();
      wire.open(socket);
      socket.setNoDelay(true);
      wire.events = accept(wire);
    },
  };
  try {
    const server = (Bun as BunRuntime).listen({ hostname: host, port, allowHalfOpen: true, socket: incoming });
    return Promise.resolve({ port: server.port, close: () => server.stop() });
  } catch (error) {
    return Promise.reject(invalidConfig(`the gateway cannot listen on ${host}:${port}: ${messageOf(error)}`, 'free the port or choose another with PORT', error));
  }
}
