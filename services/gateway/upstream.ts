import { Accumulator } from './accumulator.ts';
import { BodyReader } from './body.ts';
import type { ConnectEvents, Network, UpstreamAddress, Wire } from './contract.ts';
import { queuedBytesMax } from './contract.ts';
import { findHeadEnd } from './header-cursor.ts';
import { parseResponseHead, responseHeadMaxBytes, type ResponseHead } from './response-head.ts';

/** Who a reply is for. */
export interface Exchange {
  readonly method: string;
  /** The request has gone out completely, so the connection may be used again after the reply. */
  readonly requestDone: boolean;
  /** The connection is open: send the request now. */
  onReady(connection: UpstreamConnection): void;
  /** The final head; `bytes` begin with it. Returns false when the client has gone. */
  onReplyHead(head: ResponseHead, bytes: Buffer, end: number, interim: boolean): void;
  onReplyBody(bytes: Buffer): void;
  /** The reply is complete; the connection has been given back or closed. */
  onReplyDone(): void;
  /** The connection failed. `sent`: request bytes were handed to it; `begun`: reply bytes were passed on. */
  onUpstreamFailure(reason: string, sent: boolean): void;
  onUpstreamDrain(): void;
}

/** Idle connections are closed before the server does it: Node's default is 5 s. */
const idleMaxMs = 4_000;
const idleConnectionsMax = 512;
/** A full backlog or too few descriptors here say nothing about the process behind the socket. */
const ownShortages = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

/** One connection to an api process; carries one request at a time. */
export class UpstreamConnection implements ConnectEvents {
  readonly #upstream: Upstream;
  #wire: Wire | undefined;
  #exchange: Exchange | undefined;
  #head: ResponseHead | undefined;
  readonly #body = new BodyReader();
  readonly #inbox = new Accumulator();
  #sent = false;
  #paused = false;
  idleSinceMs = 0;

  constructor(upstream: Upstream, exchange: Exchange) {
    this.#upstream = upstream;
    this.#exchange = exchange;
  }

  get upstream(): Upstream {
    return this.#upstream;
  }

  /** Takes an idle connection into use. */
  begin(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#sent = false;
    exchange.onReady(this);
  }

  write(bytes: Buffer): void {
    this.#sent = true;
    this.#wire?.write(bytes);
  }

