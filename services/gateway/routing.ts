import { internalSegments } from '../platform/internal-paths.ts';

/** Where the front port sends a request target. */
export type Destination = 'upstream' | 'hidden' | 'malformed' | 'livez' | 'readyz';

/** Plain first segments need no decoding; the common case. */
const plainPath = /^\/(?:(?!admin|metrics|gateway)[a-z0-9_-]+(?:\/[A-Za-z0-9_:,~-]+)*\/?)?(?:\?.*)?$/;

/**
 * `/admin` and `/metrics` are internal and hidden however they are spelled; `/gateway/livez` and
 * `/gateway/readyz` are the gateway's own; everything else goes upstream.
 */
export function destinationOf(target: string): Destination {
  if (plainPath.test(target)) return 'upstream';
  const path = target.split(/[?#]/, 1)[0] as string;
  let decoded: string;
  try {
    decoded = decodeURIComponent(path).replaceAll('\\', '/');
  } catch {
    return 'malformed';
  }
  const segments = decoded.split('/').filter((segment) => segment !== '');
  if (segments.some((segment) => segment === '.' || segment === '..')) return 'malformed';
  const first = segments[0]?.toLowerCase() ?? '';
  if (internalSegments.has(first)) return 'hidden';
  if (first !== 'gateway') return 'upstream';
  if (path === '/gateway/livez') return 'livez';
  return path === '/gateway/readyz' ? 'readyz' : 'hidden';
}
