/** What is told to whom, and when to look again: a pure function of what is known and the time. */
import type { NewEvent } from '../../core/event-log/event.ts';
import type { Notification } from '../notification.ts';
import { flushGroup } from './flush.ts';
import { moveGroup } from './move.ts';
import { createHolder } from './hold.ts';
import type { Holder } from './hold.ts';
import type { Integration } from './integration.ts';
import { escalate, startPage } from './page.ts';
import { allRoutes } from './route.ts';
import type { Route } from './route.ts';
import { advanceSilences } from './silence.ts';
import { ackKey, isFiring } from './state.ts';
import type { Ack, Decision, Group, Observed } from './state.ts';
import { syncGroups } from './sync.ts';

/** Interval of groups whose route is gone. */
const orphanIntervalMs = 300_000;

/** Decides once. Applied again to its own state at the same time it decides nothing more. */
export function decide(observed: Observed, nowMs: number): Decision {
  const { config, state } = observed;
  const { groups, refused } = syncGroups(observed, nowMs);
  const context = createContext(observed, groups, nowMs);
  const notifications: Notification[] = [];
  const events: NewEvent[] = [];
  const wakes: (number | undefined)[] = [];
  const held = { silenced: 0, inhibited: 0, muted: 0 };
  const kept: Record<string, Group> = {};
  for (const before of groups.values()) {
    const advanced = advanceGroup(observed, before, context, nowMs);
    notifications.push(...advanced.notifications);
    events.push(...advanced.events);
    for (const { kind } of advanced.held) held[kind] += 1;
    if (advanced.group === undefined) continue;
    kept[advanced.group.key] = advanced.group;
    wakes.push(advanced.wakeAtMs, ...missingWakes(advanced.group, config.resolveTimeoutMs));
    if (advanced.group.isOutside !== true) wakes.push(advanced.group.nextFlushAtMs);
  }
  const silences = advanceSilences(state.silences, { groups: Object.values(kept), integrationsOf: context.integrationsOf, fallback: config.root.receiver }, nowMs);
  const acks = lastingAcks(observed, kept, nowMs);
  wakes.push(silences.wakeAtMs, ...Object.values(acks).map(({ untilMs }) => untilMs));
  const due = wakes.filter((wake): wake is number => wake !== undefined);
  return {
    state: { groups: kept, silences: silences.silences, acks },
    notifications: [...notifications, ...silences.notifications],
    events: [...events, ...silences.events],
    wakeAtMs: due.length === 0 ? undefined : due.reduce((one, other) => Math.min(one, other)),
    held,
    refused,
  };
}

/** What all groups of one decision share. */
export interface DecisionContext {
  readonly routes: ReadonlyMap<string, Route>;
  readonly holder: Holder;
  readonly integrationsOf: (receiver: string) => readonly Integration[];
}

export function createContext({ config, state }: Observed, groups: ReadonlyMap<string, Group>, nowMs: number): DecisionContext {
  const firing = [...groups.values()].filter(({ isOutside }) => isOutside !== true).flatMap(({ alerts }) => alerts.filter(isFiring).map(({ alert }) => alert.labels));
  const integrations = new Map(config.receivers.map((receiver) => [receiver.name, receiver.integrations]));
  return {
    routes: new Map(allRoutes(config.root).map((route) => [route.key, route])),
    holder: createHolder(config, state.silences, config.inhibitRules.length === 0 ? [] : firing, nowMs),
    integrationsOf: (receiver) => integrations.get(receiver) ?? [],
  };
}

interface Advanced extends Pick<Decision, 'notifications' | 'events' | 'wakeAtMs'> {
  readonly group: Group | undefined;
  readonly held: ReturnType<typeof flushGroup>['held'];
}

/** Pages, tells and escalates one group. */
function advanceGroup(observed: Observed, found: Group, context: DecisionContext, nowMs: number): Advanced {
  const route = found.isOutside === true || observed.isGroupedElsewhere === true ? undefined : context.routes.get(found.routeKey);
  const moved = route === undefined || route.receiver === found.receiver ? undefined : moveGroup(found, route.receiver, context.integrationsOf(found.receiver), nowMs);
  const before = moved?.group ?? found;
  const integrations = context.integrationsOf(before.receiver);
  // An outside Alertmanager has silenced and inhibited before it sends.
  const holder: Holder = before.isOutside === true ? () => undefined : context.holder;
  const isDue = before.isOutside !== true && before.nextFlushAtMs <= nowMs;
  const policyName = observed.config.receivers.find(({ name }) => name === before.receiver)?.policy;
  const policy = policyName === undefined ? undefined : observed.policies.find(policyName);
  const paged = policy === undefined ? before : startPage(observed, before, { policy, integrations, holder, route }, isDue, nowMs);
  // Who begins to be paged hears of it now, whatever was told before: of one that was silenced or acknowledged until now.
  const isPageNew = before.isOutside !== true && before.page === undefined && paged.page !== undefined;
  const options = { route, integrations, holder, groupIntervalMs: route?.groupIntervalMs ?? orphanIntervalMs, isPageNew, onCall: policy === undefined ? undefined : observed.policies.personAt(policy.name, 0, nowMs) };
  const flushed = isDue || isPageNew ? flushGroup(observed, paged, options, nowMs) : { group: paged, notifications: [], held: [] };
  const told = [...(moved?.notifications ?? []), ...flushed.notifications];
  if (flushed.group === undefined || policy === undefined) return { ...flushed, notifications: told, events: [], wakeAtMs: undefined };
  const escalated = escalate(observed, flushed.group, { policy, integrations, holder, route }, nowMs);
  return { group: escalated.group, notifications: [...told, ...escalated.notifications], events: escalated.events, wakeAtMs: escalated.wakeAtMs, held: flushed.held };
}

function missingWakes(group: Group, resolveTimeoutMs: number): number[] {
  return group.alerts.flatMap(({ alert, missingSinceMs }) => (missingSinceMs === undefined || alert.status !== 'firing' ? [] : [missingSinceMs + resolveTimeoutMs]));
}

/** Acknowledgements whose alerts still fire, in their group where they are of one, and whose time is not over. */
function lastingAcks({ state }: Observed, groups: Readonly<Record<string, Group>>, nowMs: number): Record<string, Ack> {
  const firing = new Set<string>();
  for (const { key, alerts } of Object.values(groups)) {
    for (const { alert: { fingerprint } } of alerts.filter(isFiring)) firing.add(ackKey({ fingerprint })).add(ackKey({ fingerprint, groupKey: key }));
  }
  return Object.fromEntries(Object.entries(state.acks).filter(([key, { untilMs }]) => firing.has(key) && (untilMs === undefined || untilMs > nowMs)));
}
