/** What routing remembers, and what it is given; all of it plain data. */
import type { NewEvent } from '../../core/event-log/event.ts';
import type { Labels, Matcher } from '../../metricstore/series.ts';
import type { RoutedAlert } from '../alert.ts';
import type { Notification } from '../notification.ts';
import type { Policies } from '../oncall/policy.ts';
import type { RoutingConfig } from './config.ts';

/** An alert in a group: one that fires, or one whose end its receiver has not been told yet. */
export interface GroupAlert {
  readonly alert: RoutedAlert;
  /** Set while it is neither firing nor resolved in what the evaluator says. */
  readonly missingSinceMs?: number | undefined;
}

/** What one integration was last told of a group (Alertmanager's notification log). */
export interface Told {
  readonly atMs: number;
  /** Fingerprints. */
  readonly firing: readonly string[];
  readonly resolved: readonly string[];
  /** Which message of the group to this integration it was, from 1. */
  readonly count: number;
}

/** Who is being paged for a group that nobody has acknowledged. */
export interface Page {
  readonly step: number;
  readonly round: number;
  readonly sinceMs: number;
  readonly person?: string | undefined;
}

/** Alerts of one route that are told together. */
export interface Group {
  /** Unique: the route's key and the group's labels. */
  readonly key: string;
  readonly routeKey: string;
  readonly receiver: string;
  readonly labels: Labels;
  readonly alerts: readonly GroupAlert[];
  readonly nextFlushAtMs: number;
  /** By integration, such as `slack[0]`. */
  readonly told: Readonly<Record<string, Told>>;
  readonly page?: Page | undefined;
  /** Who was paged last, also after an acknowledgement: the end is told to them. */
  readonly pagedLast?: string | undefined;
  /** Grouped by an outside Alertmanager, which says when to send; we only page and escalate. */
  readonly isOutside?: boolean | undefined;
}

/** Keeps alerts from being told for a time. */
export interface Silence {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly author: string;
  readonly comment: string;
  readonly createdAtMs: number;
  /** When its coming end was told. */
  readonly noticedAtMs?: number | undefined;
  /** When its end was entered in the event log: by itself, or by somebody before its time. */
  readonly endedAtMs?: number | undefined;
}

/** Somebody has taken an alert on; it lasts until the alert resolves. */
export interface Ack {
  readonly fingerprint: string;
  /** In this group alone, as by its link; undefined for wherever the alert is told. */
  readonly groupKey?: string | undefined;
  readonly by: string;
  readonly atMs: number;
  readonly untilMs?: number | undefined;
}

export interface RoutingState {
  readonly groups: Readonly<Record<string, Group>>;
  readonly silences: readonly Silence[];
  /** By `ackKey`. */
  readonly acks: Readonly<Record<string, Ack>>;
}

export const emptyState: RoutingState = { groups: {}, silences: [], acks: {} };

/** Everything a decision is a function of, beside the time. */
export interface Observed {
  readonly config: RoutingConfig;
  readonly state: RoutingState;
  /** All that fire and those resolved lately; undefined where the evaluator has not spoken since the start. */
  readonly alerts: readonly RoutedAlert[] | undefined;
  readonly policies: Policies;
  /** An outside Alertmanager groups and silences: alerts make no groups here, and those of before are only ended. Default false. */
  readonly isGroupedElsewhere?: boolean | undefined;
  /** Link that acknowledges a group; without it notifications have none. */
  readonly ackUrlOf?: ((groupKey: string, nowMs: number) => string) | undefined;
}

/** Alerts that no message was made of, by reason. */
export interface Held {
  readonly silenced: number;
  readonly inhibited: number;
  readonly muted: number;
}

export interface Decision {
  readonly state: RoutingState;
  /** `changes` is empty here: whoever queues them puts those in. */
  readonly notifications: readonly Notification[];
  readonly events: readonly NewEvent[];
  /** When to decide again though nothing happened; undefined where only news can change anything. */
  readonly wakeAtMs: number | undefined;
  readonly held: Held;
  /** Alerts for which there was no room for a group; see `groupsMax`. */
  readonly refused: number;
}

/** A group of an outside Alertmanager of which nothing was heard for this long is forgotten: longer than any sensible repeat. */
export const outsideKeptMs = 7 * 86_400_000;

/** Groups at most. Alerts of further ones are counted and not routed. */
export const groupsMax = 10_000;
/** Alerts in one group at most. Further ones are counted and not routed. */
export const groupAlertsMax = 1_000;
/** Alerts named in one notification. */
export const notificationAlertsMax = 50;

/** How long before its end a silence is told to end: 10 min, or a quarter of a short one. */
export function noticeBeforeMs(silence: Silence): number {
  return Math.min(600_000, (silence.endsAtMs - silence.startsAtMs) / 4);
}

export function isActive(silence: Silence, nowMs: number): boolean {
  return silence.startsAtMs <= nowMs && nowMs < silence.endsAtMs;
}

/** The alert's fingerprint, and the group where the acknowledgement is of one alone. */
export function ackKey({ fingerprint, groupKey }: Pick<Ack, 'fingerprint' | 'groupKey'>): string {
  return groupKey === undefined ? fingerprint : `${fingerprint} ${groupKey}`;
}

/** The acknowledgement of an alert in a group, while it lasts: the newest, where somebody took it on everywhere and somebody else in this group. */
export function ackOf(state: RoutingState, groupKey: string, fingerprint: string, nowMs: number): Ack | undefined {
  const lasts = (ack: Ack | undefined): boolean => ack !== undefined && (ack.untilMs === undefined || ack.untilMs > nowMs);
  const [everywhere, here] = [state.acks[ackKey({ fingerprint })], state.acks[ackKey({ fingerprint, groupKey })]].map((ack) => (lasts(ack) ? ack : undefined));
  return everywhere !== undefined && here !== undefined && here.atMs > everywhere.atMs ? here : (everywhere ?? here);
}

export const isFiring = ({ alert }: GroupAlert): boolean => alert.status === 'firing';

/** Of a group with firing alerts: all of them have been taken on. */
export function isAcknowledged(state: RoutingState, groupKey: string, alerts: readonly GroupAlert[], nowMs: number): boolean {
  const firing = alerts.filter(isFiring);
  return firing.length > 0 && firing.every(({ alert }) => ackOf(state, groupKey, alert.fingerprint, nowMs) !== undefined);
}
