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
  const status = Number(text.slice(9, 12));
  if (!(status >= 100 && status <= 999) || text.charCodeAt(8) !== 32) {
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
      const length = parseLength(lines.slice(at + 15, stop));
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

function isName(lines: string, at: number, name: string): boolean {
  return lines.slice(at, at + name.length).toLowerCase() === name;
}

function parseLength(text: string): number {
  const trimmed = text.trim();
  if (!/^\d{1,15}$/.test(trimmed)) throw protocol(`the content length is ${JSON.stringify(trimmed.slice(0, 20))}`);
  return Number(trimmed);
}

function protocol(message: string): TransportError {
  return new TransportError('protocol', message);
}
