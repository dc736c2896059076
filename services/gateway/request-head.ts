import { correlationIdPattern } from '../platform/correlation.ts';
import { HeaderCursor, isTokenByte, parseLength } from './header-cursor.ts';

/** Largest request head, bytes; beyond it the answer is 431. */
export const requestHeadMaxBytes = 16 * 1024;

/** Length of a body whose end only its chunks tell. */
export const chunked = -1;

/** A request head as the gateway needs it. Offsets are into the bytes that were parsed. */
export interface RequestHead {
  readonly method: string;
  /** The request target in origin form, such as `/feed?limit=20`. */
  readonly target: string;
  readonly http10: boolean;
  /** Offset of the first body byte. */
  readonly bodyStart: number;
  /** Bytes of body; 0 for none, `chunked` for a chunked one. */
  readonly bodyLength: number;
  /** The client asks for the connection to be closed after the reply. */
  readonly close: boolean;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  readonly hasIdempotencyKey: boolean;
  /** '' when absent; given twice, both joined, which no parser takes. */
  readonly traceparent: string;
  /** Pairs (start, end) of its lines, ascending. */
  readonly traceLines: readonly number[];
  /** '' when absent or malformed. */
  readonly correlationId: string;
  /** Values of X-Forwarded-For joined by `, `; '' when absent. */
  readonly forwardedFor: string;
  /** Pairs (start, end) of lines that are not passed on, ascending. */
  readonly cuts: readonly number[];
}

/** Why a head is refused. */
export interface HeadRefusal {
  readonly status: 400 | 405 | 431 | 501 | 505;
  readonly code: string;
  readonly detail: string;
}

const refuse = (code: string, detail: string, status: HeadRefusal['status'] = 400): HeadRefusal => ({ status, code, detail });

const cursor = new HeaderCursor();
const noLines: readonly number[] = [];
/** Names a Connection header may not strip: what lies behind depends on them. */
const stripProtected = new Set([
  'host', 'content-length', 'content-type', 'transfer-encoding', 'authorization', 'cookie', 'idempotency-key',
  'x-forwarded-for', 'x-correlation-id', 'traceparent', 'accept',
]);

interface Draft {
  hosts: number;
  length: number;
  chunked: boolean;
  close: boolean;
  keepAlive: boolean;
  expectsContinue: boolean;
  hasIdempotencyKey: boolean;
  traceparent: string;
  traceLines: number[] | undefined;
  correlationId: string;
  forwardedFor: string;
  cuts: number[];
  nominated: string[] | undefined;
}

/**
 * Parses a complete request head.
 * @param headEnd offset of the CRLF CRLF that ends it
 */
export function parseRequestHead(bytes: Buffer, headEnd: number): RequestHead | HeadRefusal {
  if (headEnd + 4 > requestHeadMaxBytes) {
    return refuse('head_too_large', `the request head exceeds ${requestHeadMaxBytes} bytes`, 431);
  }
  let at = 0;
  while (isTokenByte(bytes[at] as number)) at++;
  const methodEnd = at;
  if (methodEnd === 0 || methodEnd > 20 || bytes[at] !== 0x20) return refuse('bad_request_line', 'the request line has no method');
  at++;
  const targetStart = at;
  while ((bytes[at] as number) > 0x20 && (bytes[at] as number) < 0x7f) at++;
  const targetEnd = at;
  if (bytes[at] !== 0x20 || targetEnd === targetStart) return refuse('bad_request_line', 'the request target is malformed');
  const version = bytes.toString('latin1', at + 1, at + 11);
  if (version !== 'HTTP/1.1\r\n' && version !== 'HTTP/1.0\r\n') {
    return refuse('bad_version', 'only HTTP/1.1 and HTTP/1.0 are spoken here', version.startsWith('HTTP/') ? 505 : 400);
  }
  const method = bytes.toString('latin1', 0, methodEnd);
  if (method === 'CONNECT' || method === 'TRACE') return refuse('method_refused', `${method} is not served`, 405);
  if (bytes[targetStart] !== 0x2f) return refuse('bad_target', 'the request target must begin with /');
  const http10 = version.charCodeAt(7) === 0x30;
  const draft: Draft = {
    hosts: 0, length: -1, chunked: false, close: false, keepAlive: false, expectsContinue: false, hasIdempotencyKey: false,
    traceparent: '', traceLines: undefined, correlationId: '', forwardedFor: '', cuts: [], nominated: undefined,
  };
  cursor.reset(bytes, at + 11, headEnd + 2);
  while (cursor.next()) {
    const refusal = takeHeader(draft, bytes);
    if (refusal !== undefined) return refusal;
  }
  if (cursor.bad) return refuse('bad_header', `a header line at byte ${cursor.lineStart} is malformed`);
  if (draft.hosts !== 1 && !(http10 && draft.hosts === 0)) return refuse('bad_host', `${draft.hosts} Host headers; 1 is needed`);
  if (draft.chunked && (draft.length >= 0 || http10)) {
    return refuse('ambiguous_length', 'Transfer-Encoding cannot stand beside Content-Length or HTTP/1.0');
  }
  if (draft.nominated !== undefined) {
    const guarded = draft.nominated.find((name) => stripProtected.has(name));
    if (guarded !== undefined) return refuse('bad_connection', `Connection must not name ${guarded}`);
    cutNominated(draft, bytes, at + 11, headEnd + 2);
  }
  return {
    method,
    target: bytes.toString('latin1', targetStart, targetEnd),
    http10,
    bodyStart: headEnd + 4,
    bodyLength: draft.chunked ? chunked : Math.max(0, draft.length),
    close: draft.close || (http10 && !draft.keepAlive),
    expectsContinue: draft.expectsContinue && !http10,
    hasIdempotencyKey: draft.hasIdempotencyKey,
    traceparent: draft.traceparent,
    traceLines: draft.traceLines ?? noLines,
    correlationId: draft.correlationId,
    forwardedFor: draft.forwardedFor,
    cuts: draft.cuts,
  };
}

