/** Routing as people are shown it. */
import { formatDuration } from '../../core/duration.ts';
import { assertNever } from '../../core/error.ts';
import { groupIdOf } from '../ack/token.ts';
import type { RoutedAlert } from '../alert.ts';
import { createContext } from './decide.ts';
import { formatMatcher } from './matcher.ts';
import { severityOf } from './message.ts';
import { groupKeyOf, groupLabelsOf, matchRoutes } from './route.ts';
import { ackOf, isActive, isFiring } from './state.ts';
import type { Ack, Group, Observed, Silence } from './state.ts';

/** What became of an alert: it is told, or why not. */
export type AlertStanding = 'firing' | 'acknowledged' | 'silenced' | 'inhibited' | 'muted' | 'resolved';

export interface AlertView {
  readonly fingerprint: string;
  readonly name: string;
  readonly severity: string;
  readonly standing: AlertStanding;
  /** Who acknowledged it and until when, which silence, interval or alert holds it. */
  readonly because?: string | undefined;
  readonly labels: RoutedAlert['labels'];
  readonly annotations: RoutedAlert['annotations'];
  readonly value: number | string;
  readonly startsAtMs: number;
  readonly endsAtMs?: number | undefined;
  readonly impact?: string | undefined;
  readonly expression: string;
  readonly receivers: readonly string[];
  /** Ids of its groups. */
  readonly groups: readonly string[];
}

export interface GroupView {
  readonly id: string;
  readonly key: string;
  readonly receiver: string;
  readonly labels: Group['labels'];
  readonly firing: number;
  readonly paged?: string | undefined;
  readonly nextFlushAtMs?: number | undefined;
  readonly told: Group['told'];
}

/** Every alert that fires or was resolved lately, the gravest and newest first. */
export function viewAlerts(observed: Observed, nowMs: number): AlertView[] {
  const { holder } = createContext(observed, new Map(Object.entries(observed.state.groups)), nowMs);
  const alerts = observed.alerts ?? uniqueAlerts(Object.values(observed.state.groups));
  const groupKeys = firingGroups(observed.state);
  return alerts.map((alert): AlertView => {
    const routes = matchRoutes(observed.config.root, alert.labels);
    // Taken on by a link in one group it is still told to others.
    const acks = (groupKeys.get(alert.fingerprint) ?? []).map((key) => ackOf(observed.state, key, alert.fingerprint, nowMs));
    const ack = acks.every((one) => one !== undefined) ? acks[0] : undefined;
    const holds = routes.map((route) => holder(alert.labels, route));
    const [hold] = holds;
    const isHeld = holds.length > 0 && holds.every((one) => one !== undefined);
    const because = alert.status === 'resolved' ? undefined : isHeld && hold !== undefined ? describeHold(hold) : ack === undefined ? undefined : describeAck(ack, nowMs);
    return {
      fingerprint: alert.fingerprint,
      name: alert.labels['alertname'] ?? '',
      severity: severityOf([alert]),
      standing: alert.status === 'resolved' ? 'resolved' : isHeld && hold !== undefined ? hold.kind : ack === undefined ? 'firing' : 'acknowledged',
      because,
      labels: alert.labels,
      annotations: alert.annotations,
      value: Number.isFinite(alert.value) ? alert.value : String(alert.value),
      startsAtMs: alert.startsAtMs,
      endsAtMs: alert.endsAtMs,
      impact: alert.impact,
      expression: alert.expression,
      receivers: [...new Set(routes.map(({ receiver }) => receiver))],
      groups: routes.map((route) => groupIdOf(groupKeyOf(route, groupLabelsOf(route, alert.labels)))),
    };
  }).sort((one, other) => rank(one) - rank(other) || other.startsAtMs - one.startsAtMs);
}

const order = ['critical', 'high', 'medium', 'low'];
const rank = ({ standing, severity }: AlertView): number => (standing === 'resolved' ? 100 : 0) + order.indexOf(severity);

/** Keys of the groups in which each alert fires. */
function firingGroups({ groups }: Observed['state']): ReadonlyMap<string, readonly string[]> {
  const keys = new Map<string, string[]>();
  for (const { key, alerts } of Object.values(groups)) {
    for (const { alert: { fingerprint } } of alerts.filter(isFiring)) keys.set(fingerprint, [...(keys.get(fingerprint) ?? []), key]);
  }
  return keys;
}

function uniqueAlerts(groups: readonly Group[]): RoutedAlert[] {
  return [...new Map(groups.flatMap(({ alerts }) => alerts.map(({ alert }) => [alert.fingerprint, alert] as const))).values()];
}

function describeAck({ by, untilMs }: Ack, nowMs: number): string {
  return untilMs === undefined ? `${by}, until resolved` : `${by}, for another ${formatDuration(Math.ceil((untilMs - nowMs) / 60_000) * 60_000)}`;
}

function describeHold(hold: NonNullable<ReturnType<ReturnType<typeof createContext>['holder']>>): string {
  switch (hold.kind) {
    // The beginning of its id names it; all of it would push what follows off the screen.
    case 'silenced': return `${hold.by.comment} (${hold.by.author}, ${hold.by.id.slice(0, 8)})`;
    case 'inhibited': return hold.by['alertname'] ?? 'another alert';
    case 'muted': return hold.interval;
    default: return assertNever(hold);
  }
}

export function viewGroups({ state }: Observed): GroupView[] {
  return Object.values(state.groups).map((group) => ({
    id: groupIdOf(group.key), key: group.key, receiver: group.receiver, labels: group.labels, firing: group.alerts.filter(isFiring).length,
    // Nobody is, of what is over.
    paged: group.alerts.some(isFiring) ? group.page?.person : undefined, nextFlushAtMs: group.isOutside === true ? undefined : group.nextFlushAtMs, told: group.told,
  }));
}

export interface SilenceView {
  readonly id: string;
  readonly state: 'active' | 'pending' | 'expired';
  readonly matchers: readonly string[];
  readonly author: string;
  readonly comment: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

export function viewSilence(silence: Silence, nowMs: number): SilenceView {
  const { id, author, comment, startsAtMs, endsAtMs } = silence;
  return { id, state: isActive(silence, nowMs) ? 'active' : nowMs < startsAtMs ? 'pending' : 'expired', matchers: silence.matchers.map(formatMatcher), author, comment, startsAtMs, endsAtMs };
}
