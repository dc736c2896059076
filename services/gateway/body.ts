import { chunked } from './request-head.ts';
import { untilClose } from './response-head.ts';

/** Longest chunk-size line and longest trailer section, bytes; beyond them the body is bad. */
const sizeLineMax = 256;
const trailerMax = 8 * 1024;

const states = { size: 0, extension: 1, sizeLf: 2, data: 3, dataCr: 4, dataLf: 5, trailer: 6, trailerLine: 7, trailerLf: 8, endLf: 9 } as const;

/** Follows a body through its bytes to know where it ends, without changing or keeping any. */
export class BodyReader {
  /** All of the body has been seen. */
  done = true;
  /** The framing is broken: no further byte can be trusted. */
  bad = false;
  /** The body ends only with its connection. */
  endsOnClose = false;
  #chunked = false;
  #remaining = 0;
  #state: number = states.size;
  #digits = 0;
  #lineBytes = 0;

  /** @param length bytes, or `chunked`, or `untilClose` */
  start(length: number): void {
    this.#chunked = length === chunked;
    this.endsOnClose = length === untilClose;
    this.#remaining = this.#chunked ? 0 : length;
    this.done = length === 0;
    this.bad = false;
    this.#state = states.size;
    this.#digits = 0;
    this.#lineBytes = 0;
  }

  /** Reads on from `at`; returns the offset behind the last byte that belongs to the body. */
  consume(bytes: Uint8Array, at: number): number {
    if (this.done) return at;
    if (this.endsOnClose) return bytes.length;
    if (this.#chunked) return this.#consumeChunks(bytes, at);
    const taken = Math.min(this.#remaining, bytes.length - at);
    this.#remaining -= taken;
    this.done = this.#remaining === 0;
    return at + taken;
  }

  #consumeChunks(bytes: Uint8Array, start: number): number {
    let at = start;
    while (at < bytes.length) {
      if (this.#state === states.data) {
        const taken = Math.min(this.#remaining, bytes.length - at);
        this.#remaining -= taken;
        at += taken;
        if (this.#remaining === 0) this.#state = states.dataCr;
        continue;
      }
      if (!this.#step(bytes[at++] as number)) {
        this.bad = true;
        return at;
      }
      if (this.done) return at;
    }
    return at;
  }

  /** Takes one byte of framing; false when it cannot stand there. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case states.size:
        return this.#stepSize(byte);
      case states.extension:
        if (byte === 0x0d) this.#state = states.sizeLf;
        else if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) return false;
        return ++this.#lineBytes <= sizeLineMax;
      case states.sizeLf:
        this.#state = this.#remaining === 0 ? states.trailer : states.data;
        this.#digits = 0;
        this.#lineBytes = 0;
        return byte === 0x0a;
      case states.dataCr:
        this.#state = states.dataLf;
        return byte === 0x0d;
      case states.dataLf:
        this.#state = states.size;
        return byte === 0x0a;
      case states.trailer:
        this.#state = byte === 0x0d ? states.endLf : states.trailerLine;
        return ++this.#lineBytes <= trailerMax && byte !== 0x0a;
      case states.trailerLine:
        if (byte === 0x0d) this.#state = states.trailerLf;
        return ++this.#lineBytes <= trailerMax && byte !== 0x0a;
      case states.trailerLf:
        this.#state = states.trailer;
        return byte === 0x0a;
      default:
        this.done = byte === 0x0a;
        return this.done;
    }
  }

  #stepSize(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#remaining = this.#remaining * 16 + digit;
      // Twelve hex digits stay below 2^53, so the count is exact.
      return ++this.#digits <= 12;
    }
    if (this.#digits === 0) return false;
    if (byte === 0x0d) this.#state = states.sizeLf;
    else if (byte === 0x3b) this.#state = states.extension;
    else return false;
    return true;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
