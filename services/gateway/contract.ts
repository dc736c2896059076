/** What the forwarding core sees of sockets. Two adapters implement it: Bun's and node:net's. */

/** One open socket. Nothing here throws; after `destroy` every call does nothing. */
export interface Wire {
  /** Address of the other side; '' on a unix socket. */
  readonly remoteAddress: string;
  /** Bytes handed to `write` that the kernel has not taken yet. */
  readonly queuedBytes: number;
  /** Sends or queues; the wire may keep `bytes`, so the caller never changes them afterwards. */
  write(bytes: Buffer): void;
  pause(): void;
  resume(): void;
  /** Sends what is queued, then FIN. */
  end(): void;
  /** Drops the socket at once, queued bytes with it. */
  destroy(): void;
}

/** What happens to a socket. `onClose` comes exactly once and last. */
export interface WireEvents {
  /** `bytes` belong to the receiver, which may change them. */
  onData(bytes: Buffer): void;
  /** The queue is empty again after it was not. */
  onDrain(): void;
  /** The other side has sent FIN. */
  onEnd(): void;
  onClose(): void;
}

export interface ConnectEvents extends WireEvents {
  onOpen(wire: Wire): void;
  /** No connection came about; no other event follows. */
  onConnectError(error: Error): void;
}

export type UpstreamAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export interface Listener {
  readonly port: number;
  /** Accepts no more; open connections stay. */
  close(): void;
}

export interface Network {
  readonly runtime: 'bun' | 'node';
  connect(address: UpstreamAddress, events: ConnectEvents): void;
  /** @throws SoraError `invalid_config` when the port is taken */
  listen(host: string, port: number, accept: (wire: Wire) => WireEvents): Promise<Listener>;
}

/** Most bytes waiting towards one side before the other side is paused. */
export const queuedBytesMax = 128 * 1024;
