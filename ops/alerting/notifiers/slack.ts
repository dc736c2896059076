/**
 * Slack: by an incoming webhook, where the resolve is a second message that names the first; or by a bot's token,
 * where the resolve is an edit of the first message.
 * @see https://docs.slack.dev/reference/block-kit/blocks limits: 50 blocks, 3,000 characters a section, 150 a header
 */
import { IncomingWebhook, IncomingWebhookHTTPError } from '@slack/webhook';
import { z } from 'zod';
import type { Host } from '../../core/host.ts';
import { attempt, outcomeOf, post, readRetryAfter } from './http.ts';
import type { Reply } from './http.ts';
import { alertLines, describe, linksOf } from './message.ts';
import type { Message } from './message.ts';
import type { Delivery, Outcome, SendContext } from './outcome.ts';
import type { SettingsOf } from './settings.ts';
import { cut, fitLines, withoutSecrets } from './text.ts';

type SlackText = { readonly type: 'mrkdwn' | 'plain_text'; readonly text: string };
type SlackBlock =
  | { readonly type: 'header'; readonly text: SlackText }
  | { readonly type: 'section'; readonly text: SlackText }
  | { readonly type: 'section'; readonly fields: readonly SlackText[] }
  | { readonly type: 'context'; readonly elements: readonly SlackText[] }
  | { readonly type: 'actions'; readonly elements: readonly { readonly type: 'button'; readonly text: SlackText; readonly url: string; readonly action_id: string }[] };

export interface SlackMessage {
  /** For notifications of the system and readers of the screen. */
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
}

/** Undocumented: Slack refuses messages whose blocks hold more than about 13,200 characters. */
const totalMax = 12_000;
const sectionMax = 3_000;
/** Slack takes about one message a second in a channel. */
const paceMs = 1_000;

const mark: Readonly<Record<Message['severity'] | 'resolved', string>> = { critical: '🔴', high: '🟠', medium: '🟡', low: '🔵', resolved: '✅' };

/** The message in Block Kit. */
export function renderSlack(message: Message): SlackMessage {
  const symbol = mark[message.status === 'resolved' ? 'resolved' : message.severity];
  const sentences = [message.summary, message.description, message.why].flatMap((text) => (text === undefined ? [] : [escape(text)]));
  const blocks: SlackBlock[] = [
    { type: 'header', text: { type: 'plain_text', text: cut(`${symbol} ${message.title}`, 150) } },
    section(fitLines(sentences, sectionMax)),
  ];
  const fields = message.facts.slice(0, 10).map(({ name, value }) => markdown(cut(`*${name}*\n${escape(value)}`, 2_000)));
  if (fields.length > 0) blocks.push({ type: 'section', fields });
  if (message.alerts.length > 1) blocks.push(section(fitLines(alertLines(message).map(escape), sectionMax)));
  if (message.changes.length > 0) blocks.push(section(fitLines(['*What changed in the 30 min before*', ...message.changes.map((change) => `• ${escape(change)}`)], sectionMax)));
  const links = linksOf(message);
  const elements = links.map(({ name, url }) => ({ type: 'button' as const, text: { type: 'plain_text' as const, text: name }, url, action_id: name.toLowerCase() }));
  if (elements.length > 0) blocks.push({ type: 'actions', elements });
  return { text: cut(escape(`${symbol} ${message.title}: ${message.summary}`), sectionMax), blocks: withinTotal(blocks) };
}

/** Blocks from the first on, as long as their text fits; the links, which are last, always stay. */
function withinTotal(blocks: readonly SlackBlock[]): SlackBlock[] {
  const sizes = blocks.map((block) => JSON.stringify(block).length);
  const last = blocks.at(-1);
  let left = totalMax - (last?.type === 'actions' ? (sizes.at(-1) ?? 0) : 0);
  return blocks.filter((block, index) => {
    if (block === last && block.type === 'actions') return true;
    left -= sizes[index] ?? 0;
    return left >= 0;
  });
}

/** Slack's own three characters; escaped, no text can mention a channel or make a link. */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const markdown = (text: string): SlackText => ({ type: 'mrkdwn', text });
const section = (text: string): SlackBlock => ({ type: 'section', text: markdown(text) });

export function sendSlack(context: SendContext, delivery: Delivery, settings: SettingsOf<'slack'>): Promise<Outcome> {
  const message = describe(delivery, context);
  const rendered = renderSlack(message);
  return attempt(settings, () => (settings.botToken === undefined ? sendByWebhook(context.host, rendered, settings) : sendByBot(context.host, rendered, delivery, settings, settings.botToken)));
}

