/** What routing hands to the outbox, and the outbox to a notifier. */
import type { RoutedAlert, Severity } from './alert.ts';
import type { Labels } from '../metricstore/series.ts';

/** Why a notification is sent. */
export type NotificationReason = 'new' | 'changed' | 'repeat' | 'resolved' | 'escalation' | 'silence-expiry' | 'heartbeat' | 'acknowledged';

/** Something that changed in the last 30 min: a deploy, a configuration change, a load run or a fault. */
export interface RecentChange {
  readonly kind: 'deploy' | 'config' | 'load-run' | 'fault';
  readonly atMs: number;
  readonly text: string;
}

/** One message to one integration of one receiver. */
export interface Notification {
  /** The same at every attempt: receivers recognise a duplicate by it. */
  readonly id: string;
  /** Alertmanager's: route and group labels. PagerDuty's `dedup_key` is its hash. */
  readonly groupKey: string;
  readonly receiver: string;
  /** Name of the integration in the receiver, such as `slack` or `webhook`, and which of those it is. */
  readonly integration: { readonly kind: IntegrationKind; readonly index: number };
  readonly status: 'firing' | 'resolved';
  readonly reason: NotificationReason;
  readonly severity: Severity;
  readonly groupLabels: Labels;
  readonly commonLabels: Labels;
  readonly commonAnnotations: Labels;
  /** At most 50; `alertsOmitted` counts the rest. */
  readonly alerts: readonly RoutedAlert[];
  readonly alertsOmitted: number;
  /** Requests or users affected, from the rule's `impact` query; undefined where it gave no figure. */
  readonly impact?: string | undefined;
  readonly changes: readonly RecentChange[];
  readonly ackUrl?: string | undefined;
  /** Who is on call, when the receiver pages people. */
  readonly to?: string | undefined;
  /** Of a notice that a silence ends soon: which. */
  readonly silence?: SilenceNotice | undefined;
  readonly atMs: number;
}

export interface SilenceNotice {
  readonly id: string;
  readonly author: string;
  readonly comment: string;
  readonly endsAtMs: number;
  /** As text, such as `alertname="ApiLatencyHigh"`. */
  readonly matchers: readonly string[];
}

/** `log` writes to the control plane's own log: what a fresh checkout has. Settings: ops/alerting/notifiers/settings.ts. */
export const integrationKinds = ['slack', 'discord', 'email', 'sms', 'pagerduty', 'webhook', 'log'] as const;
export type IntegrationKind = (typeof integrationKinds)[number];
