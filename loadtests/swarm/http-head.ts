import { TransportError } from './transport-error.ts';

/** What the head of a reply says about its body and the connection. */
export interface Head {
  readonly status: number;
  /** Undefined where the reply does not say. */
  readonly contentLength: number | undefined;
  readonly chunked: boolean;
  readonly keepAlive: boolean;
  /** After how long the server closes an idle connection, where it says so (`Keep-Alive: timeout=5`). */
  readonly idleTimeoutMs: number | undefined;
  /** The header lines, for whoever wants the rest. */
  readonly lines: string;
}

const lineEnd = '\r\n';

/**
 * Reads a reply's head of `end` bytes, which must hold the whole head without its closing empty line.
 * @throws TransportError `protocol` on anything that is no HTTP/1.x reply
 */
export function parseHead(bytes: Buffer, start: number, end: number): Head {
  const text = bytes.toString('latin1', start, end);
  const statusEnd = text.indexOf(lineEnd);
  const lines = statusEnd < 0 ? '' : text.slice(statusEnd + 2);
  // "HTTP/1.1 200": the version's minor digit at 7, the status at 9 to 11.
  if (!text.startsWith('HTTP/1.')) throw protocol(`the reply begins with ${JSON.stringify(text.slice(0, 40))}`);
  const status = readDigits(text, 9, 12);
  if (status < 100 || text.charCodeAt(8) !== 32) {
    throw protocol(`the status line is ${JSON.stringify(text.slice(0, 40))}`);
  }
  let contentLength: number | undefined;
  let chunked = false;
  let keepAlive = text.charCodeAt(7) === 49;
  let idleTimeoutMs: number | undefined;
  for (let at = 0; at < lines.length; ) {
    let stop = lines.indexOf(lineEnd, at);
    if (stop < 0) stop = lines.length;
    // Only lines of these lengths can matter; others are left alone.
    const nameLength = lines.indexOf(':', at) - at;
    if (nameLength === 14 && isName(lines, at, 'content-length')) {
      const length = readLength(lines, at + 15, stop);
      if (contentLength !== undefined && contentLength !== length) throw protocol('two lengths in one reply');
      contentLength = length;
    } else if (nameLength === 17 && isName(lines, at, 'transfer-encoding')) {
      const coding = lines.slice(at + 18, stop).trim().toLowerCase();
      if (coding !== 'chunked' && coding !== 'identity') throw protocol(`the transfer coding is ${coding}`);
      chunked = coding === 'chunked';
    } else if (nameLength === 10) {
      const value = lines.slice(at + 11, stop).toLowerCase();
      if (isName(lines, at, 'connection')) {
        if (value.includes('close')) keepAlive = false;
        else if (value.includes('keep-alive')) keepAlive = true;
      } else if (isName(lines, at, 'keep-alive')) {
        const timeout = /timeout=(\d+)/.exec(value)?.[1];
        if (timeout !== undefined) idleTimeoutMs = Number(timeout) * 1_000;
      }
    }
    at = stop + 2;
  }
  return { status, contentLength, chunked, keepAlive, idleTimeoutMs, lines };
}

/** From a capital letter of ASCII to the small one. */
const toSmall = 32;
const smallA = 97;

/** @param name in lower case */
function isName(lines: string, at: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    const code = lines.charCodeAt(at + index);
    const wanted = name.charCodeAt(index);
    if (code !== wanted && !(wanted >= smallA && code + toSmall === wanted)) return false;
  }
  return true;
}

const lengthDigitsMax = 15;

function readLength(lines: string, start: number, stop: number): number {
  let from = start;
  let to = stop;
  while (from < to && isBlank(lines.charCodeAt(from))) from++;
  while (to > from && isBlank(lines.charCodeAt(to - 1))) to--;
  const length = to - from > lengthDigitsMax ? -1 : readDigits(lines, from, to);
  if (length < 0) throw protocol(`the content length is ${JSON.stringify(lines.slice(from, Math.min(to, from + 20)))}`);
  return length;
}

const isBlank = (code: number): boolean => code === 32 || code === 9;

/** A number of digits alone; -1 for anything else, and for none. */
function readDigits(text: string, start: number, stop: number): number {
  if (stop <= start) return -1;
  let value = 0;
  for (let at = start; at < stop; at++) {
    const digit = text.charCodeAt(at) - 48;
    // NaN beyond the end is no digit either.
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function protocol(message: string): TransportError {
  return new TransportError('protocol', message);
}