async function sendByWebhook(host: Host, message: SlackMessage, settings: SettingsOf<'slack'>): Promise<Outcome> {
  let reply: Reply | undefined;
  // The package speaks through our own request: its timers are the host's, and we see the header it drops.
  const webhook = new IncomingWebhook(settings.webhookUrl ?? '', {
    async fetch(url, init) {
      reply = await post(host, { url: String(url), headers: init?.headers ?? {}, body: typeof init?.body === 'string' ? init.body : '', timeoutMs: settings.timeoutMs });
      return toFetchResponse(reply, String(url));
    },
  });
  const extras = { ...(settings.channel === undefined ? {} : { channel: settings.channel }), ...(settings.username === undefined ? {} : { username: settings.username }) };
  try {
    await webhook.send({ ...extras, text: message.text, blocks: [...message.blocks] as never });
    return { kind: 'sent', quietForMs: paceMs };
  } catch (error) {
    if (error instanceof IncomingWebhookHTTPError && reply !== undefined) return outcomeOf(host, reply, settings);
    throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
  }
}

function toFetchResponse(reply: Reply, url: string) {
  const headers = new Map(Object.entries(reply.headers).map(([name, value]) => [name, String(value)]));
  return {
    ok: reply.status >= 200 && reply.status < 300,
    status: reply.status,
    statusText: '',
    url,
    headers: { get: (name: string) => headers.get(name.toLowerCase()) ?? null, entries: () => headers.entries() },
    arrayBuffer: () => Promise.resolve(new TextEncoder().encode(reply.body).buffer),
    json: () => Promise.resolve(JSON.parse(reply.body) as unknown),
    text: () => Promise.resolve(reply.body),
  };
}

const apiReply = z.object({ ok: z.boolean(), error: z.string().optional(), ts: z.string().optional(), channel: z.string().optional() });
/** Errors of Slack's Web API that pass. */
const passing = new Set(['ratelimited', 'rate_limited', 'internal_error', 'fatal_error', 'service_unavailable', 'request_timeout', 'team_added_to_org', 'message_limit_exceeded']);
/** The first message cannot be edited any more: a new one says it instead. */
const uneditable = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed', 'channel_not_found']);

async function sendByBot(host: Host, message: SlackMessage, delivery: Delivery, settings: SettingsOf<'slack'>, token: string): Promise<Outcome> {
  const { ts, channel } = delivery.thread?.receipt ?? {};
  const isEdit = delivery.notification.status === 'resolved' && ts !== undefined && channel !== undefined;
  if (isEdit) {
    const edited = await callApi(host, 'chat.update', { channel, ts, ...message }, settings, token);
    if (edited.outcome.kind !== 'refused' || !uneditable.has(edited.error ?? '')) return edited.outcome;
  }
  const extras = settings.username === undefined ? {} : { username: settings.username };
  return (await callApi(host, 'chat.postMessage', { channel: settings.channel, unfurl_links: false, ...extras, ...message }, settings, token)).outcome;
}

async function callApi(host: Host, method: string, body: object, settings: SettingsOf<'slack'>, token: string): Promise<{ outcome: Outcome; error?: string | undefined }> {
  const reply = await post(host, {
    url: `${settings.apiBaseUrl.replace(/\/$/, '')}/${method}`,
    headers: { 'content-type': 'application/json; charset=utf-8', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
    timeoutMs: settings.timeoutMs,
  });
  const outcome = outcomeOf(host, reply, settings);
  if (outcome.kind !== 'sent') return { outcome };
  // Slack says 200 to refusals as well.
  const parsed = apiReply.safeParse(parseJson(reply.body));
  if (!parsed.success) return { outcome: { kind: 'retry', error: 'slack answered 200 with a body that is not its own' } };
  const { ok, error, ts, channel } = parsed.data;
  if (ok) return { outcome: { kind: 'sent', quietForMs: paceMs, ...(ts === undefined || channel === undefined ? {} : { receipt: { ts, channel } }) } };
  const text = withoutSecrets(`slack refused ${method}: ${error ?? 'without a reason'}`, settings);
  return { outcome: passing.has(error ?? '') ? { kind: 'retry', error: text, afterMs: readRetryAfter(reply.headers['retry-after'], host.clock.nowMs()) } : { kind: 'refused', error: text }, error };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

