/** Makes a notification of a group. */
import { createHash } from 'node:crypto';
import type { Labels } from '../../metricstore/series.ts';
import { severities } from '../alert.ts';
import type { RoutedAlert, Severity } from '../alert.ts';
import type { Notification, NotificationReason, SilenceNotice } from '../notification.ts';
import type { Integration } from './integration.ts';
import { notificationAlertsMax } from './state.ts';
import type { Group } from './state.ts';

/**
 * Label of every alert that leaves by a webhook. One that comes back with it, by way of an outside Alertmanager, has
 * gone round: the message that carries it is refused, or it would go round for ever.
 */
export const loopLabel = 'sora_delivered';

export interface MessageOptions {
  readonly reason: NotificationReason;
  readonly alerts: readonly RoutedAlert[];
  /** What makes its id differ from others of the same group, integration, reason and alerts: which message it is. */
  readonly nth: number | string;
  readonly ackUrl?: string | undefined;
  readonly to?: string | undefined;
  readonly silence?: SilenceNotice | undefined;
}

/** @returns the message to one integration; its id depends on the group and its alerts alone, never on the time */
export function buildNotification(group: Group, integration: Integration, options: MessageOptions, nowMs: number): Notification {
  const { reason, alerts, nth, ackUrl, to, silence } = options;
  const ordered = [...alerts].sort((one, other) => rank(one) - rank(other) || one.startsAtMs - other.startsAtMs || (one.fingerprint < other.fingerprint ? -1 : 1));
  // A silence that holds nothing back has no alerts, and nothing is over.
  const status = silence !== undefined || alerts.some((alert) => alert.status === 'firing') ? 'firing' : 'resolved';
  const shown = ordered.slice(0, notificationAlertsMax);
  const mark = (labels: Labels): Labels => (integration.kind === 'webhook' ? { ...labels, [loopLabel]: 'true' } : labels);
  return {
    id: idOf(group, integration, options, nth),
    groupKey: group.key,
    receiver: group.receiver,
    integration: { kind: integration.kind, index: integration.index },
    status,
    reason,
    severity: alerts.length === 0 ? 'low' : severityOf(alerts),
    groupLabels: group.labels,
    commonLabels: mark(commonOf(alerts.map(({ labels }) => labels))),
    commonAnnotations: commonOf(alerts.map(({ annotations }) => annotations)),
    alerts: shown.map((alert) => ({ ...alert, labels: mark(alert.labels) })),
    alertsOmitted: alerts.length - shown.length,
    impact: impactOf(alerts),
    changes: [],
    ackUrl: status === 'firing' ? ackUrl : undefined,
    to,
    ...(silence === undefined ? {} : { silence }),
    atMs: nowMs,
  };
}

const rank = (alert: RoutedAlert): number => (alert.status === 'firing' ? 0 : 1);

/** 32 hexadecimal digits. */
function idOf(group: Group, integration: Integration, { reason, alerts }: MessageOptions, nth: number | string): string {
  const states = alerts.map(({ fingerprint, status, startsAtMs }) => `${fingerprint} ${status} ${startsAtMs}`).sort();
  return digest(group.key, group.receiver, integration.kind, integration.index, reason, nth, ...states);
}

export function digest(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** The gravest of the firing alerts, or of all where none fires; `medium` where none says. */
export function severityOf(alerts: readonly RoutedAlert[]): Severity {
  const firing = alerts.filter(({ status }) => status === 'firing');
  const named = (firing.length > 0 ? firing : alerts).map(({ labels }) => labels['severity']);
  return severities.find((severity) => named.includes(severity)) ?? 'medium';
}

/** What all have in common. */
function commonOf(all: readonly Labels[]): Labels {
  const [first = {}, ...others] = all;
  return Object.fromEntries(Object.entries(first).filter(([name, value]) => others.every((labels) => labels[name] === value)));
}

const impactsMax = 5;

/** The figures of the alerts' impact queries, each once. */
function impactOf(alerts: readonly RoutedAlert[]): string | undefined {
  const impacts = [...new Set(alerts.flatMap(({ impact }) => (impact === undefined ? [] : [impact])))];
  if (impacts.length === 0) return undefined;
  return impacts.length <= impactsMax ? impacts.join('; ') : `${impacts.slice(0, impactsMax).join('; ')} and ${impacts.length - impactsMax} more`;
}
