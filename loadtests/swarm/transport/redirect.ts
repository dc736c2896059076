/** What a request is, as far as redirects change it. */
export interface Hop {
  readonly method: string;
  readonly url: URL;
  /** Header lines, each ended by CRLF. */
  readonly headers: string;
  readonly body: string | Buffer | undefined;
}

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** What describes a body, and goes with it. */
const bodyHeaders = ['content-type', 'content-encoding', 'content-language', 'content-location'];
/** What is meant for one origin alone. */
const ownHeaders = ['authorization', 'proxy-authorization', 'cookie', 'host'];

/** Whether a status asks to go elsewhere; it still needs a `location`. */
export function isRedirect(status: number): boolean {
  return redirectStatuses.has(status);
}

/**
 * The request that follows a redirect, by the rules of fetch (HTTP-redirect fetch, fetch.spec.whatwg.org):
 * 303, and 301 or 302 after POST, become a GET without body; credentials stay with their origin.
 * Answers why not, where the location leads nowhere.
 */
export function nextHop(hop: Hop, status: number, location: string): Hop | string {
  const url = URL.parse(location, hop.url.href);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return `the location ${JSON.stringify(location.slice(0, 80))} is no address of http`;
  url.hash = '';
  const becomesGet = status === 303 ? hop.method !== 'GET' && hop.method !== 'HEAD' : status <= 302 && hop.method === 'POST';
  let { headers } = hop;
  if (becomesGet) headers = withoutHeaders(headers, bodyHeaders);
  if (url.origin !== hop.url.origin) headers = withoutHeaders(headers, ownHeaders);
  return becomesGet ? { method: 'GET', url, headers, body: undefined } : { method: hop.method, url, headers, body: hop.body };
}

/** Header lines without those of some names. @param names in lower case */
export function withoutHeaders(lines: string, names: readonly string[]): string {
  return lines
    .split('\r\n')
    .filter((line) => line !== '' && !names.includes(line.slice(0, line.indexOf(':')).trim().toLowerCase()))
    .map((line) => `${line}\r\n`)
    .join('');
}
