/** What an outside Alertmanager grouped and sends us to deliver: its webhook's form, version 4. */
import { z } from 'zod';
import { SoraError } from '../../core/error.ts';
import { fingerprintOf } from '../alert.ts';
import type { RoutedAlert } from '../alert.ts';
import type { Notification } from '../notification.ts';
import { createContext } from '../routing/decide.ts';
import { flushGroup } from '../routing/flush.ts';
import { digest, loopLabel } from '../routing/message.ts';
import type { Mutation } from '../routing/service.ts';
import { groupsMax } from '../routing/state.ts';
import type { Group, Observed } from '../routing/state.ts';
import type { Remembered } from '../routing/store.ts';

const labels = z.record(z.string().max(500), z.string().max(20_000));
const alert = z.object({
  status: z.enum(['firing', 'resolved']),
  labels,
  annotations: labels,
  startsAt: z.iso.datetime({ offset: true }),
  endsAt: z.iso.datetime({ offset: true }),
  generatorURL: z.string().max(4_000).default(''),
});

/** Alerts of one message; see `max_alerts`. */
const alertsMax = 1_000;

export const webhookPayload = z.object({
  version: z.literal('4', { error: 'must be 4, the version of Alertmanager 0.30' }),
  groupKey: z.string().min(1).max(20_000),
  truncatedAlerts: z.number().int().min(0).default(0),
  status: z.enum(['firing', 'resolved']),
  receiver: z.string().min(1).max(500),
  groupLabels: labels,
  externalURL: z.string().max(2_000).default(''),
  alerts: z.array(alert).max(alertsMax),
});
export type WebhookPayload = z.infer<typeof webhookPayload>;

/** Whether it has been delivered by SORA before. */
export function isLoop(payload: WebhookPayload): boolean {
  return payload.alerts.some((alert) => alert.labels[loopLabel] !== undefined);
}

/** Tells a receiver's integrations what the message says is news. What of it they were told before depends on what we remember. */
export function acceptPayload(before: Remembered, observed: Observed, payload: WebhookPayload, nowMs: number): Mutation<{ readonly notifications: number }> {
  if (isLoop(payload)) throw new SoraError('alert_loop', `an alert has the label ${loopLabel}: it has been delivered by SORA once and came back`, { status: 508, hint: 'see that no webhook of SORA leads back into this Alertmanager' });
  if (!observed.config.receivers.some(({ name }) => name === payload.receiver)) {
    throw new SoraError('no_receiver', `SORA has no receiver ${JSON.stringify(payload.receiver)}; it has ${observed.config.receivers.map(({ name }) => name).join(', ')}`, { status: 404, hint: 'use the same routing file at both' });
  }
  const key = `alertmanager ${payload.receiver} ${payload.groupKey}`;
  const known = before.state.groups[key];
  if (known === undefined && Object.keys(before.state.groups).length >= groupsMax) throw new SoraError('too_many_groups', `there are ${groupsMax} groups already`, { status: 503 });
  const group: Group = { ...(known ?? { key, routeKey: payload.groupKey, receiver: payload.receiver, labels: payload.groupLabels, nextFlushAtMs: nowMs, told: {}, isOutside: true }), alerts: payload.alerts.map((alert) => ({ alert: toRouted(alert) })), nextFlushAtMs: nowMs };
  const context = createContext(observed, new Map(), nowMs);
  const policy = observed.config.receivers.find(({ name }) => name === payload.receiver)?.policy;
  const flushed = flushGroup(observed, group, {
    // Alertmanager has judged when to repeat: what it sends though nothing changed is a repeat.
    route: { ...observed.config.root, repeatIntervalMs: 0 },
    integrations: context.integrationsOf(payload.receiver),
    holder: () => undefined,
    groupIntervalMs: 0,
    onCall: policy === undefined ? undefined : observed.policies.personAt(policy, 0, nowMs),
  }, nowMs);
  const { [key]: _, ...others } = before.state.groups;
  const groups = flushed.group === undefined ? others : { ...others, [key]: flushed.group };
  const notifications = flushed.notifications.map((notification): Notification => ({ ...notification, alertsOmitted: notification.alertsOmitted + payload.truncatedAlerts }));
  return { after: { ...before, state: { ...before.state, groups } }, events: [], notifications, result: { notifications: notifications.length } };
}

/** What `toAlertmanager` put into annotations comes out of them again, and external labels that it added go. */
export function toRouted(alert: WebhookPayload['alerts'][number]): RoutedAlert {
  const { sora_value: value, sora_expression: expression, sora_impact: impact, sora_external_labels: added = '', ...annotations } = alert.annotations;
  const external = added.split(',');
  const own = Object.fromEntries(Object.entries(alert.labels).filter(([name]) => !external.includes(name)));
  return {
    fingerprint: fingerprintOf(own),
    labels: own,
    annotations,
    status: alert.status,
    startsAtMs: Date.parse(alert.startsAt),
    endsAtMs: alert.status === 'resolved' ? Date.parse(alert.endsAt) : undefined,
    value: numberOf(value),
    impact,
    expression: expression ?? '',
    generatorUrl: alert.generatorURL === '' ? undefined : alert.generatorURL,
  };
}

const special: Readonly<Record<string, number>> = { Infinity, '-Infinity': -Infinity };
const numberOf = (text: string | undefined): number => (text === undefined || text === '' ? Number.NaN : (special[text] ?? Number(text)));

/** Names a message of Alertmanager's in counts and logs without its content. */
export const payloadId = (payload: WebhookPayload): string => digest(payload.receiver, payload.groupKey);
