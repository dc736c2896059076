import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { limitOf } from './comparison.ts';
import { exampleAlert, exampleDelivery, noonMs, resolvedRest } from './fixture.ts';
import { describe as describeDelivery, plainText } from './message.ts';
import { renderDiscord } from './discord.ts';
import { renderPagerduty } from './pagerduty.ts';
import { renderSlack } from './slack.ts';
import { countSegments, renderSms } from './sms.ts';
import { rehearsalLabel } from '../alert.ts';
import type { Notification } from '../notification.ts';

const context = { limitOf };
const messageOf = (rest: Partial<Notification> = {}, thread?: Parameters<typeof exampleDelivery>[1]) => describeDelivery(exampleDelivery(rest, thread), context);

test('says what broke, how far, since when, who is hit, what changed and where to go', () => {
  expect(plainText(messageOf())).toBe([
    '[FIRING critical] ApiLatencyHigh (api)', 'The API is slow', 'p95 of the API is above its limit', '',
    'Measured: 1.432 > 1.2', 'Since: 2026-01-01 11:57:30 UTC (2m30s)', 'Affected: 1,200 requests/min', '',
    'What changed in the 30 min before:', '- 11:55:00 deploy: api 1.4.2 (0123456789ab) by kim (2m30s before it began)', '',
    'Acknowledge: https://sora.example/ack/abc.def', 'Runbook: https://runbooks.example/api-latency',
  ].join('\n'));
});

test('the end names the first message and how long it lasted, and asks for no acknowledgement', () => {
  const message = messageOf(resolvedRest, { firstId: 'n-1', firstSentAtMs: noonMs, receipt: {} });
  expect(message.title).toBe('[RESOLVED critical] ApiLatencyHigh (api)');
  expect(message.why).toBe('This ends the alert of 2026-01-01 12:00:00 UTC (n-1).');
  expect(message.facts).toContainEqual({ name: 'Lasted', value: '3m30s, from 2026-01-01 11:57:30 UTC' });
  expect(message.ackUrl).toBeUndefined();
});

test('a group of several lists each with what tells it apart', () => {
  const alerts = [exampleAlert({ instance: 'api-1' }), exampleAlert({ instance: 'api-2', api_key: 'k' }, { value: 2 })];
  const message = messageOf({ alerts, alertsOmitted: 3 });
  expect(message.title).toBe('[FIRING 5 critical] ApiLatencyHigh (api)');
  expect(message.alerts.map(({ name, measured }) => [name, measured])).toEqual([['ApiLatencyHigh instance=api-1', '1.432 > 1.2'], ['ApiLatencyHigh instance=api-2 api_key=[redacted]', '2 > 1.2']]);
  expect(plainText(message)).toContain('- and 3 more');
});

test.each([
  ['escalation', 'kim', 'Escalated to kim: nobody has acknowledged it.'],
  ['acknowledged', 'kim', 'Acknowledged by kim.'],
  ['repeat', undefined, 'It still fires.'],
] as const)('says why it comes: %s', (reason, to, why) => {
  expect(messageOf({ reason, to }).why).toBe(why);
});

test('a notice says whose silence ends, when and why it was made', () => {
  const silence = { id: 's1', author: 'ada', comment: 'the new index is being built', endsAtMs: noonMs + 600_000, matchers: ['alertname="ApiLatencyHigh"', 'service=~"api|web"'] };
  const message = messageOf({ reason: 'silence-expiry', to: 'ada', silence });
  expect(message.title).toBe('[SILENCE ENDS critical] ApiLatencyHigh (api)');
  expect(message.why).toBe('The silence by ada ends at 2026-01-01 12:10:00 UTC (in 10m): the new index is being built');
  const empty = messageOf({ reason: 'silence-expiry', silence, alerts: [], severity: 'low', groupLabels: {}, commonLabels: {}, commonAnnotations: {} });
  expect([empty.title, empty.summary]).toEqual(['[SILENCE ENDS low] alertname="ApiLatencyHigh" service=~"api|web"', 'It holds no alert back now.']);
});

test('a rehearsal says so, and a path to a runbook becomes a link where there is a base address', () => {
  const labels = { alertname: 'A', [rehearsalLabel]: 'drill-7' };
  expect(messageOf({ commonLabels: labels }).title).toBe('[rehearsal drill-7] [FIRING critical] A');
  const delivery = exampleDelivery({ commonAnnotations: { runbook: 'runbooks/api.md' } });
  expect(describeDelivery(delivery, { limitOf, runbookBaseUrl: 'https://git.example/sora/' }).runbookUrl).toBe('https://git.example/sora/runbooks/api.md');
  expect(describeDelivery(delivery, context).facts).toContainEqual({ name: 'Runbook', value: 'runbooks/api.md' });
});

