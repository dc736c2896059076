/** Hands an item of the outbox to its integration. */
import { assertNever } from '../../core/error.ts';
import type { OutboxItem } from '../outbox/item.ts';
import { sendDiscord } from './discord.ts';
import { sendEmail } from './email.ts';
import { describe, plainText } from './message.ts';
import type { Delivery, Outcome, SendContext } from './outcome.ts';
import { sendChange, sendPagerduty } from './pagerduty.ts';
import type { FindSettings, IntegrationSettings } from './settings.ts';
import { sendSlack } from './slack.ts';
import { sendSms } from './sms.ts';
import { sendWebhook } from './webhook.ts';

/** One attempt; it ends within the integration's `timeoutMs` and throws only for a defect. */
export async function deliver(context: SendContext, item: OutboxItem, findSettings: FindSettings, known: Pick<Delivery, 'episode' | 'thread'>): Promise<Outcome> {
  if (item.type === 'change') {
    const settings = findSettings(item.change.receiver, item.change.integration);
    return settings?.kind === 'pagerduty' ? sendChange(context, item.change, settings) : gone(item.change.receiver, 'pagerduty');
  }
  const { notification } = item;
  const settings = findSettings(notification.receiver, notification.integration, notification.to);
  if (settings === undefined) return gone(notification.receiver, notification.integration.kind);
  return sendBy(context, { notification, ...known }, settings);
}

/** Sends by these settings, without the outbox: for `sora alerts test` too. */
export async function sendBy(context: SendContext, delivery: Delivery, settings: IntegrationSettings): Promise<Outcome> {
  switch (settings.kind) {
    case 'slack': return sendSlack(context, delivery, settings);
    case 'discord': return sendDiscord(context, delivery, settings);
    case 'email': return sendEmail(context, delivery, settings);
    case 'sms': return sendSms(context, delivery, settings);
    case 'pagerduty': return sendPagerduty(context, delivery, settings);
    case 'webhook': return sendWebhook(context, delivery, settings);
    case 'log': return writeLog(context, delivery);
    default: return assertNever(settings);
  }
}

function writeLog(context: SendContext, delivery: Delivery): Outcome {
  const message = describe(delivery, context);
  const { id, reason } = delivery.notification;
  context.writeLog({ event: 'notification', notification: id, reason, status: message.status, severity: message.severity, text: plainText(message) }, message.title);
  return { kind: 'sent' };
}

function gone(receiver: string, kind: string): Outcome {
  return { kind: 'refused', error: `the configuration has no integration ${kind} of the receiver ${receiver} any more` };
}
