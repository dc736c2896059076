import { invalidConfig } from '../../ops/core/error.ts';
import { isUnwritable, sentTextOf } from './har.ts';
import type { HarEntry } from './har.ts';
import { methods } from './plan.ts';
import type { Method } from './plan.ts';

/** A recorded request that goes into the journey. */
export interface Kept {
  readonly entry: HarEntry;
  readonly method: Method;
  readonly url: URL;
}

/** Requests that were left out for one reason, and how to keep them. */
export interface LeftOut {
  readonly what: string;
  readonly count: number;
  readonly keep: string | undefined;
}

export interface SelectOptions {
  /** Scheme, host and port of the system under test; default the first page's. */
  readonly origin?: string | undefined;
  /** Other hosts whose requests go to the target too. */
  readonly keepOrigins: readonly string[];
  readonly keepStatic: boolean;
}

export interface Selection {
  readonly origin: string;
  readonly kept: readonly Kept[];
  readonly leftOut: readonly LeftOut[];
}

const staticTypes = new Set(['stylesheet', 'script', 'image', 'font', 'media', 'manifest', 'texttrack', 'wasm', 'sm-script', 'sm-stylesheet']);
const staticMime = /^(?:image|font|audio|video)\/|^text\/css|javascript|ecmascript|font-|wasm|manifest\+json/i;
const staticPath = /\.(?:css|m?js|map|png|jpe?g|gif|svg|ico|webp|avif|woff2?|ttf|otf|eot|mp[34]|webm|ogg|wav|wasm|webmanifest)$/i;
/** Hosts that measure visitors; what they are asked is no work of the system under test. */
const telemetryHost =
  /(?:^|\.)(?:google-analytics|googletagmanager|doubleclick|googleadservices|analytics\.google|segment|sentry|hotjar|mixpanel|amplitude|datadoghq|browser-intake-[\w-]+|nr-data|newrelic|fullstory|clarity|facebook|bugsnag|rollbar|logrocket|heapanalytics|plausible|matomo|posthog|optimizely|intercom|cloudflareinsights|launchdarkly)\.(?:com|net|io|ms|cloud|org|eu)$/i;
const beaconTypes = new Set(['ping', 'csp-violation-report', 'beacon']);

/**
 * Chooses the requests that make the journey: those to one origin, without assets, telemetry and what
 * the engine does not send, and says what was left out.
 * @throws SoraError `invalid_config` when nothing is left
 */
export function selectEntries(entries: readonly HarEntry[], options: SelectOptions): Selection {
  const origin = options.origin ?? originOf(entries);
  const counts = new Map<string, { count: number; keep: string | undefined }>();
  const kept: Kept[] = [];
  for (const entry of entries) {
    const url = URL.parse(entry.request.url);
    const reason = reasonToLeave(entry, url, origin, options);
    if (reason === undefined && url !== null) kept.push({ entry, url, method: entry.request.method.toUpperCase() as Method });
    else if (reason !== undefined) counts.set(reason.what, { count: (counts.get(reason.what)?.count ?? 0) + 1, keep: reason.keep });
  }
  const leftOut = [...counts].map(([what, { count, keep }]) => ({ what, count, keep })).toSorted((a, b) => b.count - a.count);
  if (kept.length === 0) {
    const told = leftOut.slice(0, 5).map(({ what, count, keep }) => `${count} ${what}${keep === undefined ? '' : ` (${keep})`}`).join('; ');
    throw invalidConfig(`no request to ${origin} is left; left out: ${told}`, 'name the system under test with --origin https://app.example.test');
  }
  return { origin, kept, leftOut };
}

type Reason = Omit<LeftOut, 'count'> | undefined;

function reasonToLeave(entry: HarEntry, url: URL | null, origin: string, { keepOrigins, keepStatic }: SelectOptions): Reason {
  if (url === null || !/^https?:$/.test(url.protocol)) return { what: `requests by ${url?.protocol.replace(':', '') ?? 'an unreadable address'}`, keep: undefined };
  const isKept = url.origin === origin || keepOrigins.includes(url.host) || keepOrigins.includes(url.hostname);
  if (!isKept && telemetryHost.test(url.hostname)) return { what: `to ${url.host}, telemetry`, keep: `--keep-origin ${url.host}` };
  if (!isKept) return { what: `to ${url.host}, another origin`, keep: `--keep-origin ${url.host}` };
  if (entry.response.status === 101) return { what: 'WebSockets, which a recording cannot replay', keep: undefined };
  const type = entry._resourceType ?? '';
  if (beaconTypes.has(type)) return { what: 'beacons of the page', keep: undefined };
  if (!methods.some((method) => method === entry.request.method.toUpperCase())) return { what: `${entry.request.method.slice(0, 20)} requests, which a journey does not send`, keep: undefined };
  if (entry.response.status < 100) return { what: 'requests that got no reply', keep: undefined };
  if (sentTextOf(entry) === undefined) return { what: 'requests with a body that is no text, which a journey does not send', keep: undefined };
  if (isUnwritable(entry)) return { what: 'requests whose body the recording tells only in parts', keep: undefined };
  if (!keepStatic && isStatic(entry, url, type)) return { what: 'static assets', keep: '--keep-static' };
  return undefined;
}

function isStatic(entry: HarEntry, url: URL, type: string): boolean {
  if (staticTypes.has(type)) return true;
  if (type === 'document' || type === 'xhr' || type === 'fetch') return false;
  return staticMime.test(entry.response.content?.mimeType ?? '') || (entry.request.method === 'GET' && staticPath.test(url.pathname));
}

/** The origin of the first page, else the one asked most. */
function originOf(entries: readonly HarEntry[]): string {
  const counts = new Map<string, number>();
  for (const entry of entries) {
    const url = URL.parse(entry.request.url);
    if (url === null || !/^https?:$/.test(url.protocol) || telemetryHost.test(url.hostname)) continue;
    const isPage = entry._resourceType === 'document' || (entry.response.content?.mimeType ?? '').startsWith('text/html');
    if (isPage && entry.request.method === 'GET') return url.origin;
    counts.set(url.origin, (counts.get(url.origin) ?? 0) + 1);
  }
  const most = [...counts].toSorted(([, a], [, b]) => b - a)[0];
  if (most === undefined) throw invalidConfig('the recording holds no http request', 'record a visit with the network panel of a browser open');
  return most[0];
}