const anyText = fc.string({ unit: 'binary', maxLength: 3_000 });
const anyNotification: fc.Arbitrary<Partial<Notification>> = fc.record({
  alerts: fc.array(fc.record({ instance: anyText, summary: anyText, value: fc.double() }), { maxLength: 50 }).map((given) => given.map(({ instance, summary, value }) => exampleAlert({ instance }, { value, annotations: { summary, description: summary } }))),
  commonAnnotations: fc.record({ summary: anyText, description: anyText }),
  impact: anyText,
  changes: fc.array(anyText.map((text) => ({ kind: 'config' as const, atMs: noonMs, text })), { maxLength: 20 }),
  severity: fc.constantFrom('critical', 'high', 'medium', 'low'),
  reason: fc.constantFrom('new', 'repeat', 'escalation'),
});

test('whatever an alert holds, each receiver is given what it takes', () => {
  fc.assert(fc.property(anyNotification, (rest) => {
    const delivery = exampleDelivery(rest);
    const message = describeDelivery(delivery, context);
    const slack = renderSlack(message);
    expect(slack.blocks.length).toBeLessThanOrEqual(50);
    expect(JSON.stringify(slack.blocks).length).toBeLessThanOrEqual(13_200);
    for (const block of slack.blocks) {
      if (block.type === 'header') expect(block.text.text.length).toBeLessThanOrEqual(150);
      if (block.type === 'section' && 'text' in block) expect(block.text.text.length).toBeLessThanOrEqual(3_000);
      if (block.type === 'section' && 'fields' in block) for (const { text } of block.fields) expect(text.length).toBeLessThanOrEqual(2_000);
    }
    expect(slack.blocks.at(-1)?.type).toBe('actions');
    const embed = renderDiscord(message, 'id', noonMs).embeds[0];
    expect(embed?.title.length).toBeLessThanOrEqual(256);
    expect((embed?.fields ?? []).reduce((sum, { name, value }) => sum + name.length + value.length, (embed?.title.length ?? 0) + (embed?.description.length ?? 0) + (embed?.footer.text.length ?? 0))).toBeLessThanOrEqual(6_000);
    for (const { name, value } of embed?.fields ?? []) expect([name.length <= 256, value.length <= 1_024 && value.length > 0]).toEqual([true, true]);
    expect(countSegments(renderSms(message, delivery, 2))).toBeLessThanOrEqual(2);
    const event = renderPagerduty(message, delivery, 'key');
    expect(event.payload?.summary.length).toBeLessThanOrEqual(1_024);
    expect(event.dedup_key.length).toBeLessThanOrEqual(255);
    expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(512 * 1_024);
  }), { numRuns: 60 });
});

test('no text can mention people or break out of a message', () => {
  const summary = '<!channel> @everyone <script>alert(1)</script> [x](http://evil) *b*';
  const message = messageOf({ commonAnnotations: { summary } });
  expect(JSON.stringify(renderSlack(message))).toContain('&lt;!channel&gt; @everyone &lt;script&gt;');
  const discord = renderDiscord(message, 'id', noonMs);
  expect(discord.allowed_mentions).toEqual({ parse: [] });
  expect(discord.embeds[0]?.description).toContain(String.raw`\[x\](http://evil)`);
});

test('an SMS keeps the links whole, whatever else there is to say', () => {
  const rest = {
    ackUrl: `https://sora.example/ack/${'a'.repeat(110)}`, impact: 'about 1,200 requests a minute of the web shop and the apps', to: 'kim',
    commonAnnotations: { summary: 'The API is slow for most of the users in every region', runbook: 'https://git.example/sora/blob/main/runbooks/user-latency-high.md' },
  };
  const delivery = exampleDelivery(rest);
  const text = renderSms(describeDelivery(delivery, context), delivery, 2);
  expect(text).toBe(`CRITICAL ApiLatencyHigh; 1.432 > 1.2; ack ${rest.ackUrl}; ${rest.commonAnnotations.runbook}; since 11:57Z`);
  expect(countSegments(text)).toBe(2);
});

test('an SMS names the runbook by its path where it has no address, and what changed last', () => {
  const delivery = exampleDelivery({ commonAnnotations: { summary: 'The API is slow', runbook: 'runbooks/api-latency-high.md' } });
  expect(renderSms(describeDelivery(delivery, context), delivery, 3)).toBe('CRITICAL ApiLatencyHigh; 1.432 > 1.2; ack https://sora.example/ack/abc.def; runbooks/api-latency-high.md; since 11:57Z; 1,200 requests/min; The API is slow; 11:55:00 deploy: api 1.4.2 (0123456789ab) by kim (2m30s before it began)');
});

test('segments are counted as operators bill them', () => {
  expect(countSegments('a'.repeat(160))).toBe(1);
  expect(countSegments('a'.repeat(161))).toBe(2);
  expect(countSegments('€'.repeat(81))).toBe(2);
  expect(countSegments('п'.repeat(70))).toBe(1);
  expect(countSegments('п'.repeat(71))).toBe(2);
  expect(renderSms(messageOf(), exampleDelivery(), 2)).toBe('CRITICAL ApiLatencyHigh; 1.432 > 1.2; ack https://sora.example/ack/abc.def; https://runbooks.example/api-latency; since 11:57Z; 1,200 requests/min; The API is slow; 11:55:00 deploy: api 1.4.2 (0123456789ab) by kim (2m30s before it began)');
});
