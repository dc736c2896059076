import { connect, createServer, type Socket } from 'node:net';
import { invalidConfig } from '../../ops/core/error.ts';
import type { ConnectEvents, Listener, Network, UpstreamAddress, Wire, WireEvents } from './contract.ts';

const backlog = 4_096;

/** Sockets of node:net. */
export const nodeNetwork: Network = { runtime: 'node', connect: connectNode, listen: listenNode };

class NodeWire implements Wire {
  readonly #socket: Socket;
  readonly remoteAddress: string;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress ?? '';
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

function attach(socket: Socket, events: WireEvents): void {
  socket.on('data', (bytes: Buffer) => events.onData(bytes));
  socket.on('drain', () => events.onDrain());
  socket.on('end', () => events.onEnd());
  socket.on('close', () => events.onClose());
  // 'close' follows every error and says all we need.
  socket.on('error', () => {});
}

function connectNode(address: UpstreamAddress, events: ConnectEvents): void {
  const socket = address.kind === 'unix' ? connect({ path: address.path }) : connect({ host: address.host, port: address.port, noDelay: true });
  const onError = (error: Error): void => events.onConnectError(error);
  socket.once('error', onError);
  socket.once('connect', () => {
    socket.off('error', onError);
    attach(socket, events);
    events.onOpen(new NodeWire(socket));
  });
}

function listenNode(host: string, port: number, accept: (wire: Wire) => WireEvents): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => attach(socket, accept(new NodeWire(socket))));
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(invalidConfig(`the gateway cannot listen on ${host}:${port}: ${error.code ?? error.message}`, 'free the port or choose another with PORT', error));
    });
    server.listen({ host, port, backlog }, () => {
      const address = server.address();
      resolve({ port: typeof address === 'object' && address !== null ? address.port : port, close: () => void server.close() });
    });
  });
}
