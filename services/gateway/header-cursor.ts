/** Walks the header lines of a complete message head, strictly: RFC 9112 without its leniencies. */

const tokenBytes = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  tokenBytes[char.charCodeAt(0)] = 1;
}

/** Whether the byte may stand in a method or a header's name. */
export const isTokenByte = (byte: number): boolean => tokenBytes[byte] === 1;

/**
 * One cursor is reused for every head. Offsets are into the bytes given to `reset`; a line runs from
 * `lineStart` to `lineEnd`, its CRLF included.
 */
export class HeaderCursor {
  lineStart = 0;
  lineEnd = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** Set when a line is malformed: a bad name, a fold, a bare CR or LF, a control character. */
  bad = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;

  /** @param end offset of the empty line's CRLF */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#end = end;
    this.lineEnd = start;
    this.bad = false;
  }

  /** Moves to the next line; false at the end or at the first bad line. */
  next(): boolean {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.lineEnd;
    if (at >= end) return false;
    this.lineStart = at;
    while (tokenBytes[bytes[at] as number] === 1) at++;
    if (bytes[at] !== 0x3a || at === this.lineStart) return this.#fail();
    this.nameEnd = at++;
    while (bytes[at] === 0x20 || bytes[at] === 0x09) at++;
    this.valueStart = at;
    let byte = bytes[at] as number;
    while ((byte >= 0x20 && byte !== 0x7f) || byte === 0x09) byte = bytes[++at] as number;
    if (byte !== 0x0d || bytes[at + 1] !== 0x0a) return this.#fail();
    this.lineEnd = at + 2;
    while (at > this.valueStart && (bytes[at - 1] === 0x20 || bytes[at - 1] === 0x09)) at--;
    this.valueEnd = at;
    return true;
  }

  /** Length of the name. */
  get nameLength(): number {
    return this.nameEnd - this.lineStart;
  }

  /** Whether the name is this one, given in lower case. */
  isNamed(name: string): boolean {
    return matches(this.#bytes, this.lineStart, this.nameEnd, name);
  }

  /** Whether the value is this one, given in lower case. */
  hasValue(value: string): boolean {
    return matches(this.#bytes, this.valueStart, this.valueEnd, value);
  }

  /** The value as latin1 text. */
  value(): string {
    return (this.#bytes as Buffer).toString('latin1', this.valueStart, this.valueEnd);
  }

  #fail(): false {
    this.bad = true;
    return false;
  }
}

function matches(bytes: Uint8Array, start: number, end: number, lower: string): boolean {
  if (end - start !== lower.length) return false;
  for (let index = 0; index < lower.length; index++) {
    const byte = bytes[start + index] as number;
    const folded = byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;
    if (folded !== lower.charCodeAt(index)) return false;
  }
  return true;
}

/** A decimal Content-Length of at most 15 digits; -1 when it is none. */
export function parseLength(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || end - start > 15) return -1;
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

const emptyLine = Buffer.from('\r\n\r\n');

/** Offset of the CRLF CRLF that ends a head, searching from `from`; -1 when it has not come yet. */
export function findHeadEnd(bytes: Buffer, from = 0): number {
  return bytes.indexOf(emptyLine, from);
}
