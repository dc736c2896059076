import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createTestHost } from '../../core/test-host.ts';
import type { TestHost } from '../../core/test-host.ts';
import { limitOf } from './comparison.ts';
import { exampleAlert, exampleDelivery, noonMs, resolvedRest, startReceiver } from './fixture.ts';
import type { Receiver } from './fixture.ts';
import type { Delivery, Outcome } from './outcome.ts';
import { sendChange } from './pagerduty.ts';
import { sendBy } from './send.ts';
import { integrationSettings } from './settings.ts';
import type { IntegrationSettings } from './settings.ts';
import { renderWebhook, signWebhook } from './webhook.ts';

let host: TestHost;
let receiver: Receiver;
const logged: object[] = [];
const context = () => ({ host, limitOf, writeLog: (fields: object) => void logged.push(fields) });
const send = (settings: IntegrationSettings, delivery: Delivery = exampleDelivery()): Promise<Outcome> => sendBy(context(), delivery, settings);
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());
beforeEach(() => {
  host = createTestHost(noonMs);
});
afterEach(() => {
  receiver.requests.length = 0;
  logged.length = 0;
  receiver.always({ kind: 'reply', status: 200, body: 'ok' });
});

/** Over HTTP: how each is set up, and what its documentation says of a message. */
const slackText = z.strictObject({ type: z.enum(['mrkdwn', 'plain_text']), text: z.string().min(1).max(3_000) });
const slackBlocks = z.array(z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('header'), text: slackText }),
  z.strictObject({ type: z.literal('section'), text: slackText.optional(), fields: z.array(slackText).max(10).optional() }),
  z.strictObject({ type: z.literal('actions'), elements: z.array(z.strictObject({ type: z.literal('button'), text: slackText, url: z.url(), action_id: z.string().max(255) })).max(25) }),
])).min(1).max(50);
const slackMessage = z.strictObject({ text: z.string().min(1).max(40_000), blocks: slackBlocks });
const iso = z.iso.datetime();
const schemas = {
  slack: slackMessage,
  discord: z.strictObject({
    allowed_mentions: z.strictObject({ parse: z.tuple([]) }),
    embeds: z.array(z.strictObject({
      title: z.string().min(1).max(256), description: z.string().max(4_096), color: z.int().min(0).max(0xffffff), timestamp: iso, url: z.url().optional(),
      fields: z.array(z.strictObject({ name: z.string().min(1).max(256), value: z.string().min(1).max(1_024), inline: z.boolean() })).max(25), footer: z.strictObject({ text: z.string().max(2_048) }),
    })).min(1).max(10),
  }),
  pagerduty: z.strictObject({
    routing_key: z.string(), event_action: z.literal('trigger'), dedup_key: z.string().min(1).max(255), client: z.string(), links: z.array(z.strictObject({ href: z.url(), text: z.string() })),
    payload: z.strictObject({ summary: z.string().min(1).max(1_024), source: z.string().min(1), severity: z.enum(['critical', 'error', 'warning', 'info']), timestamp: iso, component: z.string(), group: z.string(), class: z.string(), custom_details: z.record(z.string(), z.string()) }),
  }),
  webhook: z.strictObject({
    version: z.literal('4'), groupKey: z.string(), truncatedAlerts: z.int().min(0), status: z.enum(['firing', 'resolved']), receiver: z.string(), externalURL: z.string(),
    groupLabels: z.record(z.string(), z.string()), commonLabels: z.record(z.string(), z.string()), commonAnnotations: z.record(z.string(), z.string()),
    alerts: z.array(z.strictObject({ status: z.enum(['firing', 'resolved']), labels: z.record(z.string(), z.string()), annotations: z.record(z.string(), z.string()), startsAt: iso, endsAt: iso, generatorURL: z.string(), fingerprint: z.string().length(16), measured: z.string() })),
    sora: z.object({ notificationId: z.literal('n-1'), impact: z.literal('1,200 requests/min'), ackUrl: z.url() }),
  }),
} as const;
const setups = {
  slack: () => integrationSettings.parse({ kind: 'slack', webhookUrl: `${receiver.url}/services/T0/B0/secret-of-slack`, timeoutMs: 5_000 }),
  discord: () => integrationSettings.parse({ kind: 'discord', webhookUrl: `${receiver.url}/api/webhooks/1/secret-of-discord`, timeoutMs: 5_000 }),
  pagerduty: () => integrationSettings.parse({ kind: 'pagerduty', apiBaseUrl: receiver.url, routingKey: 'secret-of-pagerduty', timeoutMs: 5_000 }),
  webhook: () => integrationSettings.parse({ kind: 'webhook', url: `${receiver.url}/hook?key=secret-of-webhook`, signingSecret: 'whsec_c2VjcmV0', timeoutMs: 5_000 }),
  sms: () => integrationSettings.parse({ kind: 'sms', apiBaseUrl: receiver.url, accountSid: 'AC1', authToken: 'secret-of-twilio', from: '+15550100000', to: ['+15550100001'], timeoutMs: 5_000 }),
};
const kinds = Object.keys(setups) as (keyof typeof setups)[];

