import type { Fill } from './correlate.ts';
import { planBody } from './har-body.ts';
import { headersOf } from './har.ts';
import type { Kept } from './har-select.ts';
import { segmentName } from './offers.ts';
import { joinTexts, textOf } from './plan.ts';
import type { RequestPlan, Template } from './plan.ts';
import { decodeSegment, pathSegments } from './reply-values.ts';
import { ownerAmong, ownerByPlace, ownerOfSegment, secretPlaceOf } from './secret-names.ts';
import { looksSecret } from './secret-texts.ts';
import { looksRandom } from './wordy.ts';

/** Headers that the connection, the browser or the engine sets, or that name the recorded site. */
const ownHeaders = new Set(
  ('host connection content-length accept-encoding accept-language user-agent keep-alive proxy-connection transfer-encoding te trailer upgrade upgrade-insecure-requests expect cookie ' +
    'referer origin priority pragma cache-control dnt if-none-match if-modified-since if-match if-unmodified-since x-request-id x-correlation-id traceparent tracestate via').split(' '),
);
const ownPrefix = /^(?::|sec-|access-control-|x-forwarded-|cf-)/;
const writeIdHeader = /^(?:x-)?idempotency-key$/;
/** Cookies of visitor counters. */
const countingCookie = /^(?:_ga|_gid|_gat|_gcl|_fbp|_fbc|_hj|_pk_|_clck|_clsk|__utm|ajs_|amplitude|intercom-|optimizely|mp_|_uet|_dd_s)/i;

/** Turns a recorded request into one of a journey. @param fill is asked for every value, in order */
export function planRequest({ entry, method, url }: Kept, fill: Fill): Omit<RequestPlan, 'takes'> {
  const place = secretPlaceOf(pathSegments(url));
  const fillThere: Fill = (slot) => fill({ ...slot, of: slot.of ?? ownerByPlace(place, slot.name, slot.text) });
  const path = [...planPath(url, fill), ...planQuery(url, fillThere)];
  const headers = planHeaders(entry, fill);
  const { body, type } = planBody(entry, fillThere);
  const { status } = entry.response;
  return {
    method,
    path: joinTexts(path),
    headers: type === undefined ? headers : [...headers, ['content-type', textOf(type)]],
    body,
    // Without the conditions that a browser's cache sends there is no 304.
    status: status === 304 ? undefined : status,
  };
}

/** What stays as recorded keeps its encoding; what stands around a hole is encoded anew. */
function encoded(template: Template, raw: string): Template {
  if (template.every(({ kind }) => kind === 'text')) return textOf(raw);
  return template.map((part) => (part.kind === 'text' ? { kind: 'text', text: encodeURIComponent(part.text.toWellFormed()) } : part));
}

function planPath(url: URL, fill: Fill): Template {
  const raw = url.pathname.slice(1).split('/');
  // What follows a semicolon is of the segment (RFC 3986, 3.3), such as `;jsessionid=…`, and no part of its name.
  const segments = raw.map((segment) => decodeSegment(segment.replace(/;.*$/s, '')));
  return raw.flatMap((segment, index): Template => {
    const [start = '', ...more] = segment.split(';');
    const filled = fill({ text: segments[index] ?? '', name: segmentName(segments, index), kind: 'segment', of: ownerOfSegment(segments, index) });
    return [...textOf('/'), ...encoded(filled, start), ...more.flatMap((each) => [...textOf(';'), ...planPair(readPair(each), undefined, fill)])];
  });
}

interface Pair {
  /** The name and its `=`, as recorded; '' of a value without a name. */
  readonly start: string;
  readonly raw: string;
  readonly name: string;
  readonly text: string;
}

function readPair(pair: string): Pair {
  const decode = (part: string): string => decodeSegment(part.replaceAll('+', ' '));
  const at = pair.indexOf('=');
  const name = decode(pair.slice(0, Math.max(0, at)));
  // A name is written into the scenario, and one may be an address or a token.
  return at < 0 || looksSecret(name) ? { start: '', raw: pair, name: 'query', text: decode(pair) } : { start: pair.slice(0, at + 1), raw: pair.slice(at + 1), name, text: decode(pair.slice(at + 1)) };
}

function planPair({ start, raw, name, text }: Pair, of: string | undefined, fill: Fill): Template {
  return [...textOf(start), ...encoded(fill({ text, name, kind: 'query', of: of ?? (start === '' && looksRandom(text) ? 'query' : undefined) }), raw)];
}

function planQuery(url: URL, fill: Fill): Template {
  if (url.search === '') return [];
  const pairs = url.search.slice(1).split('&').map(readPair);
  const ownerOf = ownerAmong(pairs.map(({ name, text }) => [name, text]));
  return pairs.flatMap((pair, index) => [...textOf(index === 0 ? '?' : '&'), ...planPair(pair, ownerOf(pair.name), fill)]);
}

function planHeaders(entry: Kept['entry'], fill: Fill): [string, Template][] {
  const recorded = headersOf(entry.request.headers);
  const planned: [string, Template][] = [];
  for (const [name, value] of Object.entries(recorded)) {
    if (ownHeaders.has(name) || ownPrefix.test(name) || name === 'content-type' || !/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[\0\r\n]/.test(value)) continue;
    if (name === 'accept' && value === '*/*') continue;
    planned.push([name, writeIdHeader.test(name) ? [{ kind: 'write-id' }] : fill({ text: value, name, kind: 'header' })]);
  }
  const cookie = planCookie(recorded['cookie'] ?? '', fill);
  return cookie.length === 0 ? planned : [...planned, ['cookie', cookie]];
}

function planCookie(header: string, fill: Fill): Template {
  const planned: Template[] = [];
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, at)).trim();
    if (at <= 0 || countingCookie.test(name)) continue;
    planned.push([...textOf(`${planned.length === 0 ? '' : '; '}${name}=`), ...fill({ text: pair.slice(at + 1).trim(), name, kind: 'cookie' })]);
  }
  return joinTexts(planned.flat());
}
