import type { Exchange } from '../../exchange.ts';
import { Reply } from '../../reply.ts';
import { TransportError, transportErrorOf } from '../../transport-error.ts';
import type { Wire, WireEvents } from '../wire.ts';
import { encodeClose, encodeFrame, FrameDecoder, FrameError, type FrameEvents, messageMaxBytes, type MessageData, opcodes } from './codec.ts';
import { agreedProtocol, askForSocket, HandshakeReader } from './handshake.ts';

/** Messages that wait to be received, and their bytes, UTF-8 of text; beyond either the socket fails with `ws_queue_full`. */
export const queueMax = 1_000;
const queueMaxBytes = messageMaxBytes;
/** Bytes that the server has not taken yet; beyond them `send` throws. */
const backlogMaxBytes = messageMaxBytes;

/** What a link needs of the hub. */
export interface LinkHost {
  /** The `Host:` header's value. */
  readonly host: string;
  now(): number;
  randomBytes(count: number): Buffer;
  settle(exchange: Exchange, outcome: Reply | TransportError): void;
  onClosing(link: SocketLink): void;
  onGone(link: SocketLink): void;
}

/** The reply to a request for a WebSocket that was granted. */
export class SocketReply extends Reply {
  readonly link: SocketLink;

  constructor(status: number, head: string, link: SocketLink) {
    super(status, head, Buffer.alloc(0));
    this.link = link;
  }
}

/** A message, as the reply to the wait for it. */
export class MessageReply extends Reply {
  readonly data: MessageData;

  constructor(data: MessageData) {
    super(200, '', typeof data === 'string' ? Buffer.from(data, 'utf8') : data);
    this.data = data;
  }
}

/** Whether a message is the one waited for. */
export type Match = (data: MessageData) => boolean;

interface Waiter {
  readonly exchange: Exchange;
  readonly match: Match | undefined;
}

/** One WebSocket: its handshake, then its messages. Pings are answered, whoever waits or not. */
export class SocketLink implements WireEvents, FrameEvents {
  readonly #host: LinkHost;
  readonly #protocols: readonly string[];
  readonly #key: Buffer;
  readonly #decoder = new FrameDecoder(this, false);
  readonly #queue: { readonly data: MessageData; readonly atMs: number }[] = [];
  #queueBytes = 0;
  #handshake: HandshakeReader | undefined = new HandshakeReader();
  /** Who asked for the socket, until it is granted. */
  #asking: Exchange | undefined;
  #waiters: Waiter[] = [];
  #wire: Wire | undefined;
  #end: TransportError | undefined;
  #closeSent = false;
  /** When the latest message was sent that nothing was received after; -1 for none. */
  #sentMs = -1;
  #sentBytes = 0;
  protocol = '';

  constructor(host: LinkHost, asking: Exchange, protocols: readonly string[]) {
    this.#host = host;
    this.#asking = asking;
    this.#protocols = protocols;
    this.#key = host.randomBytes(16);
  }

  /** Whether messages may be sent. */
  get open(): boolean {
    return this.#handshake === undefined && this.#end === undefined && !this.#closeSent;
  }

  attach(wire: Wire): void {
    this.#wire = wire;
  }