describe.each(kinds)('%s', (kind) => {
  test('sends what is documented', async () => {
    expect(await send(setups[kind]())).toMatchObject({ kind: 'sent' });
    const [request] = receiver.requests;
    expect(request?.method).toBe('POST');
    if (kind === 'sms') return;
    expect(request?.headers['content-type']).toMatch(/^application\/json/);
    schemas[kind].parse(JSON.parse(request?.body ?? ''));
    expect(request?.body).toContain('1.432 > 1.2'.replace('>', kind === 'slack' ? '&gt;' : kind === 'discord' ? '\\\\>' : '>'));
  });

  test('tries again later after a failure, a throttle, a silence and a broken connection', async () => {
    receiver.next({ kind: 'reply', status: 500, body: 'oops' });
    expect(await send(setups[kind]())).toMatchObject({ kind: 'retry', error: `${kind} answered 500: oops` });
    receiver.next({ kind: 'reply', status: 429, headers: { 'retry-after': '7' } });
    expect(await send(setups[kind]())).toMatchObject({ kind: 'retry', afterMs: 7_000 });
    receiver.next({ kind: 'close' });
    expect(await send(setups[kind]())).toMatchObject({ kind: 'retry' });
    receiver.next({ kind: 'silence' });
    const late = send(setups[kind]());
    await receiver.until(4);
    await host.advance(5_000);
    expect(await late).toMatchObject({ kind: 'retry', error: `${kind}: no reply within 5000 ms` });
  });

  test('takes a refusal as one, follows no redirect, and tells no secret', async () => {
    receiver.always(({ path, body, headers }) => ({ kind: 'reply', status: 400, body: `bad: ${path} ${/"routing_key":"[^"]+"/.exec(body)?.[0] ?? ''} ${headers.authorization ?? ''}` }));
    const refused = await send(setups[kind]());
    expect(refused.kind).toBe('refused');
    expect(JSON.stringify(refused)).not.toMatch(/secret-of|c2VjcmV0|Basic [A-Za-z0-9]/);
    receiver.always({ kind: 'reply', status: 302, headers: { location: 'http://127.0.0.1:1/elsewhere' } });
    expect(await send(setups[kind]())).toMatchObject({ kind: 'refused' });
  });

  test('a port that nobody listens on is tried again', async () => {
    const settings = setups[kind]();
    const closed = JSON.parse(JSON.stringify(settings).replaceAll(receiver.url, 'http://127.0.0.1:1')) as IntegrationSettings;
    expect(await send(closed)).toMatchObject({ kind: 'retry' });
  });
});