  get isCongested(): boolean {
    return (this.#wire?.queuedBytes ?? 0) > queuedBytesMax;
  }

  pause(): void {
    this.#paused = true;
    this.#wire?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#wire?.resume();
  }

  /** Gives the exchange up: its client has gone or its time is over. */
  abandon(): void {
    this.#exchange = undefined;
    this.#upstream.drop(this);
    this.#wire?.destroy();
  }

  onOpen(wire: Wire): void {
    this.#wire = wire;
    if (this.#exchange === undefined) wire.destroy();
    else this.#exchange.onReady(this);
  }

  onConnectError(error: Error): void {
    this.#upstream.onConnectError(error);
    this.#fail(`cannot connect: ${error.message}`);
  }

  onData(bytes: Buffer): void {
    if (this.#exchange === undefined) return this.abandon();
    if (this.#head === undefined) this.#takeHead(bytes);
    else this.#takeBody(bytes);
  }

  #takeHead(piece: Buffer): void {
    let bytes = piece;
    for (;;) {
      if (this.#inbox.sizeBytes > 0) {
        this.#inbox.append(bytes);
        bytes = this.#inbox.view();
      }
      const headEnd = findHeadEnd(bytes);
      if (headEnd < 0 || headEnd > responseHeadMaxBytes) {
        if (bytes.length > responseHeadMaxBytes) return this.#fail('its reply head is too large');
        if (this.#inbox.sizeBytes === 0) this.#inbox.append(bytes);
        return;
      }
      bytes = this.#inbox.sizeBytes > 0 ? this.#inbox.take() : bytes;
      const exchange = this.#exchange as Exchange;
      const head = parseResponseHead(bytes, headEnd, exchange.method);
      if (head === undefined || head.status === 101) return this.#fail('its reply is malformed');
      if (head.status < 200) {
        exchange.onReplyHead(head, bytes.subarray(0, head.bodyStart), head.bodyStart, true);
        bytes = bytes.subarray(head.bodyStart);
        if (bytes.length === 0 || this.#exchange === undefined) return;
        continue;
      }
      return this.#takeFinalHead(exchange, head, bytes);
    }
  }

  #takeFinalHead(exchange: Exchange, head: ResponseHead, bytes: Buffer): void {
    this.#body.start(head.bodyLength);
    const end = this.#body.consume(bytes, head.bodyStart);
    if (this.#body.bad) return this.#fail('its reply is badly chunked');
    this.#head = head;
    exchange.onReplyHead(head, bytes, end, false);
    if (this.#body.done && this.#exchange === exchange) this.#complete(end < bytes.length);
  }

  #takeBody(bytes: Buffer): void {
    const exchange = this.#exchange as Exchange;
    const end = this.#body.consume(bytes, 0);
    if (this.#body.bad) return this.#fail('its reply is badly chunked');
    exchange.onReplyBody(end === bytes.length ? bytes : bytes.subarray(0, end));
    if (this.#body.done && this.#exchange === exchange) this.#complete(end < bytes.length);
  }

  /** @param surplus bytes followed the reply: whoever sends them cannot be trusted with another request */
  #complete(surplus: boolean): void {
    const exchange = this.#exchange as Exchange;
    const reusable = this.#head?.reusable === true && exchange.requestDone && !surplus;
    this.#exchange = undefined;
    this.#head = undefined;
    // The reply's last bytes may have paused it; the next reply must not wait for that client.
    this.resume();
    if (reusable) this.#upstream.giveBack(this);
    else this.abandon();
    exchange.onReplyDone();
  }

  onDrain(): void {
    this.#exchange?.onUpstreamDrain();
  }

  onEnd(): void {
    if (this.#exchange !== undefined && this.#head !== undefined && this.#body.endsOnClose) return this.#complete(false);
    this.#fail('it closed the connection');
  }

  onClose(): void {
    this.onEnd();
  }

  #fail(reason: string): void {
    const exchange = this.#exchange;
    this.abandon();
    exchange?.onUpstreamFailure(reason, this.#sent);
  }
}

/** One api process: its health and its idle connections. */
export class Upstream {
  readonly name: string;
  readonly address: UpstreamAddress;
  readonly #network: Network;
  readonly #nowMs: () => number;
  #idle: UpstreamConnection[] = [];
  readonly #active = new Set<UpstreamConnection>();
  /** Down until the first health check says otherwise. */
  isUp = false;
  downs = 0;

  constructor(name: string, address: UpstreamAddress, network: Network, nowMs: () => number) {
    this.name = name;
    this.address = address;
    this.#network = network;
    this.#nowMs = nowMs;
  }

  get inFlight(): number {
    return this.#active.size;
  }

  get idleConnections(): number {
    return this.#idle.length;
  }

  /** Starts an exchange on the most recently used idle connection, or on a new one. */
  start(exchange: Exchange, fresh: boolean): UpstreamConnection {
    const idle = fresh ? undefined : this.#idle.pop();
    const connection = idle ?? new UpstreamConnection(this, exchange);
    this.#active.add(connection);
    if (idle === undefined) this.#network.connect(this.address, connection);
    else idle.begin(exchange);
    return connection;
  }

  giveBack(connection: UpstreamConnection): void {
    this.#active.delete(connection);
    if (this.#idle.length >= idleConnectionsMax || !this.isUp) return connection.abandon();
    connection.idleSinceMs = this.#nowMs();
    this.#idle.push(connection);
  }

  drop(connection: UpstreamConnection): void {
    if (this.#active.delete(connection)) return;
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  /** Passive health: a refused connection means down at once, until a health check succeeds. */
  onConnectError(error: NodeJS.ErrnoException): void {
    if (!ownShortages.has(error.code ?? '')) this.mark(false);
  }

  mark(up: boolean): void {
    if (this.isUp && !up) {
      this.downs++;
      this.closeIdle();
    }
    this.isUp = up;
  }

  /** Closes connections idle for longer than `idleMaxMs`; the stack's bottom is the oldest. */
  sweep(nowMs: number): void {
    while (this.#idle.length > 0 && nowMs - (this.#idle[0] as UpstreamConnection).idleSinceMs > idleMaxMs) {
      (this.#idle[0] as UpstreamConnection).abandon();
    }
  }

  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.abandon();
  }
}