/** Looks at the header the cursor stands on; by length first, as most names are none of ours. */
function takeHeader(draft: Draft, bytes: Buffer): HeadRefusal | undefined {
  switch (cursor.nameLength) {
    case 2:
      if (cursor.isNamed('te')) cut(draft);
      return undefined;
    case 4:
      if (cursor.isNamed('host')) draft.hosts++;
      return undefined;
    case 6:
      return cursor.isNamed('expect') ? takeExpect(draft) : undefined;
    case 7:
      if (cursor.isNamed('upgrade')) cut(draft);
      return undefined;
    case 9:
      if (cursor.isNamed('forwarded') || cursor.isNamed('x-real-ip')) cut(draft);
      return undefined;
    case 10:
      if (cursor.isNamed('connection')) takeConnection(draft);
      else if (cursor.isNamed('keep-alive')) cut(draft);
      return undefined;
    case 11:
      if (cursor.isNamed('traceparent')) takeTraceparent(draft);
      return undefined;
    case 14:
      return cursor.isNamed('content-length') ? takeLength(draft, bytes) : undefined;
    case 15:
      if (cursor.isNamed('x-forwarded-for')) {
        draft.forwardedFor = draft.forwardedFor === '' ? cursor.value() : `${draft.forwardedFor}, ${cursor.value()}`;
        cut(draft);
      } else if (cursor.isNamed('idempotency-key')) draft.hasIdempotencyKey = true;
      return undefined;
    case 16:
      if (cursor.isNamed('x-correlation-id')) takeCorrelationId(draft);
      else if (cursor.isNamed('x-forwarded-host') || cursor.isNamed('x-forwarded-port') || cursor.isNamed('proxy-connection')) cut(draft);
      return undefined;
    case 17:
      if (cursor.isNamed('transfer-encoding')) return takeTransferEncoding(draft);
      if (cursor.isNamed('x-forwarded-proto')) cut(draft);
      return undefined;
    default:
      return undefined;
  }
}

function cut(draft: Draft): void {
  draft.cuts.push(cursor.lineStart, cursor.lineEnd);
}

function takeExpect(draft: Draft): HeadRefusal | undefined {
  if (!cursor.hasValue('100-continue')) return refuse('bad_expect', 'Expect may only be 100-continue');
  draft.expectsContinue = true;
  cut(draft);
  return undefined;
}

function takeLength(draft: Draft, bytes: Buffer): HeadRefusal | undefined {
  if (draft.length >= 0) return refuse('duplicate_length', 'Content-Length stands twice');
  draft.length = parseLength(bytes, cursor.valueStart, cursor.valueEnd);
  return draft.length < 0 ? refuse('bad_length', 'Content-Length is not a whole number of at most 15 digits') : undefined;
}

function takeTransferEncoding(draft: Draft): HeadRefusal | undefined {
  if (draft.chunked) return refuse('ambiguous_length', 'Transfer-Encoding stands twice');
  if (!cursor.hasValue('chunked')) return refuse('bad_transfer_encoding', 'Transfer-Encoding may only be chunked', 501);
  draft.chunked = true;
  return undefined;
}

function takeCorrelationId(draft: Draft): void {
  const value = cursor.value();
  // The first well-formed one counts; others are left out, so that exactly one is passed on.
  if (draft.correlationId === '' && correlationIdPattern.test(value)) draft.correlationId = value;
  else cut(draft);
}

function takeTraceparent(draft: Draft): void {
  draft.traceparent = draft.traceLines === undefined ? cursor.value() : `${draft.traceparent},${cursor.value()}`;
  (draft.traceLines ??= []).push(cursor.lineStart, cursor.lineEnd);
}

function takeConnection(draft: Draft): void {
  cut(draft);
  if (cursor.hasValue('keep-alive')) {
    draft.keepAlive = true;
    return;
  }
  for (const part of cursor.value().toLowerCase().split(',')) {
    const name = part.trim();
    if (name === 'close') draft.close = true;
    else if (name === 'keep-alive') draft.keepAlive = true;
    else if (name !== '') (draft.nominated ??= []).push(name);
  }
}

/** A second walk, for the rare head whose Connection names further headers to leave out. */
function cutNominated(draft: Draft, bytes: Buffer, start: number, end: number): void {
  const already = new Set(draft.cuts.filter((_, index) => index % 2 === 0));
  const nominated = new Set(draft.nominated);
  cursor.reset(bytes, start, end);
  while (cursor.next()) {
    const name = bytes.toString('latin1', cursor.lineStart, cursor.nameEnd).toLowerCase();
    if (nominated.has(name) && !already.has(cursor.lineStart)) cut(draft);
  }
  const pairs: [number, number][] = [];
  for (let index = 0; index < draft.cuts.length; index += 2) pairs.push([draft.cuts[index] as number, draft.cuts[index + 1] as number]);
  draft.cuts = pairs.sort((a, b) => a[0] - b[0]).flat();
}

/** Whether parsing refused the head. */
export const isRefusal = (head: RequestHead | HeadRefusal): head is HeadRefusal => 'status' in head;