describe('slack', () => {
  const bot = () => integrationSettings.parse({ kind: 'slack', botToken: 'xoxb-secret', channel: 'C1', apiBaseUrl: `${receiver.url}/api` });

  test('by webhook the resolve is a second message that names the first, at most one a second', async () => {
    expect(await send(setups.slack(), exampleDelivery(resolvedRest, { firstId: 'n-1', firstSentAtMs: noonMs, receipt: {} }))).toEqual({ kind: 'sent', quietForMs: 1_000 });
    expect(receiver.requests[0]?.body).toContain('This ends the alert of 2026-01-01 12:00:00 UTC (n-1).');
  });

  test('with a bot the first message is posted and then edited', async () => {
    receiver.always({ kind: 'reply', status: 200, body: '{"ok":true,"ts":"17.5","channel":"C1"}' });
    const first = await send(bot());
    expect(first).toEqual({ kind: 'sent', quietForMs: 1_000, receipt: { ts: '17.5', channel: 'C1' } });
    await send(bot(), exampleDelivery(resolvedRest, { firstId: 'n-1', firstSentAtMs: noonMs, receipt: { ts: '17.5', channel: 'C1' } }));
    expect(receiver.requests.map(({ path, headers }) => [path, headers.authorization])).toEqual([['/api/chat.postMessage', 'Bearer xoxb-secret'], ['/api/chat.update', 'Bearer xoxb-secret']]);
    const edit = z.strictObject({ channel: z.literal('C1'), ts: z.literal('17.5'), text: z.string(), blocks: slackBlocks }).parse(JSON.parse(receiver.requests[1]?.body ?? ''));
    expect(edit.text).toContain('RESOLVED');
  });

  test('a message that can no longer be edited is followed by a new one; refusals inside a 200 are seen', async () => {
    receiver.next({ kind: 'reply', status: 200, body: '{"ok":false,"error":"message_not_found"}' }, { kind: 'reply', status: 200, body: '{"ok":true,"ts":"18","channel":"C1"}' });
    expect(await send(bot(), exampleDelivery(resolvedRest, { firstId: 'n-1', firstSentAtMs: noonMs, receipt: { ts: '1', channel: 'C1' } }))).toMatchObject({ kind: 'sent' });
    receiver.next({ kind: 'reply', status: 200, body: '{"ok":false,"error":"invalid_auth"}' });
    expect(await send(bot())).toEqual({ kind: 'refused', error: 'slack refused chat.postMessage: invalid_auth' });
    receiver.next({ kind: 'reply', status: 200, body: '{"ok":false,"error":"ratelimited"}', headers: { 'retry-after': '3' } });
    expect(await send(bot())).toMatchObject({ kind: 'retry', afterMs: 3_000 });
  });
});

