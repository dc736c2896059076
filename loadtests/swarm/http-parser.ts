import { type Head, parseHead } from './http-head.ts';
import { Reply } from './reply.ts';
import { TransportError } from './transport-error.ts';

/** A head longer than this is a protocol error. */
export const maxHeadBytes = 65_536;
/** A body longer than this is a protocol error, unless the parser is told otherwise. */
export const defaultMaxBodyBytes = 8 * 1024 * 1024;

const headEnd = Buffer.from('\r\n\r\n', 'latin1');
const noBytes = Buffer.alloc(0);

type State = 'idle' | 'head' | 'length' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'until-close';

/**
 * Parses the replies of one connection, one at a time: bodies by length, chunked or until close,
 * and replies without a body (HEAD, 1xx, 204, 304). Bytes may come in any pieces.
 */
export class HttpParser {
  readonly #maxBodyBytes: number;
  #state: State = 'idle';
  #isHead = false;
  #carried: Buffer = noBytes;
  #head: Head | undefined;
  #pieces: Buffer[] = [];
  #bodyBytes = 0;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #missing = 0;
  #line = '';

  constructor(maxBodyBytes = defaultMaxBodyBytes) {
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Whether a reply is awaited or under way. */
  get busy(): boolean {
    return this.#state !== 'idle';
  }

  /** Whether the connection may carry another request; valid once a reply is complete. */
  get keepAlive(): boolean {
    return this.#head?.keepAlive ?? false;
  }

  get idleTimeoutMs(): number | undefined {
    return this.#head?.idleTimeoutMs;
  }

  /** Prepares for the reply to one request. */
  begin(method: string): void {
    this.#state = 'head';
    this.#isHead = method === 'HEAD';
    this.#head = undefined;
    this.#carried = noBytes;
    this.#bodyBytes = 0;
  }

  /**
   * Takes the next bytes; answers the reply when they complete it. Bytes are copied, so the caller
   * may reuse its buffer.
   * @param length how many of the buffer's bytes count; default all
   * @throws TransportError `protocol` on malformed input, on bytes nobody asked for and beyond the limits
   */
  feed(bytes: Buffer, length = bytes.length): Reply | undefined {
    let at = 0;
    while (at < length) {
      if (this.#state === 'idle') throw protocol(`${length - at} bytes that no request asked for`);
      if (this.#state === 'head') at = this.#feedHead(bytes, at, length);
      else if (this.#state === 'length' || this.#state === 'chunk-data') at = this.#feedBody(bytes, at, length);
      else if (this.#state === 'until-close') at = this.#feedRest(bytes, at, length);
      else at = this.#feedLine(bytes, at, length);
      if (this.#isComplete()) {
        if (at < length) throw protocol(`${length - at} bytes beyond the reply`);
        return this.#take();
      }
    }
    return undefined;
  }

  /** The peer closed: answers the reply that ends with it, if one does. */
  end(): Reply | undefined {
    return this.#state === 'until-close' ? this.#take() : undefined;
  }

  #feedHead(bytes: Buffer, at: number, length: number): number {
    if (this.#carried.length === 0) {
      const end = bytes.indexOf(headEnd, at);
      if (end >= 0 && end + 4 <= length) {
        this.#readHead(bytes, at, end);
        return end + 4;
      }
      this.#carried = copyOf(bytes, at, length);
    } else {
      const before = this.#carried.length;
      this.#carried = Buffer.concat([this.#carried, bytes.subarray(at, length)]);
      const end = this.#carried.indexOf(headEnd, Math.max(0, before - 3));
      if (end >= 0) {
        const carried = this.#carried;
        this.#carried = noBytes;
        this.#readHead(carried, 0, end);
        return at + (end + 4 - before);
      }
    }
    if (this.#carried.length > maxHeadBytes) throw protocol(`a head of more than ${maxHeadBytes} bytes`);
    return length;
  }

  #readHead(bytes: Buffer, start: number, end: number): void {
    const head = parseHead(bytes, start, end);
    if (head.status === 101) throw protocol('the server switched protocols unasked');
    if (head.status < 200) return; // An informational reply; the real one follows.
    this.#head = head;
    if (this.#isHead || head.status === 204 || head.status === 304) {
      this.#state = 'length';
      this.#missing = 0;
    } else if (head.chunked) {
      this.#state = 'chunk-size';
      this.#line = '';
    } else if (head.contentLength !== undefined) {
      this.#grow(head.contentLength);
      this.#state = 'length';
      this.#missing = head.contentLength;
    } else {
      this.#head = { ...head, keepAlive: false };
      this.#state = 'until-close';
    }
  }

  #feedBody(bytes: Buffer, at: number, length: number): number {
    const end = Math.min(at + this.#missing, length);
    if (end > at) this.#pieces.push(copyOf(bytes, at, end));
    this.#missing -= end - at;
    if (this.#missing === 0 && this.#state === 'chunk-data') this.#state = 'chunk-end';
    return end;
  }

  #feedRest(bytes: Buffer, at: number, length: number): number {
    this.#grow(length - at);
    this.#pieces.push(copyOf(bytes, at, length));
    return length;
  }

  /** Chunk sizes, the line end after a chunk, and trailers: short lines, read byte by byte. */
  #feedLine(bytes: Buffer, at: number, length: number): number {
    const found = bytes.indexOf(10, at);
    const newline = found < length ? found : -1;
    const stop = newline < 0 ? length : newline + 1;
    this.#line += bytes.toString('latin1', at, stop);
    if (this.#line.length > 4_096) throw protocol('a chunk or trailer line of more than 4096 bytes');
    if (newline >= 0) {
      const line = this.#line.trim();
      this.#line = '';
      this.#endLine(line);
    }
    return stop;
  }

  #endLine(line: string): void {
    if (this.#state === 'chunk-end') {
      if (line !== '') throw protocol('a chunk that is longer than its size');
      this.#state = 'chunk-size';
    } else if (this.#state === 'trailer') {
      if (line === '') this.#finishBody();
    } else {
      const size = /^([0-9a-fA-F]{1,8})(?:\s*;.*)?$/.exec(line)?.[1];
      if (size === undefined) throw protocol(`the chunk size is ${JSON.stringify(line.slice(0, 20))}`);
      this.#missing = Number.parseInt(size, 16);
      this.#grow(this.#missing);
      this.#state = this.#missing === 0 ? 'trailer' : 'chunk-data';
    }
  }

  #finishBody(): void {
    this.#state = 'length';
    this.#missing = 0;
  }

  #grow(byBytes: number): void {
    this.#bodyBytes += byBytes;
    if (this.#bodyBytes > this.#maxBodyBytes) {
      this.#pieces = [];
      throw protocol(`a body of ${this.#bodyBytes} bytes or more; the limit is ${this.#maxBodyBytes}`);
    }
  }

  #isComplete(): boolean {
    return this.#state === 'length' && this.#missing === 0;
  }

  #take(): Reply {
    const [first] = this.#pieces;
    const body = first === undefined ? noBytes : this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces);
    if (first !== undefined) this.#pieces = [];
    this.#state = 'idle';
    const head = this.#head!; // Set by #readHead before any state that completes.
    return new Reply(head.status, head.lines, body);
  }
}

/** Without the view that `subarray` would make first. */
function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}

function protocol(message: string): TransportError {
  return new TransportError('protocol', message);
}
