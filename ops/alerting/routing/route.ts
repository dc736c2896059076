/** The routing tree: which receivers an alert goes to, and how its notifications are grouped there. */
import type { Labels, Matcher } from '../../metricstore/series.ts';
import { formatMatchers, matchesAll, sortMatchers } from './matcher.ts';

/** A route as the file has it; what is undefined comes from the route above. */
export interface RouteConfig {
  readonly receiver?: string | undefined;
  /** `'all'` is `group_by: ['...']`. */
  readonly groupBy?: readonly string[] | 'all' | undefined;
  readonly groupWaitMs?: number | undefined;
  readonly groupIntervalMs?: number | undefined;
  readonly repeatIntervalMs?: number | undefined;
  readonly matchers: readonly Matcher[];
  readonly continues: boolean;
  readonly muteIntervals: readonly string[];
  readonly activeIntervals: readonly string[];
  readonly routes: readonly RouteConfig[];
}

/** A node of the tree, with everything it inherits. */
export interface Route {
  /**
   * First part of a group key, as in Alertmanager: the matchers from the root on. Where two routes have the same, the
   * second one's ends with `#2`, so that it is unique and survives when the file is put into another order.
   */
  readonly key: string;
  readonly receiver: string;
  readonly groupBy: readonly string[] | 'all';
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  readonly matchers: readonly Matcher[];
  readonly continues: boolean;
  /** Not inherited, as in Alertmanager. */
  readonly muteIntervals: readonly string[];
  readonly activeIntervals: readonly string[];
  readonly routes: readonly Route[];
}

/** Alertmanager's defaults of the root. */
const rootDefaults = { receiver: '', groupBy: [], groupWaitMs: 30_000, groupIntervalMs: 300_000, repeatIntervalMs: 14_400_000, key: '' } as const;

export function buildTree(config: RouteConfig): Route {
  return buildRoute(config, rootDefaults, new Map());
}

type Inherited = Pick<Route, 'key' | 'receiver' | 'groupBy' | 'groupWaitMs' | 'groupIntervalMs' | 'repeatIntervalMs'>;

function buildRoute(config: RouteConfig, parent: Inherited, seen: Map<string, number>): Route {
  const matchers = sortMatchers(config.matchers);
  const plainKey = parent.key === '' ? formatMatchers(matchers) : `${parent.key}/${formatMatchers(matchers)}`;
  const count = (seen.get(plainKey) ?? 0) + 1;
  seen.set(plainKey, count);
  const node = {
    key: count === 1 ? plainKey : `${plainKey}#${count}`,
    receiver: config.receiver ?? parent.receiver,
    groupBy: config.groupBy ?? parent.groupBy,
    groupWaitMs: config.groupWaitMs ?? parent.groupWaitMs,
    groupIntervalMs: config.groupIntervalMs ?? parent.groupIntervalMs,
    repeatIntervalMs: config.repeatIntervalMs ?? parent.repeatIntervalMs,
  };
  return {
    ...node,
    matchers,
    continues: config.continues,
    muteIntervals: config.muteIntervals,
    activeIntervals: config.activeIntervals,
    routes: config.routes.map((child) => buildRoute(child, node, seen)),
  };
}

/** The routes an alert takes, from left to right: of each level the first child that matches, and those after it while they `continue`. */
export function matchRoutes(route: Route, labels: Labels): Route[] {
  if (!matchesAll(route.matchers, labels)) return [];
  const found: Route[] = [];
  for (const child of route.routes) {
    const below = matchRoutes(child, labels);
    found.push(...below);
    if (below.length > 0 && !child.continues) break;
  }
  return found.length > 0 ? found : [route];
}

/** The labels by which a route groups an alert. */
export function groupLabelsOf(route: Route, labels: Labels): Labels {
  const { groupBy } = route;
  return groupBy === 'all' ? labels : Object.fromEntries(Object.entries(labels).filter(([name]) => groupBy.includes(name)));
}

/** Alertmanager's group key: `{}/{severity="critical"}:{alertname="A"}`. */
export function groupKeyOf(route: Route, labels: Labels): string {
  const names = Object.keys(labels).sort();
  return `${route.key}:{${names.map((name) => `${name}=${JSON.stringify(labels[name])}`).join(', ')}}`;
}

/** All routes, from the root down and from left to right. */
export function allRoutes(route: Route): Route[] {
  return [route, ...route.routes.flatMap(allRoutes)];
}
