/**
 * Discord by webhook, as one embed.
 * Limits: title 256 characters, description 4,096, 25 fields of 256 and 1,024, 6,000 in all; no text may mention anybody.
 */
import { z } from 'zod';
import type { Host } from '../../core/host.ts';
import { attempt, outcomeOf, post, readRetryAfter } from './http.ts';
import type { Reply } from './http.ts';
import { alertLines, describe, linksOf } from './message.ts';
import type { Message } from './message.ts';
import type { Delivery, Outcome, SendContext } from './outcome.ts';
import type { SettingsOf } from './settings.ts';
import { cut, fitLines } from './text.ts';

export interface DiscordMessage {
  readonly username?: string;
  readonly allowed_mentions: { readonly parse: readonly [] };
  readonly embeds: readonly {
    readonly title: string;
    readonly description: string;
    readonly color: number;
    readonly timestamp: string;
    readonly fields: readonly { readonly name: string; readonly value: string; readonly inline: boolean }[];
    readonly footer: { readonly text: string };
    readonly url?: string;
  }[];
}

const colours: Readonly<Record<Message['severity'] | 'resolved', number>> = { critical: 0xd32f2f, high: 0xf57c00, medium: 0xfbc02d, low: 0x1976d2, resolved: 0x388e3c };
const valueMax = 1_024;
const totalMax = 5_900;

/** @param id of the notification, in the footer, so that a duplicate is recognised */
export function renderDiscord(message: Message, id: string, atMs: number, username?: string): DiscordMessage {
  const sentences = [message.summary, message.description, message.why].flatMap((text) => (text === undefined ? [] : [escape(text)]));
  const links = linksOf(message).map(({ name, url }) => `[${name}](${url.replaceAll(')', '%29')})`);
  const title = cut(escape(message.title), 256);
  const description = fitLines(sentences, 1_500);
  const fields = [
    // Links first, so that no length of the rest can push them out.
    ...(links.length === 0 ? [] : [{ name: 'Links', value: fitLines(links, valueMax), inline: false }]),
    ...message.facts.map(({ name, value }) => ({ name, value: cut(escape(value), valueMax), inline: true })),
    ...(message.changes.length === 0 ? [] : [{ name: 'Changed in the 30 min before', value: fitLines(message.changes.map(escape), valueMax), inline: false }]),
    ...(message.alerts.length < 2 ? [] : [{ name: 'Alerts', value: fitLines(alertLines(message).map(escape), valueMax), inline: false }]),
  ];
  const footer = cut(id, 200);
  return {
    ...(username === undefined ? {} : { username: cut(username, 80) }),
    allowed_mentions: { parse: [] },
    embeds: [{
      title, description, color: colours[message.status === 'resolved' ? 'resolved' : message.severity], timestamp: new Date(atMs).toISOString(),
      fields: withinTotal(fields, totalMax - title.length - description.length - footer.length), footer: { text: footer },
      ...(message.runbookUrl === undefined ? {} : { url: message.runbookUrl }),
    }],
  };
}

function withinTotal<Field extends { readonly name: string; readonly value: string }>(fields: readonly Field[], max: number): Field[] {
  let left = max;
  return fields.slice(0, 25).filter(({ name, value }) => (left -= name.length + value.length) >= 0);
}

/** Discord's Markdown, so that a label is shown as it is. */
function escape(text: string): string {
  return text.replaceAll(/[\\*_~`|>[\]#]/g, '\\$&');
}

export function sendDiscord(context: SendContext, delivery: Delivery, settings: SettingsOf<'discord'>): Promise<Outcome> {
  const { notification } = delivery;
  const body = JSON.stringify(renderDiscord(describe(delivery, context), notification.id, notification.atMs, settings.username));
  return attempt(settings, async () => {
    const reply = await post(context.host, { url: settings.webhookUrl, headers: { 'content-type': 'application/json' }, body, timeoutMs: settings.timeoutMs });
    const outcome = outcomeOf(context.host, reply, settings);
    if (outcome.kind === 'sent') return { kind: 'sent', quietForMs: quietOf(reply) };
    return outcome.kind === 'retry' && reply.status === 429 ? { ...outcome, afterMs: throttleOf(context.host, reply) } : outcome;
  });
}

/** The body names fractions of a second, the header whole ones. */
function throttleOf(host: Host, reply: Reply): number | undefined {
  const named = z.object({ retry_after: z.number().min(0) }).safeParse(parseJson(reply.body)).data?.retry_after;
  return named === undefined ? readRetryAfter(reply.headers['retry-after'], host.clock.nowMs()) : Math.ceil(named * 1_000);
}

/** Where the bucket is used up, until it is filled again. */
function quietOf(reply: Reply): number | undefined {
  if (reply.headers['x-ratelimit-remaining'] !== '0') return undefined;
  const afterS = Number(reply.headers['x-ratelimit-reset-after']);
  return afterS > 0 && afterS <= 600 ? Math.ceil(afterS * 1_000) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