test('discord: fractions of a second in the body, and a bucket that is used up', async () => {
  receiver.next({ kind: 'reply', status: 429, headers: { 'retry-after': '1' }, body: '{"message":"You are being rate limited.","retry_after":0.3,"global":false}' });
  expect(await send(setups.discord())).toMatchObject({ kind: 'retry', afterMs: 300 });
  receiver.next({ kind: 'reply', status: 204, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset-after': '1.5' } });
  expect(await send(setups.discord())).toEqual({ kind: 'sent', quietForMs: 1_500 });
});

test('a date in Retry-After is read against our clock', async () => {
  receiver.next({ kind: 'reply', status: 503, headers: { 'retry-after': new Date(noonMs + 90_000).toUTCString() } });
  expect(await send(setups.webhook())).toMatchObject({ kind: 'retry', afterMs: 90_000 });
});

describe('pagerduty', () => {
  const event = z.looseObject({ event_action: z.string(), dedup_key: z.string() });
  test('trigger, acknowledge and resolve of an episode have one key, the next episode another', async () => {
    receiver.always({ kind: 'reply', status: 202 });
    await send(setups.pagerduty());
    await send(setups.pagerduty(), exampleDelivery({ id: 'a', reason: 'acknowledged' }));
    await send(setups.pagerduty(), exampleDelivery(resolvedRest));
    await send(setups.pagerduty(), { ...exampleDelivery(), episode: 'another' });
    const events = receiver.requests.map(({ body }) => event.parse(JSON.parse(body)));
    expect(events.map(({ event_action }) => event_action)).toEqual(['trigger', 'acknowledge', 'resolve', 'trigger']);
    expect(new Set(events.slice(0, 3).map(({ dedup_key }) => dedup_key)).size).toBe(1);
    expect(events[3]?.dedup_key).not.toBe(events[0]?.dedup_key);
    expect(receiver.requests[2]?.body).toBe(JSON.stringify({ routing_key: 'secret-of-pagerduty', dedup_key: events[0]?.dedup_key, event_action: 'resolve' }));
  });

  test('a deploy is a change event', async () => {
    const settings = setups.pagerduty();
    if (settings.kind !== 'pagerduty') throw new Error('not PagerDuty');
    await sendChange(context(), { id: 'c', receiver: 'r', integration: { kind: 'pagerduty', index: 0 }, summary: 'api 1.4.2 deployed', source: 'sora', atMs: noonMs, details: { version: '1.4.2' } }, settings);
    expect(receiver.requests[0]?.path).toBe('/v2/change/enqueue');
    expect(JSON.parse(receiver.requests[0]?.body ?? '')).toEqual({ routing_key: 'secret-of-pagerduty', payload: { summary: 'api 1.4.2 deployed', source: 'sora', timestamp: '2026-01-01T12:00:00.000Z', custom_details: { version: '1.4.2' } } });
  });
});

describe('webhook', () => {
  test('is signed over id, time and body', async () => {
    await send(setups.webhook());
    const [request] = receiver.requests;
    expect(request?.headers).toMatchObject({ 'webhook-id': 'n-1', 'webhook-timestamp': String(noonMs / 1_000) });
    expect(request?.headers['webhook-signature']).toBe(signWebhook('whsec_c2VjcmV0', 'n-1', noonMs / 1_000, request?.body ?? ''));
  });

  test('the signature is that of the specification', () => {
    // Example of the Standard Webhooks specification.
    expect(signWebhook('whsec_plJ3nmyCDGBKInavdOK15jsl', 'msg_loFOjxBNrRLzqYUf', 1_731_705_121, '{"event_type":"ping","data":{"success":true}}')).toBe('v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=');
  });
});

describe('sms', () => {
  test('is the form that Twilio documents, with basic authentication', async () => {
    await send(setups.sms());
    const [request] = receiver.requests;
    expect(request).toMatchObject({ path: '/2010-04-01/Accounts/AC1/Messages.json', headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${Buffer.from('AC1:secret-of-twilio').toString('base64')}` } });
    const form = new URLSearchParams(request?.body);
    expect([...form.keys()]).toEqual(['To', 'Body', 'From']);
    expect(form.get('Body')).toContain('CRITICAL ApiLatencyHigh; 1.432 > 1.2; ack https://sora.example/ack/abc.def');
  });

  test('one number that took it is enough; the failure of another is logged without the number', async () => {
    const settings = integrationSettings.parse({ ...setups.sms(), to: ['+15550100001', '+15550100002'] });
    receiver.next({ kind: 'reply', status: 400, body: '{"message":"+15550100001 is not valid"}' });
    expect(await send(settings)).toEqual({ kind: 'sent' });
    expect(logged).toMatchObject([{ event: 'sms_partly_failed' }]);
    expect(JSON.stringify(logged)).not.toContain('0100001');
  });
});

test('log writes the message to the control plane\'s own log', async () => {
  expect(await send(integrationSettings.parse({ kind: 'log' }))).toEqual({ kind: 'sent' });
  expect(logged).toMatchObject([{ event: 'notification', notification: 'n-1', text: expect.stringContaining('Measured: 1.432 > 1.2') as string }]);
});

test('the annotation impact of a webhook is the figure and never the query', () => {
  const settings = integrationSettings.parse({ kind: 'webhook', url: 'https://x.example/' });
  if (settings.kind !== 'webhook') expect.fail('another kind');
  const annotations = { summary: 's', impact: 'sum(increase(x[5m])) # requests' };
  const impactsOf = (impact: string | undefined): unknown => {
    const { commonAnnotations, alerts } = renderWebhook(exampleDelivery({ alerts: [exampleAlert({}, { annotations, impact })], impact }), settings, limitOf);
    return [commonAnnotations['impact'], alerts[0]?.annotations['impact']];
  };
  expect(impactsOf('40 requests')).toEqual(['40 requests', '40 requests']);
  expect(impactsOf(undefined)).toEqual([undefined, undefined]);
});
