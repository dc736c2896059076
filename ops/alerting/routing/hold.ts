/** Why an alert is not told: another one inhibits it, its route is muted now, or somebody silenced it. */
import type { Labels } from '../../metricstore/series.ts';
import type { InhibitRule, RoutingConfig } from './config.ts';
import { matchesAll } from './matcher.ts';
import type { Route } from './route.ts';
import { isActive } from './state.ts';
import type { Silence } from './state.ts';
import { containsTime } from './time-interval.ts';

export type Hold = { readonly kind: 'inhibited'; readonly rule: InhibitRule; readonly by: Labels } | { readonly kind: 'muted'; readonly interval: string } | { readonly kind: 'silenced'; readonly by: Silence };

/** Says of an alert on a route why it is held; undefined where it is told. */
export type Holder = (labels: Labels, route: Route | undefined) => Hold | undefined;

/** @param firing labels of every alert that fires, held ones too: those inhibit as well */
export function createHolder(config: RoutingConfig, silences: readonly Silence[], firing: readonly Labels[], nowMs: number): Holder {
  const active = silences.filter((silence) => isActive(silence, nowMs));
  const sources = config.inhibitRules.map((rule) => firing.filter((labels) => matchesAll(rule.source, labels)));
  const contains = new Map<string, boolean>();
  const isWithin = (name: string): boolean => {
    const known = contains.get(name) ?? (config.intervals[name] ?? []).some((interval) => containsTime(interval, nowMs));
    contains.set(name, known);
    return known;
  };
  return (labels, route) => {
    const inhibited = findInhibition(config.inhibitRules, sources, labels);
    if (inhibited !== undefined) return inhibited;
    const interval = route === undefined ? undefined : mutingInterval(route, isWithin);
    if (interval !== undefined) return { kind: 'muted', interval };
    const silence = active.find(({ matchers }) => matchesAll(matchers, labels));
    return silence === undefined ? undefined : { kind: 'silenced', by: silence };
  };
}

/** What mutes a route now, in words: an interval in which it is, or the first of those in none of which it is, as `outside NAME`. */
export function mutingInterval(route: Route, isWithin: (interval: string) => boolean): string | undefined {
  if (route.activeIntervals.length > 0 && !route.activeIntervals.some(isWithin)) return `outside ${route.activeIntervals[0]}`;
  return route.muteIntervals.find(isWithin);
}

function findInhibition(rules: readonly InhibitRule[], sources: readonly (readonly Labels[])[], labels: Labels): Hold | undefined {
  for (const [index, rule] of rules.entries()) {
    if (!matchesAll(rule.target, labels)) continue;
    // An alert that is on both sides is not held by another that is, itself included.
    const isSource = matchesAll(rule.source, labels);
    const by = sources[index]?.find((source) => rule.equal.every((name) => (source[name] ?? '') === (labels[name] ?? '')) && !(isSource && matchesAll(rule.target, source)));
    if (by !== undefined) return { kind: 'inhibited', rule, by };
  }
  return undefined;
}