  onOpen(): void {
    const exchange = this.#asking;
    if (exchange === undefined) return;
    const text = askForSocket(exchange.path, this.#host.host, this.#key, this.#protocols, exchange.headers);
    exchange.writtenMs = this.#host.now();
    exchange.bytesSent = text.length;
    this.#wire?.writeText(text);
  }

  onBytes(buffer: Buffer, length: number): void {
    const bytes = buffer.subarray(0, length);
    try {
      if (this.#handshake === undefined) this.#feed(bytes);
      else this.#feedHandshake(this.#handshake, bytes);
    } catch (error) {
      this.#break(error);
    }
  }

  #feed(bytes: Buffer): void {
    const waiting = this.#waiters[0]?.exchange;
    if (waiting !== undefined) waiting.bytesReceived += bytes.length;
    this.#decoder.feed(bytes);
  }

  #feedHandshake(reader: HandshakeReader, bytes: Buffer): void {
    const exchange = this.#asking;
    if (exchange === undefined) return;
    exchange.bytesReceived += bytes.length;
    const answer = reader.feed(bytes);
    if (answer === undefined) return;
    const { head, rest } = answer;
    this.#asking = undefined;
    if (head.status !== 101) {
      this.#host.settle(exchange, new Reply(head.status, head.lines, Buffer.from(rest.subarray(0, 1_000))));
      this.drop(new TransportError('ws_closed', `the server answered ${head.status} instead of opening a socket`));
      return;
    }
    this.#asking = exchange;
    this.protocol = agreedProtocol(head, this.#key, this.#protocols);
    this.#asking = undefined;
    this.#handshake = undefined;
    this.#host.settle(exchange, new SocketReply(head.status, head.lines, this));
    if (rest.length > 0) this.#decoder.feed(rest);
  }

  // What frames say.

  onMessage(data: MessageData): void {
    const nowMs = this.#host.now();
    for (const waiter of this.#waiters) {
      if (!this.#matches(waiter, data)) continue;
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      this.#hand(waiter.exchange, data, nowMs);
      return;
    }
    // Somebody waits for another message: this one is passed over.
    if (this.#waiters.length > 0) return;
    this.#enqueue(data, nowMs);
  }

  #enqueue(data: MessageData, atMs: number): void {
    const bytes = this.#queueBytes + Buffer.byteLength(data);
    if (this.#queue.length >= queueMax) return this.#break(new TransportError('ws_queue_full', `${queueMax} messages wait to be received, the limit`));
    if (bytes > queueMaxBytes) return this.#break(new TransportError('ws_queue_full', `with this message ${bytes} bytes wait to be received; the limit is ${queueMaxBytes}`));
    this.#queue.push({ data, atMs });
    this.#queueBytes = bytes;
  }

  #matches({ exchange, match }: Waiter, data: MessageData): boolean {
    try {
      return match === undefined || match(data);
    } catch (error) {
      this.abandon(exchange, new TransportError('protocol', `match threw: ${transportErrorOf(error).message}`, error));
      return false;
    }
  }

  /** Service time runs from the message sent last, where one was, to the arrival. */
  #hand(exchange: Exchange, data: MessageData, atMs: number): void {
    exchange.writtenMs = this.#sentMs >= 0 && this.#sentMs <= atMs ? this.#sentMs : Math.min(atMs, exchange.enqueuedMs);
    exchange.enqueuedMs = exchange.writtenMs;
    exchange.bytesSent = this.#sentBytes;
    this.#sentMs = -1;
    this.#sentBytes = 0;
    exchange.doneMs = atMs;
    this.#host.settle(exchange, new MessageReply(data));
  }

  onPing(payload: Buffer): void {
    if (!this.#closeSent) this.#write(opcodes.pong, payload);
  }

  onCloseFrame(code: number, reason: string): void {
    this.#sendClose(code === 1005 ? 1000 : code, '');
    this.drop(new TransportError('ws_closed', `the server closed the socket with ${code}${reason === '' ? '' : ` (${reason})`}`));
  }

  // What the journey does.

  /** @throws TransportError `ws_closed`, and `ws_too_big` beyond 16 MB in a message or not taken yet by the server */
  send(data: string | Uint8Array): void {
    if (!this.open) throw this.#end ?? new TransportError('ws_closed', 'the socket is closed');
    const payload = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    const waiting = this.#wire?.queuedBytes ?? 0;
    if (payload.length > messageMaxBytes) throw new TransportError('ws_too_big', `a message of ${payload.length} bytes; the limit is ${messageMaxBytes}`);
    if (waiting + payload.length > backlogMaxBytes) throw new TransportError('ws_too_big', `${waiting} bytes wait for the server; with this message they pass ${backlogMaxBytes}, the limit`);
    this.#sentMs = this.#host.now();
    this.#sentBytes += this.#write(typeof data === 'string' ? opcodes.text : opcodes.binary, payload);
  }

  /** Waits for a message, or takes one that has come already. */
  receive(exchange: Exchange, match: Match | undefined): void {
    const waiter = { exchange, match };
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      this.#queueBytes -= Buffer.byteLength(next.data);
      if (exchange.settled) return;
      if (!this.#matches(waiter, next.data)) continue;
      this.#hand(exchange, next.data, next.atMs);
      return;
    }
    if (exchange.settled) return;
    if (this.#end !== undefined) this.abandon(exchange, this.#end);
    else this.#waiters.push(waiter);
  }

  /** Says good-bye; the connection ends when the server has answered, or 5 s later. */
  close(code: number, reason: string): void {
    if (this.#end !== undefined || this.#closeSent) return;
    if (this.#handshake !== undefined) return this.drop(new TransportError('ws_closed', 'closed before it was open'));
    this.#sendClose(code, reason);
    this.#host.onClosing(this);
  }

  #sendClose(code: number, reason: string): void {
    if (this.#closeSent || this.#handshake !== undefined) return;
    this.#write(opcodes.close, encodeClose(code, reason));
    this.#closeSent = true;
  }

  #write(opcode: number, payload: Uint8Array): number {
    const frame = encodeFrame(opcode, payload, this.#host.randomBytes(4));
    this.#wire?.writeBytes(frame);
    return frame.length;
  }

  /** Fails one exchange; asking for the socket in vain ends it. */
  abandon(exchange: Exchange, error: TransportError): void {
    this.#waiters = this.#waiters.filter((waiter) => waiter.exchange !== exchange);
    if (exchange === this.#asking) this.drop(error);
    else this.#host.settle(exchange, error);
  }

  #break(error: unknown): void {
    if (error instanceof FrameError) {
      this.#sendClose(error.closeCode, error.message);
      this.drop(new TransportError(error.closeCode === 1009 ? 'ws_too_big' : 'protocol', `WebSocket: ${error.message}`, error));
    } else this.drop(transportErrorOf(error));
  }

  onEnd(): void {
    this.drop(new TransportError('ws_closed', 'the server closed the connection without a close frame (1006)'));
  }

  onClosed(error: TransportError): void {
    this.drop(this.#handshake === undefined && error.kind === 'ECONNRESET' ? new TransportError('ws_closed', `${error.message} (1006)`, error) : error);
  }

  /** Ends the connection; what waits fails with `error`, what has come may still be received. */
  drop(error: TransportError): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#wire?.destroy();
    const asking = this.#asking;
    const waiters = this.#waiters;
    this.#asking = undefined;
    this.#waiters = [];
    if (asking !== undefined) this.#host.settle(asking, error);
    for (const { exchange } of waiters) this.#host.settle(exchange, error);
    this.#host.onGone(this);
  }
}
