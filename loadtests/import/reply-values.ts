import { assertNever } from '../../ops/core/error.ts';
import { htmlFields } from './html-fields.ts';
import type { Source } from './plan.ts';

/** A reply as far as values are read from it; headers by lower-case name, lines of one name joined with `, `. */
export interface ReplyText {
  readonly headers: Readonly<Record<string, string>>;
  text(): string;
  /** @throws SyntaxError when the body is no JSON */
  json(): unknown;
}

/** The value at a place of a reply; undefined where it has none. Import and run read by the same rules. */
export function valueAt(reply: ReplyText, source: Source): string | undefined {
  switch (source.kind) {
    case 'json':
      return jsonAt(reply, source.path);
    case 'cookie':
      return cookieAt(reply.headers['set-cookie'], source);
    case 'header':
      return reply.headers[source.header];
    case 'location':
      return locationAt(reply.headers['location'], source);
    case 'hidden-input':
      return htmlFields(reply.text()).find(({ kind, name }) => kind === 'hidden-input' && name === source.input)?.value;
    case 'meta':
      return htmlFields(reply.text()).find(({ kind, name }) => kind === 'meta' && name === source.meta)?.value;
    default:
      return assertNever(source);
  }
}

/** `items.0.id`, `cookie sid`, `the query "next" of location`: a place of a reply for people. */
export function describeSource(source: Source): string {
  switch (source.kind) {
    case 'json':
      return source.path.length === 0 ? 'the body' : source.path.join('.');
    case 'cookie':
      return `set-cookie ${source.cookie}${source.isDecoded === true ? ', decoded' : ''}`;
    case 'header':
      return `header ${source.header}`;
    case 'location':
      return 'query' in source ? `query ${source.query} of location` : `segment ${source.segment + 1} of location`;
    case 'hidden-input':
      return `hidden input ${source.input}`;
    case 'meta':
      return `meta ${source.meta}`;
    default:
      return assertNever(source);
  }
}

function jsonAt(reply: ReplyText, path: readonly (string | number)[]): string | undefined {
  let value: unknown;
  try {
    value = reply.json();
  } catch {
    return undefined;
  }
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** Lines may have been joined with `, `; a comma in `Expires` is followed by a date and by no `=`. */
function cookieAt(lines: string | undefined, source: { readonly cookie: string; readonly isDecoded?: boolean }): string | undefined {
  const value = setCookies(lines ?? '').findLast(({ name }) => name === source.cookie)?.value;
  return value === undefined || source.isDecoded !== true ? value : decodeSegment(value);
}

/** The cookies that a reply sets, without those it deletes. */
export function setCookies(lines: string): { readonly name: string; readonly value: string }[] {
  const cookies: { name: string; value: string }[] = [];
  for (const line of lines.split(/\r?\n|,(?=\s*[^\s=;,]+=)/)) {
    const [pair = '', ...rest] = line.split(';');
    const at = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, at)).trim();
    if (name === '' || rest.some((part) => /^\s*max-age\s*=\s*(?:0|-\d+)\s*$/i.test(part))) continue;
    cookies.push({ name, value: pair.slice(at + 1).trim() });
  }
  return cookies;
}

function locationAt(location: string | undefined, part: { readonly segment: number } | { readonly query: string }): string | undefined {
  if (location === undefined) return undefined;
  const url = URL.parse(location, 'http://target.invalid');
  if (url === null) return undefined;
  return 'query' in part ? (url.searchParams.get(part.query) ?? undefined) : pathSegments(url)[part.segment];
}

/** The decoded segments of a path. */
export function pathSegments(url: URL): string[] {
  return url.pathname.slice(1).split('/').map(decodeSegment);
}

/** What is not properly encoded stays as it is. */
export function decodeSegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
