import type { TransportError } from '../transport-error.ts';

/** One open connection, as bytes: TCP of Node or Bun, or TLS. */
export interface Wire {
  /** Writes text whose characters are bytes (latin1), in one system call where the kernel has room. */
  writeText(text: string): void;
  writeBytes(bytes: Buffer): void;
  /** Bytes written that the kernel has not taken yet. */
  readonly queuedBytes: number;
  /** Drops the connection at once. Idempotent. */
  destroy(): void;
}

/** Who hears of a wire. After `onClosed` nothing more is told, but `onClosed` itself may come twice. */
export interface WireEvents {
  /** The wire is open, and its far end is an address that the guard allows. */
  onOpen(): void;
  /** The first `length` bytes of a buffer came; they are valid during the call alone. */
  onBytes(bytes: Buffer, length: number): void;
  /** The far end sends no more. */
  onEnd(): void;
  /** The wire is gone, or never opened. */
  onClosed(error: TransportError): void;
}

/** Where wires lead, and what they share. */
export interface Endpoint {
  readonly hostname: string;
  readonly port: number;
  /** Every plain wire of Node reads into this buffer; its bytes are copied before the next read. */
  readonly readBuffer: Buffer;
  /** Answers why an address must not be used; undefined allows it. */
  refuseAddress(address: string): string | undefined;
  /** Opens wires of one kind; call `openWire`, which asks the guard first. */
  readonly dial: Dial;
}

/** Begins to open a wire. @param localAddress the address it comes from; undefined leaves it to the system */
export type Dial = (endpoint: Endpoint, events: WireEvents, localAddress: string | undefined) => Wire;
