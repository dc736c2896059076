/**
 * Generic webhook: Alertmanager's payload of version 4 with our fields in `sora`, signed after Standard Webhooks
 * (`webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<HMAC-SHA256 of id.timestamp.body>`).
 */
import { createHmac } from 'node:crypto';
import { redactText } from '../../telemetry/redact-text.ts';
import { isSensitiveKey } from '../../telemetry/redact.ts';
import { attempt, outcomeOf, post } from './http.ts';
import { measuredOf } from './message.ts';
import type { Delivery, Outcome, SendContext } from './outcome.ts';
import type { SettingsOf } from './settings.ts';
import { safeLink } from './text.ts';
import type { RoutedAlert } from '../alert.ts';
import type { Notification } from '../notification.ts';
import type { Labels } from '../../metricstore/series.ts';

/** What Alertmanager writes for a time that is not yet. */
const noTime = '0001-01-01T00:00:00Z';

export interface WebhookPayload {
  readonly version: '4';
  readonly groupKey: string;
  readonly truncatedAlerts: number;
  readonly status: 'firing' | 'resolved';
  readonly receiver: string;
  readonly groupLabels: Labels;
  readonly commonLabels: Labels;
  readonly commonAnnotations: Labels;
  readonly externalURL: string;
  readonly alerts: readonly { readonly status: string; readonly labels: Labels; readonly annotations: Labels; readonly startsAt: string; readonly endsAt: string; readonly generatorURL: string; readonly fingerprint: string; readonly measured: string }[];
  readonly sora: {
    readonly notificationId: string;
    readonly episode: string;
    readonly reason: string;
    readonly severity: string;
    readonly impact: string | null;
    readonly changes: readonly { readonly kind: string; readonly at: string; readonly text: string }[];
    readonly ackUrl: string | null;
    readonly to: string | null;
    /** The silence that ends soon, where the message says so. */
    readonly silence: { readonly id: string; readonly author: string; readonly comment: string; readonly endsAt: string; readonly matchers: readonly string[] } | null;
  };
}

export function renderWebhook(delivery: Delivery, settings: SettingsOf<'webhook'>, limitOf: SendContext['limitOf']): WebhookPayload {
  const { notification, episode } = delivery;
  const alerts = settings.alertsMax === 0 ? notification.alerts : notification.alerts.slice(0, settings.alertsMax);
  return {
    version: '4',
    groupKey: notification.groupKey,
    truncatedAlerts: notification.alertsOmitted + notification.alerts.length - alerts.length,
    status: notification.status,
    receiver: notification.receiver,
    groupLabels: bare(notification.groupLabels),
    commonLabels: bare(notification.commonLabels),
    commonAnnotations: bare(withFigure(notification.commonAnnotations, notification.impact)),
    externalURL: safeLink(notification.ackUrl)?.replace(/^(https?:\/\/[^/]+).*$/, '$1') ?? '',
    alerts: alerts.map((alert) => alertOf(alert, limitOf)),
    sora: {
      notificationId: notification.id, episode, reason: notification.reason, severity: notification.severity,
      impact: notification.impact ?? null,
      changes: notification.changes.map(({ kind, atMs, text }) => ({ kind, at: new Date(atMs).toISOString(), text: redactText(text) })),
      ackUrl: safeLink(notification.ackUrl) ?? null, to: notification.to ?? null, silence: silenceOf(notification),
    },
  };
}

function silenceOf({ silence }: Notification): WebhookPayload['sora']['silence'] {
  if (silence === undefined) return null;
  const { id, author, comment, endsAtMs, matchers } = silence;
  return { id, author: redactText(author), comment: redactText(comment), endsAt: new Date(endsAtMs).toISOString(), matchers: matchers.map(redactText) };
}

function alertOf(alert: RoutedAlert, limitOf: SendContext['limitOf']): WebhookPayload['alerts'][number] {
  return {
    status: alert.status, labels: bare(alert.labels), annotations: bare(withFigure(alert.annotations, alert.impact)), startsAt: new Date(alert.startsAtMs).toISOString(),
    endsAt: alert.endsAtMs === undefined ? noTime : new Date(alert.endsAtMs).toISOString(), generatorURL: safeLink(alert.generatorUrl) ?? '', fingerprint: alert.fingerprint, measured: measuredOf(alert, limitOf),
  };
}

/** The rule's `impact` is a query, which says nothing to whoever reads a message: its figure stands in its place, or nothing. */
function withFigure({ impact: query, ...annotations }: Labels, figure: string | undefined): Labels {
  return query === undefined || figure === undefined ? annotations : { ...annotations, impact: figure };
}

/** Labels and annotations without secrets and personal data. */
function bare(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, isSensitiveKey(name) ? '[redacted]' : redactText(value)]));
}

/** @param secret as text, or base64 behind `whsec_` @param timestampS Unix seconds of this attempt */
export function signWebhook(secret: string, id: string, timestampS: number, body: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  return `v1,${createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64')}`;
}

export function sendWebhook(context: SendContext, delivery: Delivery, settings: SettingsOf<'webhook'>): Promise<Outcome> {
  const body = JSON.stringify(renderWebhook(delivery, settings, context.limitOf));
  const { id } = delivery.notification;
  const timestampS = Math.floor(context.host.clock.nowMs() / 1_000);
  const signature = settings.signingSecret === undefined ? {} : { 'webhook-signature': signWebhook(settings.signingSecret, id, timestampS, body) };
  return attempt(settings, async () => {
    const headers = { ...settings.headers, 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': String(timestampS), ...signature };
    return outcomeOf(context.host, await post(context.host, { url: settings.url, headers, body, timeoutMs: settings.timeoutMs }), settings);
  });
}
