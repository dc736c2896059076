/** Told what a reply consists of, as it arrives. */
export interface ReplySink {
  onHead(status: number): void;
  /** `bytes` are only valid during the call. `isWhole` when this one piece is the body. */
  onPiece(bytes: Buffer, isWhole: boolean): void;
  onEnd(): void;
}

type Part = 'head' | 'length' | 'close' | 'size' | 'chunk' | 'chunk end' | 'trailer' | 'done';

/** Most bytes of a head, of its trailers, or of the line before a chunk; more is an error. */
export const headBytesMax = 16_384;

const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');

/**
 * Reads one HTTP/1.1 reply from the bytes of a connection: by length, in chunks, or up to the
 * connection's end. Interim replies (1xx) are skipped. Not for replies to HEAD or CONNECT.
 */
export class ReplyParser {
  #part: Part = 'head';
  #held: Buffer | undefined;
  #left = 0;
  #bodyBytes = 0;
  #trailerBytes = 0;
  #sink: ReplySink;
  /** Whether the connection may carry another request once this reply is done. */
  isKept = true;
  /** How long the server says it keeps an idle connection; undefined when it does not say. */
  idleMs: number | undefined;

  constructor(sink: ReplySink) {
    this.#sink = sink;
  }

  /** Whether the whole reply was read. */
  get isDone(): boolean {
    return this.#part === 'done';
  }

  /** Gets ready for the connection's next reply. */
  restart(sink: ReplySink): void {
    this.#sink = sink;
    this.#part = 'head';
    this.#held = undefined;
    this.#trailerBytes = 0;
  }

  /** @throws Error for bytes that are no reply, or that come after it */
  take(bytes: Buffer): void {
    let rest = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes]);
    this.#held = undefined;
    while (rest.length > 0) {
      const used = this.#step(rest);
      if (used === 0) {
        if (rest.length > headBytesMax) throw new Error(`a head of more than ${headBytesMax} bytes`);
        this.#held = Buffer.from(rest);
        return;
      }
      rest = rest.subarray(used);
    }
  }

  /** The connection ended. Returns whether that completed the reply. */
  end(): boolean {
    if (this.#part === 'close') this.#finish();
    return this.isDone;
  }

  /** Reads the next part; 0 when it is not all there. */
  #step(bytes: Buffer): number {
    switch (this.#part) {
      case 'head':
        return this.#takeHead(bytes);
      case 'length':
      case 'chunk':
      case 'close':
        return this.#takeBody(bytes);
      case 'size':
        return this.#takeSize(bytes);
      case 'chunk end':
        if (bytes.length < 2) return 0;
        if (bytes[0] !== 13 || bytes[1] !== 10) throw new Error('a chunk longer than it says');
        this.#part = 'size';
        return 2;
      case 'trailer':
        return this.#takeTrailer(bytes);
      case 'done':
        throw new Error('bytes after the reply');
      default:
        throw new Error(`unexpected part ${String(this.#part satisfies never)}`);
    }
  }

  #takeHead(bytes: Buffer): number {
    const end = bytes.indexOf(headEnd);
    if (end < 0) return 0;
    if (end > headBytesMax) throw new Error(`a head of more than ${headBytesMax} bytes`);
    const head = parseHead(bytes.toString('latin1', 0, end));
    if (head.status < 200) return end + 4;
    this.isKept = head.isKept;
    this.idleMs = head.idleMs;
    this.#bodyBytes = 0;
    const isEmpty = head.status === 204 || head.status === 304 || (!head.isChunked && head.lengthBytes === 0);
    this.#left = head.lengthBytes ?? Infinity;
    if (head.isChunked) this.#part = 'size';
    else if (head.lengthBytes === undefined) this.#part = 'close';
    else this.#part = 'length';
    if (this.#part === 'close' && !isEmpty) this.isKept = false;
    this.#sink.onHead(head.status);
    if (isEmpty) this.#finish();
    return end + 4;
  }

  #takeBody(bytes: Buffer): number {
    const piece = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    const isWhole = this.#part === 'length' && this.#bodyBytes === 0 && piece.length === this.#left;
    this.#left -= piece.length;
    this.#bodyBytes += piece.length;
    this.#sink.onPiece(piece, isWhole);
    if (this.#left > 0) return piece.length;
    if (this.#part === 'chunk') this.#part = 'chunk end';
    else this.#finish();
    return piece.length;
  }

  #takeSize(bytes: Buffer): number {
    const end = bytes.indexOf(lineEnd);
    if (end < 0) return 0;
    const size = /^([0-9a-f]{1,8})[ \t]*(?:;|$)/i.exec(bytes.toString('latin1', 0, end))?.[1];
    if (size === undefined) throw new Error('a chunk without a size');
    this.#left = Number.parseInt(size, 16);
    this.#part = this.#left === 0 ? 'trailer' : 'chunk';
    return end + 2;
  }

  #takeTrailer(bytes: Buffer): number {
    const end = bytes.indexOf(lineEnd);
    if (end < 0) return 0;
    this.#trailerBytes += end;
    if (this.#trailerBytes > headBytesMax) throw new Error(`trailers of more than ${headBytesMax} bytes`);
    if (end === 0) this.#finish();
    return end + 2;
  }

  #finish(): void {
    this.#part = 'done';
    this.#sink.onEnd();
  }
}

interface Head {
  readonly status: number;
  readonly lengthBytes: number | undefined;
  readonly isChunked: boolean;
  readonly isKept: boolean;
  readonly idleMs: number | undefined;
}

const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: |$)/;

function parseHead(text: string): Head {
  const lines = text.split('\r\n');
  const first = statusLine.exec(lines[0] ?? '');
  if (first === null) throw new Error('no HTTP/1.1 reply');
  let lengthBytes: number | undefined;
  let isChunked = false;
  let isKept = first[1] === '1';
  let idleMs: number | undefined;
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const colon = line.indexOf(':');
    switch (line.slice(0, colon).toLowerCase()) {
      case 'content-length': {
        const value = line.slice(colon + 1).trim();
        if (!/^\d{1,15}$/.test(value) || (lengthBytes !== undefined && lengthBytes !== Number(value))) throw new Error(`content-length "${value.slice(0, 40)}"`);
        lengthBytes = Number(value);
        break;
      }
      case 'transfer-encoding':
        if (line.slice(colon + 1).trim().toLowerCase() !== 'chunked') throw new Error(`transfer-encoding "${line.slice(colon + 1, colon + 41)}"`);
        isChunked = true;
        break;
      case 'connection':
        if (/\bclose\b/i.test(line)) isKept = false;
        else if (/\bkeep-alive\b/i.test(line)) isKept = true;
        break;
      case 'keep-alive': {
        const seconds = /\btimeout=(\d{1,6})\b/i.exec(line)?.[1];
        if (seconds !== undefined) idleMs = Number(seconds) * 1_000;
        break;
      }
      default:
    }
  }
  // Both at once is how replies are smuggled past a proxy: whatever follows is not trusted.
  if (isChunked && lengthBytes !== undefined) isKept = false;
  return { status: Number(first[2]), lengthBytes: isChunked ? undefined : lengthBytes, isChunked, isKept, idleMs };
}
