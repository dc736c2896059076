/** Sorts the evaluator's alerts into groups. */
import type { RoutedAlert } from '../alert.ts';
import { groupKeyOf, groupLabelsOf, matchRoutes } from './route.ts';
import type { Route } from './route.ts';
import { groupAlertsMax, groupsMax, isFiring, outsideKeptMs } from './state.ts';
import type { Group, GroupAlert, Observed } from './state.ts';

/** Groups with the alerts as they are now, new ones among them. */
export function syncGroups({ config, state, alerts, isGroupedElsewhere }: Observed, nowMs: number): { groups: Map<string, Group>; refused: number } {
  const groups = new Map(Object.entries(state.groups).filter(([, { isOutside, nextFlushAtMs }]) => isOutside !== true || (isGroupedElsewhere === true && nowMs - nextFlushAtMs <= outsideKeptMs)));
  // Before the evaluator has spoken nothing is known of any alert: those that are remembered stay.
  if (alerts === undefined) return { groups, refused: 0 };
  const known = new Map(alerts.map((alert) => [alert.fingerprint, alert]));
  for (const [key, group] of groups) if (group.isOutside !== true) groups.set(key, updateGroup(group, known, config.resolveTimeoutMs, nowMs));
  if (isGroupedElsewhere === true) return { groups, refused: 0 };
  let refused = 0;
  for (const alert of alerts) {
    if (alert.status !== 'firing') continue;
    for (const route of matchRoutes(config.root, alert.labels)) if (!insert(groups, route, alert, nowMs)) refused += 1;
  }
  return { groups, refused };
}

/** Alerts of a group as the evaluator has them now. */
function updateGroup(group: Group, known: ReadonlyMap<string, RoutedAlert>, resolveTimeoutMs: number, nowMs: number): Group {
  const alerts = group.alerts.map((entry): GroupAlert => {
    const now = known.get(entry.alert.fingerprint);
    if (now === undefined) return isFiring(entry) ? missing(entry, resolveTimeoutMs, nowMs) : entry;
    // Its end is told once; one that ended before this one began is of an earlier time.
    if (now.status === 'resolved' && (now.endsAtMs ?? nowMs) < entry.alert.startsAtMs) return isFiring(entry) ? missing(entry, resolveTimeoutMs, nowMs) : entry;
    return { alert: now };
  });
  return { ...group, alerts };
}

/** An alert of which nothing is heard counts as resolved after a while, as in Alertmanager. */
function missing(entry: GroupAlert, resolveTimeoutMs: number, nowMs: number): GroupAlert {
  const missingSinceMs = entry.missingSinceMs ?? nowMs;
  return nowMs - missingSinceMs >= resolveTimeoutMs ? { alert: { ...entry.alert, status: 'resolved', endsAtMs: nowMs } } : { ...entry, missingSinceMs };
}

/** False where there is no room. */
function insert(groups: Map<string, Group>, route: Route, alert: RoutedAlert, nowMs: number): boolean {
  const labels = groupLabelsOf(route, alert.labels);
  const key = groupKeyOf(route, labels);
  const group = groups.get(key);
  if (group === undefined) {
    if (groups.size >= groupsMax) return false;
    // One that has been firing for longer than the wait is told at once: after a restart, or where the route is new.
    const isOld = alert.startsAtMs + route.groupWaitMs < nowMs;
    groups.set(key, { key, routeKey: route.key, receiver: route.receiver, labels, alerts: [{ alert }], nextFlushAtMs: isOld ? nowMs : nowMs + route.groupWaitMs, told: {} });
    return true;
  }
  if (group.alerts.some((entry) => entry.alert.fingerprint === alert.fingerprint)) return true;
  if (group.alerts.length >= groupAlertsMax) return false;
  groups.set(key, { ...group, alerts: [...group.alerts, { alert }] });
  return true;
}
