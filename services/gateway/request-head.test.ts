import { describe, expect, test } from 'vitest';
import { findHeadEnd } from './header-cursor.ts';
import { chunked, isRefusal, parseRequestHead, requestHeadMaxBytes, type HeadRefusal, type RequestHead } from './request-head.ts';
import { renderRequest } from './render.ts';

const parse = (text: string): RequestHead | HeadRefusal => {
  const bytes = Buffer.from(text, 'latin1');
  return parseRequestHead(bytes, findHeadEnd(bytes));
};
const accepted = (text: string): RequestHead => {
  const head = parse(text);
  if (isRefusal(head)) throw new Error(`refused: ${head.code}`);
  return head;
};
const get = (...lines: string[]): string => `GET /feed?limit=20 HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

test('reads what the gateway needs', () => {
  expect(accepted(`POST /posts HTTP/1.1\r\nhOsT: a\r\nContent-Length: 12\r\nIdempotency-Key: x\r\nX-Correlation-Id: abcdef12\r\nX-Forwarded-For: 1.2.3.4 \r\nConnection: close\r\n\r\n`))
    .toMatchObject({ method: 'POST', target: '/posts', bodyLength: 12, hasIdempotencyKey: true, correlationId: 'abcdef12', forwardedFor: '1.2.3.4', close: true });
  expect(accepted(get())).toMatchObject({ method: 'GET', target: '/feed?limit=20', bodyLength: 0, close: false, correlationId: '' });
  expect(accepted(get('Transfer-Encoding: Chunked')).bodyLength).toBe(chunked);
  expect(accepted('GET / HTTP/1.0\r\n\r\n').close).toBe(true);
  expect(accepted('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n').close).toBe(false);
  expect(accepted(get('Expect: 100-Continue')).expectsContinue).toBe(true);
});

describe('refuses', () => {
  const cases: [string, string, number, string][] = [
    ['length and chunks', get('Content-Length: 3', 'Transfer-Encoding: chunked'), 400, 'ambiguous_length'],
    ['chunks and length', get('Transfer-Encoding: chunked', 'Content-Length: 3'), 400, 'ambiguous_length'],
    ['two lengths that differ', get('Content-Length: 3', 'Content-Length: 4'), 400, 'duplicate_length'],
    ['two lengths that agree', get('Content-Length: 3', 'content-length: 3'), 400, 'duplicate_length'],
    ['a list of lengths', get('Content-Length: 3, 3'), 400, 'bad_length'],
    ['a signed length', get('Content-Length: +3'), 400, 'bad_length'],
    ['a hex length', get('Content-Length: 0x3'), 400, 'bad_length'],
    ['an empty length', get('Content-Length:'), 400, 'bad_length'],
    ['a length beyond 2^53', get('Content-Length: 9999999999999999'), 400, 'bad_length'],
    ['two encodings', get('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), 400, 'ambiguous_length'],
    ['another encoding', get('Transfer-Encoding: gzip, chunked'), 501, 'bad_transfer_encoding'],
    ['a disguised encoding', get('Transfer-Encoding: \x0bchunked'), 400, 'bad_header'],
    ['chunks over HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 400, 'ambiguous_length'],
    ['a space before the colon', get('Content-Length : 3'), 400, 'bad_header'],
    ['a folded line', get('X-A: b', ' c'), 400, 'bad_header'],
    ['a bare LF', get('X-A: b\nContent-Length: 3'), 400, 'bad_header'],
    ['a bare CR', get('X-A: b\rContent-Length: 3'), 400, 'bad_header'],
    ['NUL in a value', get('X-A: b\0'), 400, 'bad_header'],
    ['a line without a colon', get('nonsense'), 400, 'bad_header'],
    ['an empty name', get(': b'), 400, 'bad_header'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, 'bad_host'],
    ['two Hosts', get('Host: b'), 400, 'bad_host'],
    ['an absolute target', 'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'bad_target'],
    ['a target with a space', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'bad_version'],
    ['a target beyond ASCII', 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'bad_request_line'],
    ['two spaces', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'bad_request_line'],
    ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505, 'bad_version'],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 405, 'method_refused'],
    ['a Connection that strips what we rely on', get('Connection: X-Forwarded-For'), 400, 'bad_connection'],
    ['another expectation', get('Expect: magic'), 400, 'bad_expect'],
    ['an empty first line', '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'bad_request_line'],
    ['a head too large', get(`X-A: ${'b'.repeat(requestHeadMaxBytes)}`), 431, 'head_too_large'],
  ];
  test.each(cases)('%s', (_, text, status, code) => expect(parse(text)).toMatchObject({ status, code }));
});

test('leaves out hop-by-hop and forwarding headers, and those Connection names', () => {
  const text = get(
    'X-Keep: 1', 'Keep-Alive: timeout=5', 'Connection: close, x-secret', 'TE: trailers', 'X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Proto: https',
    'Forwarded: for=6.6.6.6', 'X-Real-Ip: 6.6.6.6', 'Upgrade: websocket', 'X-Secret: 1', 'X-Correlation-Id: bad id!', 'Proxy-Connection: a', 'X-Last: 2',
  );
  const bytes = Buffer.from(`${text}tail`, 'latin1');
  const out = renderRequest(bytes, accepted(text), bytes.length, 'x-new: 3\r\n').toString('latin1');
  expect(out).toBe('GET /feed?limit=20 HTTP/1.1\r\nHost: a\r\nX-Keep: 1\r\nX-Last: 2\r\nx-new: 3\r\n\r\ntail');
});
