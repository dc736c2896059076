/** SMS by Twilio's REST form, one request for each number. */
import type { Host } from '../../core/host.ts';
import { attempt, outcomeOf, post } from './http.ts';
import { describe, nameOf, startOf } from './message.ts';
import type { Message } from './message.ts';
import type { Delivery, Outcome, SendContext } from './outcome.ts';
import type { SettingsOf } from './settings.ts';
import { cut, formatTime, withoutSecrets } from './text.ts';

/** Characters of the GSM 7-bit alphabet that take one place; those of its extension take two. */
const basic = /[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]/;
const extended = /[\^{}\\[~\]|€]/;

/** How many segments a text costs (3GPP TS 23.040): 160 places alone or 153 each; in UCS-2 70 or 67. */
export function countSegments(text: string): number {
  const units = Array.from(text);
  const isGsm = units.every((unit) => basic.test(unit) || extended.test(unit));
  const places = isGsm ? units.reduce((sum, unit) => sum + (extended.test(unit) ? 2 : 1), 0) : text.length;
  const [alone, each] = isGsm ? [160, 153] : [70, 67];
  return places <= alone ? 1 : Math.ceil(places / each);
}

/** What matters most first, as much as fits: title, measure, links, since when, who is hit, the summary, what changed last. */
export function renderSms(message: Message, delivery: Delivery, segmentsMax: number): string {
  const { notification } = delivery;
  const fact = (name: string): string[] => message.facts.filter((known) => known.name === name).map(({ value }) => toGsm(value));
  const state = notification.reason === 'acknowledged' ? 'ACK' : message.status === 'resolved' ? 'OK' : message.severity.toUpperCase();
  const rehearsal = message.title.startsWith('[rehearsal') ? 'REHEARSAL ' : '';
  const parts = [
    cut(toGsm(`${rehearsal}${state} ${nameOf(notification)}`), 100).replace('…', '.'),
    ...fact('Measured'),
    ...(notification.reason === 'escalation' ? ['escalated to you'] : []),
    ...(message.ackUrl === undefined ? [] : [`ack ${message.ackUrl}`]),
    ...(message.runbookUrl === undefined ? fact('Runbook') : [message.runbookUrl]),
    `since ${formatTime(startOf(notification)).slice(11, 16)}Z`,
    ...fact('Affected'),
    toGsm(message.summary),
    ...message.changes.slice(0, 1).map(toGsm),
  ];
  // A part that is too long is left out whole: half a link is of no use.
  return parts.slice(1).reduce((text, part) => (countSegments(`${text}; ${part}`) <= segmentsMax ? `${text}; ${part}` : text), parts[0] ?? '');
}

/** The same in the GSM alphabet, where one message holds more than twice as much. */
function toGsm(text: string): string {
  const plain = text.normalize('NFKD').replaceAll(/\p{M}/gu, '').replaceAll(/[–—]/g, '-').replaceAll(/[‘’`]/g, "'").replaceAll(/[“”]/g, '"').replaceAll('…', '...');
  return Array.from(plain, (unit) => (basic.test(unit) || extended.test(unit) ? unit : '?')).join('');
}

export function sendSms(context: SendContext, delivery: Delivery, settings: SettingsOf<'sms'>): Promise<Outcome> {
  const text = renderSms(describe(delivery, context), delivery, settings.segmentsMax);
  return attempt(settings, async () => {
    const outcomes: Outcome[] = [];
    for (const to of settings.to) outcomes.push(await attempt(settings, () => sendOne(context.host, text, to, settings)));
    return combine(context, delivery, outcomes);
  });
}

/**
 * Sent when one number took it: a second try would reach that one twice, and the ones that failed are told in the log.
 * Whoever must be reached for certain gets an integration of their own.
 */
function combine(context: SendContext, delivery: Delivery, outcomes: readonly Outcome[]): Outcome {
  const failed = outcomes.filter((outcome) => outcome.kind !== 'sent');
  const first = failed[0];
  if (first === undefined) return { kind: 'sent' };
  if (failed.length === outcomes.length) return failed.find((outcome) => outcome.kind === 'retry') ?? first;
  for (const { error } of failed) context.writeLog({ event: 'sms_partly_failed', notification: delivery.notification.id, error }, 'an SMS reached only some of its numbers');
  return { kind: 'sent' };
}

async function sendOne(host: Host, text: string, to: string, settings: SettingsOf<'sms'>): Promise<Outcome> {
  const { accountSid, authToken, keySid, from, apiBaseUrl, timeoutMs } = settings;
  const form = new URLSearchParams({ To: to, Body: text, [from.startsWith('MG') ? 'MessagingServiceSid' : 'From']: from });
  const reply = await post(host, {
    url: `${apiBaseUrl.replace(/\/$/, '')}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Messages.json`,
    headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${Buffer.from(`${keySid ?? accountSid}:${authToken}`).toString('base64')}`, accept: 'application/json' },
    body: form.toString(),
    timeoutMs,
  });
  const outcome = outcomeOf(host, reply, settings);
  // The provider repeats the number in its errors: it is somebody's.
  return outcome.kind === 'sent' ? outcome : { ...outcome, error: withoutSecrets(outcome.error.replaceAll(to, '[number]'), settings) };
}
