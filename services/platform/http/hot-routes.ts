import type { Route } from '../route.ts';
import type { Endpoint } from './endpoint.ts';

/** A route with the function that serves it. */
export interface MountedRoute {
  readonly route: Route;
  readonly endpoint: Endpoint;
}

interface HotRoute {
  readonly mounted: MountedRoute;
  /** A path's segments; undefined stands for a parameter. */
  readonly segments: readonly (string | undefined)[];
  /** Names of the parameters by segment. */
  readonly names: readonly string[];
}

/** A route found, with its parameters as Express would give them. */
export interface HotMatch {
  readonly mounted: MountedRoute;
  readonly params: Readonly<Record<string, string>>;
}

/** Parameters that need no decoding; a path with any other is left to Express. */
const plain = /^[A-Za-z0-9_-]+$/;

/**
 * Finds the few routes that carry most of the traffic without Express, which spends as long on a request
 * as node's HTTP server itself (measured: 34 against 15 µs; most of it on changing the prototypes of
 * request and response). Every route is mounted in Express too, so whatever is not found here is answered there.
 */
export function createHotRoutes(mounted: readonly MountedRoute[]): (method: string, url: string) => HotMatch | undefined {
  const byShape = new Map<string, HotRoute[]>();
  for (const each of mounted.filter(({ route }) => route.hot === true)) {
    const parts = each.route.path.slice(1).split('/');
    const isParam = (part: string): boolean => part.startsWith('{');
    const hot: HotRoute = {
      mounted: each,
      segments: parts.map((part) => (isParam(part) ? undefined : part)),
      names: parts.map((part) => (isParam(part) ? part.slice(1, -1) : '')),
    };
    const key = shapeOf(each.route.method.toUpperCase(), parts);
    byShape.set(key, [...(byShape.get(key) ?? []), hot]);
  }
  return (method, url) => {
    const question = url.indexOf('?');
    const parts = (question < 0 ? url.slice(1) : url.slice(1, question)).split('/');
    for (const hot of byShape.get(shapeOf(method, parts)) ?? []) {
      const params = paramsOf(hot, parts);
      if (params !== undefined) return { mounted: hot.mounted, params };
    }
    return undefined;
  };
}

/** Method, first segment and number of segments: seldom shared by two routes. */
function shapeOf(method: string, parts: readonly string[]): string {
  return `${method} ${parts[0]} ${parts.length}`;
}

function paramsOf(hot: HotRoute, parts: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (let index = 0; index < parts.length; index++) {
    const wanted = hot.segments[index];
    const part = parts[index] ?? '';
    if (wanted === undefined) {
      if (!plain.test(part)) return undefined;
      params[hot.names[index] ?? ''] = part;
    } else if (wanted !== part) return undefined;
  }
  return params;
}
