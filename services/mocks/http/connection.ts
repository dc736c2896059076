import type { Socket } from 'node:net';
import type { Clock } from '../../../ops/core/host.ts';
import type { Ticks } from './ticks.ts';

/** A request with its whole body. */
export interface PlainRequest {
  readonly method: string;
  readonly path: string;
  /** What follows the `?`; '' without one. */
  readonly query: string;
  /** The body as UTF-8 text. */
  readonly body: string;
  /** A header's value; undefined when it was not sent. @param name in small letters */
  header(name: string): string | undefined;
}

/** How a request is answered: `send` once, or `open`, any number of `write` and `end`. */
export interface Responder {
  /** Whether the client has left; what is sent then goes nowhere. */
  readonly isGone: boolean;
  /** Whether a streamed reply has begun. */
  readonly isStream: boolean;
  send(status: number, type: string, body: string): void;
  /** Starts a streamed reply. */
  open(status: number, type: string): void;
  write(text: string): void;
  end(text: string): void;
  /** Breaks the connection off. */
  destroy(): void;
}

export type Handler = (request: PlainRequest, responder: Responder) => void;

/** Most bytes of a request's head. */
const headBytesMax = 16_384;
const headEnd = Buffer.from('\r\n\r\n');
const requestLine = /^([A-Z]+) (\/[^ ?]*)(?:\?([^ ]*))? HTTP\/1\.([01])(?:\r\n|$)/;
const lengthHeader = /\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*(?:\r\n|$)/i;
const codingHeader = /\r\ntransfer-encoding:/i;
const connectionHeader = /\r\nconnection:([^\r]*)/i;

const reasons: Readonly<Record<number, string>> = {
  200: 'OK', 201: 'Created', 400: 'Bad Request', 402: 'Payment Required', 404: 'Not Found', 409: 'Conflict', 411: 'Length Required',
  413: 'Content Too Large', 429: 'Too Many Requests', 431: 'Request Header Fields Too Large', 500: 'Internal Server Error',
};

class Request implements PlainRequest {
  readonly #head: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: string;

  constructor(head: string, line: RegExpExecArray, body: string) {
    this.#head = head;
    this.method = line[1] ?? '';
    this.path = line[2] ?? '';
    this.query = line[3] ?? '';
    this.body = body;
  }

  header(name: string): string | undefined {
    const lines = this.#head.split('\r\n');
    for (let index = 1; index < lines.length; index++) {
      const line = lines[index] ?? '';
      if (line[name.length] === ':' && line.slice(0, name.length).toLowerCase() === name) return line.slice(name.length + 1).trim();
    }
    return undefined;
  }
}

/** One client's connection: reads a request, answers it, reads the next. */
export class HttpConnection implements Responder {
  readonly #clock: Clock;
  readonly #socket: Socket;
  readonly #handler: Handler;
  readonly #bodyBytesMax: number;
  readonly #ticks: Ticks;
  /** Bytes not yet read as a request. */
  #held: Buffer | undefined;
  #isKept = true;
  #isStream = false;
  state: 'idle' | 'reading' | 'answering' = 'idle';
  /** When it began to wait for a request or the rest of one; monotonic ms. */
  sinceMs: number;

  constructor(clock: Clock, socket: Socket, handler: Handler, options: { readonly bodyBytesMax: number; readonly ticks: Ticks }) {
    this.#clock = clock;
    this.#socket = socket;
    this.#handler = handler;
    this.#bodyBytesMax = options.bodyBytesMax;
    this.#ticks = options.ticks;
    this.sinceMs = clock.monotonicMs();
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    // A client that resets its connection is nobody's fault here; 'close' follows.
    socket.on('error', () => undefined);
  }

  get isGone(): boolean {
    return this.#socket.destroyed || !this.#socket.writable;
  }

  send(status: number, type: string, body: string): void {
    this.#write(`${this.#head(status, type)}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    this.#finish();
  }

  open(status: number, type: string): void {
    this.#isStream = true;
    this.#write(`${this.#head(status, type)}cache-control: no-store\r\ntransfer-encoding: chunked\r\n\r\n`);
  }

  write(text: string): void {
    if (text !== '') this.#write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
  }

  end(text: string): void {
    this.#write(`${text === '' ? '' : `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`}0\r\n\r\n`);
    this.#finish();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  get isStream(): boolean {
    return this.#isStream;
  }

  /** Ends it now, or after the reply under way. */
  closeWhenIdle(): void {
    this.#isKept = false;
    if (this.state !== 'answering') this.#socket.end();
  }

  #head(status: number, type: string): string {
    return `HTTP/1.1 ${status} ${reasons[status] ?? 'Unknown'}\r\ncontent-type: ${type}\r\n${this.#isKept ? 'keep-alive: timeout=75' : 'connection: close'}\r\n`;
  }

  #write(text: string): void {
    if (!this.isGone) this.#socket.write(text);
  }

  #take(bytes: Buffer): void {
    this.#ticks.rest();
    this.#held = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes]);
    if (this.state !== 'answering') return this.#read();
    // The next request may be here already; more than one is not waited for.
    if (this.#held.length > headBytesMax + this.#bodyBytesMax) this.destroy();
  }

  /** Handles the request at the front of what is held, if it is all there. */
  #read(): void {
    const held = this.#held;
    if (held === undefined) return;
    if (this.state === 'idle') this.sinceMs = this.#clock.monotonicMs();
    this.state = 'reading';
    const end = held.indexOf(headEnd);
    if (end > headBytesMax || (end < 0 && held.length > headBytesMax)) return this.#refuse(431, `the head is larger than ${headBytesMax} bytes`);
    if (end < 0) return;
    const head = held.toString('latin1', 0, end);
    const line = requestLine.exec(head);
    if (line === null) return this.#refuse(400, 'this is no HTTP/1.1 request');
    if (codingHeader.test(head)) return this.#refuse(411, 'send the body with a content-length');
    const bodyBytes = Number(lengthHeader.exec(head)?.[1] ?? 0);
    if (bodyBytes > this.#bodyBytesMax) return this.#refuse(413, `the body is larger than ${this.#bodyBytesMax} bytes`);
    const after = end + 4 + bodyBytes;
    if (held.length < after) return;
    this.#held = held.length === after ? undefined : held.subarray(after);
    const connection = connectionHeader.exec(head)?.[1]?.toLowerCase();
    if (line[4] === '0' || connection?.includes('close') === true) this.#isKept = false;
    this.state = 'answering';
    this.#handler(new Request(head, line, bodyBytes === 0 ? '' : held.toString('utf8', end + 4, after)), this);
  }

  /** Answers a request that is not read to its end; the connection cannot be used after it. */
  #refuse(status: number, detail: string): void {
    this.#isKept = false;
    this.state = 'answering';
    this.send(status, 'application/json', JSON.stringify({ code: 'refused', detail, error: { message: detail } }));
  }

  #finish(): void {
    this.state = 'idle';
    this.#isStream = false;
    this.sinceMs = this.#clock.monotonicMs();
    if (!this.#isKept) this.#socket.end();
    else if (this.#held !== undefined) this.#read();
  }
}
