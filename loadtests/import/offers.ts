import { bodyTextOf, headersOf } from './har.ts';
import type { HarEntry } from './har.ts';
import { htmlFields } from './html-fields.ts';
import { camelName, plainName, singular } from './names.ts';
import type { Source } from './plan.ts';
import { decodeSegment, pathSegments, setCookies } from './reply-values.ts';
import { looksSecret } from './secret-texts.ts';
import { isWordy, looksRandom } from './wordy.ts';

/** A value that a reply holds, and where. */
export interface Offer {
  readonly value: string;
  /** Its own name: a key, a cookie, an input. */
  readonly name: string;
  /** Its name with what it is of: `postId` for the `id` of an item of `/posts`. */
  readonly fullName: string;
  readonly source: Source;
}

/** Values read of one reply; the rest is not looked at. */
const offersMax = 20_000;
const depthMax = 32;
/** A larger body is not searched. */
const bodyMaxChars = 16_000_000;
/** Keys that hold a thing and do not say which. */
const wrappers = new Set(['items', 'data', 'results', 'result', 'content', 'records', 'rows', 'entries', 'nodes', 'node', 'edges', 'list', 'attributes', 'payload', 'value', 'values', 'response', 'body', 'embedded']);
const bareNames = new Set(['id', 'uuid', 'guid', 'key', 'code', 'slug', 'ref', 'number', 'token', 'name', 'href', 'value']);

/** Everything a reply offers to later requests. */
export function offersOf(entry: HarEntry, url: URL): Offer[] {
  const offers: Offer[] = [];
  const headers = headersOf(entry.response.headers);
  const add = (value: string, name: string, source: Source, fullName = name): void => {
    if (value !== '' && offers.length < offersMax) offers.push({ value, name, fullName, source });
  };
  for (const { name, value } of setCookies(headers['set-cookie'] ?? '')) {
    add(value, name, { kind: 'cookie', cookie: name });
    if (decodeSegment(value) !== value) add(decodeSegment(value), name, { kind: 'cookie', cookie: name, isDecoded: true });
  }
  for (const [name, value] of Object.entries(headers)) {
    if (/^(?:x-|etag$|authorization$)/.test(name)) add(value, name.replace(/^x-/, ''), { kind: 'header', header: name });
  }
  addLocation(headers['location'], add);
  const text = bodyTextOf(entry);
  const body = text.length > bodyMaxChars ? '' : text;
  if (/^\s*[[{"]/.test(body)) addJson(body, nounOf(url), add);
  else if (body.includes('<')) {
    for (const field of htmlFields(body)) add(field.value, field.name, field.kind === 'meta' ? { kind: 'meta', meta: field.name } : { kind: 'hidden-input', input: field.name });
  }
  return offers;
}

type Add = (value: string, name: string, source: Source, fullName?: string) => void;

function addLocation(location: string | undefined, add: Add): void {
  const url = location === undefined ? null : URL.parse(location, 'http://target.invalid');
  if (url === null) return;
  const segments = pathSegments(url);
  segments.forEach((value, segment) => add(value, segmentName(segments, segment), { kind: 'location', segment }));
  for (const [query, value] of url.searchParams) add(value, query, { kind: 'location', query });
}

function addJson(body: string, noun: string, add: Add): void {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return;
  }
  const visit = (value: unknown, path: readonly (string | number)[], of: string): void => {
    if (typeof value === 'string' || typeof value === 'number') {
      const name = path.findLast((key) => typeof key === 'string') ?? noun;
      const isBare = bareNames.has(plainName(name));
      add(String(value), name, { kind: 'json', path }, isBare && of !== '' ? `${of}_${name}` : name);
    } else if (typeof value === 'object' && value !== null && path.length < depthMax) {
      for (const [key, child] of Object.entries(value)) {
        const isIndex = Array.isArray(value);
        // The path is written into the scenario, and a key may be an address or a token; made at random, it is another one next time.
        if (!isIndex && (looksSecret(key) || looksRandom(key))) continue;
        const holder = isIndex || typeof child !== 'object' || wrappers.has(plainName(key)) ? of : singular(key);
        visit(child, [...path, isIndex ? Number(key) : key], holder);
      }
    }
  };
  visit(document, [], noun);
}

/** What a path is about: `post` of `/v1/posts/812`. */
export function nounOf(url: URL): string {
  return singular(pathSegments(url).findLast((segment) => isWord(segment)) ?? '');
}

/** What a segment of a path is: `postId` after `posts`. */
export function segmentName(segments: readonly string[], index: number): string {
  const before = segments.slice(0, index).findLast((segment) => isWord(segment));
  return before === undefined ? 'pathPart' : `${camelName(singular(before), 'part')}Id`;
}

/** A word of a path, as against an id or a key in it. */
function isWord(segment: string): boolean {
  return /^[a-z][a-z_.-]*$/i.test(segment) && segment.length <= 30 && !/^v\d*$/i.test(segment) && isWordy(segment);
}
