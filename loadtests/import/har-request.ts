import type { Slot } from './correlate.ts';
import { headersOf } from './har.ts';
import type { Kept } from './har-select.ts';
import { segmentName } from './offers.ts';
import { joinTexts, textOf } from './plan.ts';
import type { BodyPlan, JsonPlan, RequestPlan, Template } from './plan.ts';
import { decodeSegment, pathSegments } from './reply-values.ts';

/** Answers the holes of one value of a request. */
export type Fill = (slot: Slot) => Template;

/** Headers that the connection, the browser or the engine sets, or that name the recorded site. */
const ownHeaders = new Set(
  ('host connection content-length accept-encoding accept-language user-agent keep-alive proxy-connection transfer-encoding te trailer upgrade upgrade-insecure-requests expect cookie ' +
    'referer origin priority pragma cache-control dnt if-none-match if-modified-since if-match if-unmodified-since x-request-id x-correlation-id traceparent tracestate via').split(' '),
);
const ownPrefix = /^(?::|sec-|access-control-|x-forwarded-|cf-)/;
const writeIdHeader = /^(?:x-)?idempotency-key$/;
/** Cookies of visitor counters. */
const countingCookie = /^(?:_ga|_gid|_gat|_gcl|_fbp|_fbc|_hj|_pk_|_clck|_clsk|__utm|ajs_|amplitude|intercom-|optimizely|mp_|_uet|_dd_s)/i;
/** Deeper bodies are sent as text. */
const depthMax = 64;

/** Turns a recorded request into one of a journey. @param fill is asked for every value, in order */
export function planRequest({ entry, method, url }: Kept, fill: Fill): Omit<RequestPlan, 'takes'> {
  const path = [...planPath(url, fill), ...planQuery(url, fill)];
  const headers = planHeaders(entry, fill);
  const { body, type } = planBody(entry, fill);
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
  const segments = pathSegments(url);
  const raw = url.pathname.slice(1).split('/');
  return segments.flatMap((text, index): Template => [
    { kind: 'text', text: '/' },
    ...encoded(fill({ text, name: segmentName(segments, index), kind: 'segment' }), raw[index] ?? ''),
  ]);
}

function planQuery(url: URL, fill: Fill): Template {
  if (url.search === '') return [];
  return url.search.slice(1).split('&').flatMap((pair, index): Template => {
    const at = pair.indexOf('=');
    const start = textOf(`${index === 0 ? '?' : '&'}${at < 0 ? pair : pair.slice(0, at + 1)}`);
    if (at < 0) return start;
    const raw = pair.slice(at + 1);
    const [name, text] = [pair.slice(0, at), raw].map((part) => decodeSegment(part.replaceAll('+', ' ')));
    return [...start, ...encoded(fill({ text: text ?? '', name: name ?? '', kind: 'query' }), raw)];
  });
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

/** The body, and the type to send where the engine does not set it. */
function planBody(entry: Kept['entry'], fill: Fill): { readonly body: BodyPlan; readonly type: string | undefined } {
  const { postData } = entry.request;
  if (postData === null || postData === undefined || (postData.text ?? '') + (postData.params?.length ?? '') === '') return { body: { kind: 'none' }, type: undefined };
  const mime = postData.mimeType.replaceAll(/[^\x20-\x7e]/g, '');
  const type = mime === '' ? undefined : mime;
  if (/^application\/x-www-form-urlencoded/i.test(mime)) {
    const pairs = postData.text === undefined ? (postData.params ?? []).map(({ name, value }): [string, string] => [name, value ?? '']) : [...new URLSearchParams(postData.text)];
    return { body: { kind: 'form', fields: pairs.map(([name, text]) => [name, fill({ text, name, kind: 'form' })]) }, type };
  }
  const text = postData.text ?? '';
  const document = /json/i.test(mime) ? parseJson(text) : undefined;
  if (document === undefined) return { body: text === '' ? { kind: 'none' } : { kind: 'text', text: fill({ text, name: 'body', kind: 'text' }) }, type };
  return { body: { kind: 'json', json: planJson(document.value, 'body', fill) }, type: /^application\/json\s*(?:;\s*charset=utf-8\s*)?$/i.test(mime) ? undefined : type };
}

/** Undefined where the text is no JSON, or writing it again would change it. */
function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    // A bare text would go out without its quotes.
    return typeof value === 'object' && value !== null && isExact(value, 0) ? { value } : undefined;
  } catch {
    return undefined;
  }
}

function isExact(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  return depth < depthMax && Object.values(value).every((child) => isExact(child, depth + 1));
}

function planJson(value: unknown, name: string, fill: Fill): JsonPlan {
  if (typeof value === 'string' || typeof value === 'number') {
    const template = fill({ text: String(value), name, kind: typeof value === 'number' ? 'number' : 'json' });
    return template.every(({ kind }) => kind === 'text') ? { kind: 'value', value } : { kind: 'template', template, isNumber: typeof value === 'number' };
  }
  if (Array.isArray(value)) return { kind: 'array', items: value.map((item) => planJson(item, name, fill)) };
  if (typeof value === 'object' && value !== null) return { kind: 'object', entries: Object.entries(value).map(([key, child]) => [key, planJson(child, key, fill)]) };
  return { kind: 'value', value: value === true ? true : value === false ? false : null };
}
