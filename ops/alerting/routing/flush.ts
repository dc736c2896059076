/** What a group's integrations are told when its time has come: Alertmanager's rules of what is news. */
import type { RoutedAlert } from '../alert.ts';
import type { Notification, NotificationReason } from '../notification.ts';
import type { Hold, Holder } from './hold.ts';
import type { Integration } from './integration.ts';
import { buildNotification } from './message.ts';
import type { Route } from './route.ts';
import { isAcknowledged, isFiring } from './state.ts';
import type { Group, GroupAlert, Observed, Told } from './state.ts';

export interface Flushed {
  /** Undefined where nothing is left of the group. */
  readonly group: Group | undefined;
  readonly notifications: readonly Notification[];
  readonly held: readonly Hold[];
}

export interface FlushOptions {
  /** Undefined for a group whose route is no longer in the configuration: only its end is told. */
  readonly route: Route | undefined;
  readonly integrations: readonly Integration[];
  readonly holder: Holder;
  readonly groupIntervalMs: number;
  /** Somebody begins to be paged now: the group is told though nothing of it is new. Default false. */
  readonly isPageNew?: boolean;
  /** Whom the receiver writes to where nobody is being paged. */
  readonly onCall?: string | undefined;
}

export const integrationKey = ({ kind, index }: Pick<Integration, 'kind' | 'index'>): string => `${kind}[${index}]`;

/** Tells what is new, and puts the next time one group interval ahead. */
export function flushGroup(observed: Observed, group: Group, options: FlushOptions, nowMs: number): Flushed {
  const { route, integrations, holder, groupIntervalMs, isPageNew = false } = options;
  const holds = new Map(group.alerts.map((entry) => [entry, holder(entry.alert.labels, route)]));
  const visible = group.alerts.filter((entry) => holds.get(entry) === undefined);
  const isAcked = isAcknowledged(observed.state, group.key, visible, nowMs);
  const told: Record<string, Told> = { ...group.told };
  const notifications: Notification[] = [];
  for (const integration of integrations) {
    const key = integrationKey(integration);
    const reason = visible.length === 0 ? undefined : reasonOf(told[key], visible, integration.sendResolved, route && { repeatIntervalMs: isPageNew ? -1 : route.repeatIntervalMs }, nowMs);
    // What somebody works on is not told again; the log stays, so that it is due at once when that ends.
    if (reason === undefined || (reason === 'repeat' && isAcked)) continue;
    const count = (told[key]?.count ?? 0) + 1;
    told[key] = logOf(visible, count, nowMs);
    const alerts = visible.filter((entry) => integration.sendResolved || isFiring(entry)).map(({ alert }) => alert);
    if (alerts.length === 0) continue;
    const paged = group.page?.person ?? (reason === 'resolved' ? group.pagedLast : undefined);
    notifications.push(buildNotification(group, integration, { reason, alerts, nth: count, ackUrl: observed.ackUrlOf?.(group.key, nowMs), to: paged ?? options.onCall }, nowMs));
  }
  const kept = group.alerts.filter((entry) => isFiring(entry) || (holds.get(entry) !== undefined && isOpen(told, entry.alert)));
  const isOver = kept.length === 0;
  return {
    group: isOver ? undefined : { ...group, alerts: kept, told, nextFlushAtMs: nowMs + groupIntervalMs },
    notifications,
    held: [...holds.values()].filter((hold) => hold !== undefined),
  };
}

/** Some receiver believes that it fires. */
function isOpen(told: Readonly<Record<string, Told>>, alert: RoutedAlert): boolean {
  return Object.values(told).some(({ firing }) => firing.includes(alert.fingerprint));
}

function logOf(visible: readonly GroupAlert[], count: number, nowMs: number): Told {
  const names = (entries: readonly GroupAlert[]): string[] => entries.map(({ alert }) => alert.fingerprint).sort();
  return { atMs: nowMs, firing: names(visible.filter(isFiring)), resolved: names(visible.filter((entry) => !isFiring(entry))), count };
}

/**
 * Why the integration is to be told, undefined where it knows everything: an alert it has not heard of fires; all
 * have ended; one has ended, where it wants to know; or nothing changed for a repeat interval.
 */
export function reasonOf(told: Told | undefined, visible: readonly GroupAlert[], sendResolved: boolean, route: Pick<Route, 'repeatIntervalMs'> | undefined, nowMs: number): NotificationReason | undefined {
  const firing = visible.filter(isFiring).map(({ alert }) => alert.fingerprint);
  const resolved = visible.filter((entry) => !isFiring(entry)).map(({ alert }) => alert.fingerprint);
  const known = new Set(told?.firing);
  if (firing.length === 0) return known.size > 0 ? 'resolved' : undefined;
  if (route === undefined) return undefined;
  if (known.size === 0) return 'new';
  if (firing.some((fingerprint) => !known.has(fingerprint))) return 'changed';
  if (sendResolved && resolved.some((fingerprint) => !told?.resolved.includes(fingerprint))) return 'changed';
  return told !== undefined && told.atMs < nowMs - route.repeatIntervalMs ? 'repeat' : undefined;
}
