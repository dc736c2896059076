import { HeaderCursor, parseLength } from './header-cursor.ts';
import { chunked } from './request-head.ts';

/** Largest head a server may send, bytes; beyond it the reply is 502. */
export const responseHeadMaxBytes = 32 * 1024;

/** Length of a body that ends when the server closes. */
export const untilClose = -2;

/** A response head as the gateway needs it. */
export interface ResponseHead {
  readonly status: number;
  readonly bodyStart: number;
  /** Bytes of body, `chunked` or `untilClose`. */
  readonly bodyLength: number;
  /** The server keeps its connection open afterwards. */
  readonly reusable: boolean;
  readonly isEventStream: boolean;
  /** Pairs (start, end) of lines that are not passed on, ascending. */
  readonly cuts: readonly number[];
}

const cursor = new HeaderCursor();

/**
 * Parses a complete response head; undefined when it is malformed or its length is ambiguous.
 * @param headEnd offset of the CRLF CRLF that ends it
 */
export function parseResponseHead(bytes: Buffer, headEnd: number, method: string): ResponseHead | undefined {
  const http10 = bytes[7] === 0x30;
  if (bytes.toString('latin1', 0, 9) !== (http10 ? 'HTTP/1.0 ' : 'HTTP/1.1 ')) return undefined;
  const status = parseLength(bytes, 9, 12);
  const lineEnd = bytes.indexOf(0x0a, 12) + 1;
  if (status < 100 || status > 599 || lineEnd === 0 || bytes[lineEnd - 2] !== 0x0d) return undefined;
  let length = -1;
  let isChunked = false;
  let close = http10;
  let isEventStream = false;
  const cuts: number[] = [];
  cursor.reset(bytes, lineEnd, headEnd + 2);
  while (cursor.next()) {
    switch (cursor.nameLength) {
      case 10:
        if (cursor.isNamed('connection')) {
          cuts.push(cursor.lineStart, cursor.lineEnd);
          if (!cursor.hasValue('keep-alive')) close = true;
        } else if (cursor.isNamed('keep-alive')) cuts.push(cursor.lineStart, cursor.lineEnd);
        break;
      case 12:
        if (cursor.isNamed('content-type')) isEventStream = cursor.value().startsWith('text/event-stream');
        break;
      case 14:
        if (!cursor.isNamed('content-length')) break;
        if (length >= 0) return undefined;
        length = parseLength(bytes, cursor.valueStart, cursor.valueEnd);
        if (length < 0) return undefined;
        break;
      case 17:
        if (!cursor.isNamed('transfer-encoding')) break;
        if (isChunked || !cursor.hasValue('chunked')) return undefined;
        isChunked = true;
        break;
      default:
        break;
    }
  }
  if (cursor.bad || (isChunked && length >= 0)) return undefined;
  const bodyless = method === 'HEAD' || status < 200 || status === 204 || status === 304;
  const bodyLength = bodyless ? 0 : isChunked ? chunked : length >= 0 ? length : untilClose;
  return { status, bodyStart: headEnd + 4, bodyLength, reusable: !close && bodyLength !== untilClose, isEventStream, cuts };
}
