/**
 * PagerDuty's Events API v2: alerts to /v2/enqueue, deploys to /v2/change/enqueue.
 * Limits: `dedup_key` 255 characters, `summary` 1,024, an event 512 KB. After a resolve a key opens no incident
 * again but a new one, so the key holds the group's episode: one episode, one incident.
 */
import { attempt, outcomeOf, post } from './http.ts';
import { alertLines, describe, linksOf, nameOf, startOf } from './message.ts';
import type { Message } from './message.ts';
import type { ChangeItem, Delivery, Outcome, SendContext } from './outcome.ts';
import type { SettingsOf } from './settings.ts';
import { clean, cut } from './text.ts';
import type { Severity } from '../alert.ts';

interface Link {
  readonly href: string;
  readonly text: string;
}

interface AlertPayload {
  readonly summary: string;
  readonly source: string;
  readonly severity: 'critical' | 'error' | 'warning' | 'info';
  readonly timestamp: string;
  readonly component?: string;
  readonly group?: string;
  readonly class: string;
  readonly custom_details: Readonly<Record<string, string>>;
}

export interface PagerdutyEvent {
  readonly routing_key: string;
  readonly event_action: 'trigger' | 'acknowledge' | 'resolve';
  readonly dedup_key: string;
  readonly payload?: AlertPayload;
  readonly links?: readonly Link[];
  readonly client?: string;
}

export interface PagerdutyChange {
  readonly routing_key: string;
  readonly payload: { readonly summary: string; readonly source: string; readonly timestamp: string; readonly custom_details: Readonly<Record<string, string>> };
}

const severityOf: Readonly<Record<Severity, AlertPayload['severity']>> = { critical: 'critical', high: 'error', medium: 'warning', low: 'info' };
const summaryMax = 1_024;
/** Far below 512 KB with all the rest. */
const detailMax = 20_000;

export function renderPagerduty(message: Message, delivery: Delivery, routingKey: string): PagerdutyEvent {
  const { notification, episode } = delivery;
  const dedupKey = `sora-${episode}`;
  const key = { routing_key: routingKey, dedup_key: dedupKey };
  if (notification.status === 'resolved') return { ...key, event_action: 'resolve' };
  if (notification.reason === 'acknowledged') return { ...key, event_action: 'acknowledge' };
  const labels = notification.commonLabels;
  const links = linksOf(message).map(({ name, url }) => ({ href: url, text: name }));
  return {
    ...key,
    event_action: 'trigger',
    payload: {
      summary: cut(`${message.title}: ${message.summary}`, summaryMax),
      source: cut(clean(labels['instance'] ?? labels['service'] ?? labels['job'] ?? 'sora'), 500),
      severity: severityOf[message.severity],
      timestamp: new Date(startOf(notification)).toISOString(),
      ...(labels['service'] === undefined ? {} : { component: cut(clean(labels['service']), 500) }),
      group: cut(nameOf(notification), 500),
      class: nameOf(notification),
      custom_details: detailsOf(message, notification.id),
    },
    ...(links.length === 0 ? {} : { links }),
    client: 'SORA',
  };
}

function detailsOf(message: Message, id: string): Record<string, string> {
  const lines = (name: string, texts: readonly string[]): [string, string][] => (texts.length === 0 ? [] : [[name, cut(texts.join('\n'), detailMax)]]);
  return Object.fromEntries([
    ...message.facts.map(({ name, value }): [string, string] => [name.toLowerCase(), value]),
    ...lines('description', message.description === undefined ? [] : [message.description]),
    ...lines('why', message.why === undefined ? [] : [message.why]),
    ...lines('alerts', message.alerts.length > 1 ? alertLines(message) : []),
    ...lines('changed in the 30 min before', message.changes),
    ['notification', id],
  ]);
}

export function renderChange(change: ChangeItem, routingKey: string): PagerdutyChange {
  const details = Object.entries(change.details).slice(0, 50).map(([name, value]) => [name, cut(clean(value), 1_000)]);
  return {
    routing_key: routingKey,
    payload: { summary: cut(clean(change.summary), summaryMax), source: cut(clean(change.source), 500), timestamp: new Date(change.atMs).toISOString(), custom_details: Object.fromEntries(details) as Record<string, string> },
  };
}

export function sendPagerduty(context: SendContext, delivery: Delivery, settings: SettingsOf<'pagerduty'>): Promise<Outcome> {
  return enqueueAt(context, '/v2/enqueue', renderPagerduty(describe(delivery, context), delivery, settings.routingKey), settings);
}

export function sendChange(context: SendContext, change: ChangeItem, settings: SettingsOf<'pagerduty'>): Promise<Outcome> {
  return enqueueAt(context, '/v2/change/enqueue', renderChange(change, settings.routingKey), settings);
}

function enqueueAt(context: SendContext, path: string, event: PagerdutyEvent | PagerdutyChange, settings: SettingsOf<'pagerduty'>): Promise<Outcome> {
  return attempt(settings, async () => {
    const reply = await post(context.host, {
      url: `${settings.apiBaseUrl.replace(/\/$/, '')}${path}`, headers: { 'content-type': 'application/json' }, body: JSON.stringify(event), timeoutMs: settings.timeoutMs,
    });
    return outcomeOf(context.host, reply, settings);
  });
}
