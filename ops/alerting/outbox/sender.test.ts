import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Registry } from 'prom-client';
import { createTestHost } from '../../core/test-host.ts';
import type { TestHost } from '../../core/test-host.ts';
import { exampleAlert, exampleNotification, noonMs, startReceiver } from '../notifiers/fixture.ts';
import type { Received, Receiver } from '../notifiers/fixture.ts';
import { integrationSettings } from '../notifiers/settings.ts';
import type { IntegrationSettings } from '../notifiers/settings.ts';
import type { Notification } from '../notification.ts';
import { createOutboxFixture } from './fixture.ts';
import type { OutboxFixture } from './fixture.ts';
import type { Sender } from './sender.ts';
import { watchOutbox } from './totals.ts';

let host: TestHost;
let fixture: OutboxFixture;
let receiver: Receiver;
let sender: Sender;
let settings: (receiver: string) => IntegrationSettings | undefined;

/** Time stands still unless moved; `host` is the one of the running test. */
const shared: TestHost = { ...createTestHost(), get clock() { return host.clock; }, get timers() { return host.timers; } };
beforeAll(async () => {
  host = createTestHost(noonMs);
  fixture = await createOutboxFixture(shared, { waitingMax: 5, criticalMax: 20 });
});
afterAll(() => fixture[Symbol.asyncDispose]());
beforeEach(async () => {
  host = createTestHost(noonMs);
  await fixture.database.pool.query(`begin; set local sora.thinning = 'on'; truncate alerting_outbox, alerting_outbox_episode, alerting_outbox_thread, alerting_outbox_total, event_log; commit`);
  receiver = await startReceiver();
  settings = () => integrationSettings.parse({ kind: 'webhook', url: receiver.url });
  sender = fixture.sender((name) => settings(name));
});
afterEach(async () => {
  await sender.stop();
  await receiver[Symbol.asyncDispose]();
  expect(fixture.errors.splice(0)).toEqual([]);
});

const fire = (id: string, rest: Partial<Notification> = {}): Notification => exampleNotification({ id, ...rest });
const resolve = (id: string, rest: Partial<Notification> = {}): Notification => fire(id, { status: 'resolved', reason: 'resolved', ...rest });
const enqueue = (...notifications: Notification[]) => fixture.write((client) => fixture.outbox.enqueue(client, notifications));
const idOf = (request: Received): string => String(request.headers['webhook-id']);
const ids = (): string[] => receiver.requests.map(idOf);
const episodes = (): string[] => receiver.requests.map((request) => (JSON.parse(request.body) as { sora: { episode: string } }).sora.episode);
/** Sends what is due now. */
async function run(): Promise<void> {
  sender.wake();
  await sender.settled();
}
async function pass(durationMs: number): Promise<void> {
  await host.advance(durationMs);
  await sender.settled();
}

describe('sending', () => {
  test('a committed notification wakes the sender at once, one that was rolled back is never sent', async () => {
    await sender.start();
    await sender.settled();
    await expect(fixture.write(async (client) => {
      await fixture.outbox.enqueue(client, [fire('gone')]);
      throw new Error('routing failed');
    })).rejects.toThrow('routing failed');
    await enqueue(fire('a'));
    // No timer runs here: the clock stands still.
    await receiver.until(1);
    await sender.settled();
    expect(ids()).toEqual(['a']);
    const phases = (await fixture.log.read({ kinds: ['notification'] })).map(({ details }) => (details.kind === 'notification' ? details.phase : ''));
    expect(phases).toEqual(['queued', 'sent']);
  });

  test('a sender whose connection was cut listens again', async () => {
    await sender.start();
    await sender.settled();
    await fixture.database.pool.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'listen %' or query like '%pg_locks%' and pid <> pg_backend_pid()`);
    while (fixture.errors.length === 0) await fixture.database.pool.query('select 1');
    expect(fixture.errors.splice(0)).toHaveLength(1);
    await pass(1_000);
    await enqueue(fire('a'));
    await receiver.until(1);
    await sender.settled();
    expect(ids()).toEqual(['a']);
    expect(sender.lookedAtMs()).toBe(host.clock.nowMs());
  });

  test('an id is taken once', async () => {
    expect(await enqueue(fire('a'), fire('a'))).toEqual({ queued: 1, known: 1, dropped: 0 });
    await run();
    expect(await enqueue(fire('a'))).toEqual({ queued: 0, known: 1, dropped: 0 });
    await run();
    expect(ids()).toEqual(['a']);
  });

  test('values that JSON has no words for arrive as they are', async () => {
    await enqueue(fire('a', { alerts: [exampleAlert({}, { value: Number.NaN })] }));
    await run();
    expect(receiver.requests[0]?.body).toContain('"measured":"NaN > 1.2"');
  });
});

describe('order and episodes', () => {
  test('a resolve never overtakes its fire, while other groups go on', async () => {
    receiver.next({ kind: 'reply', status: 500 });
    await enqueue(fire('fire'));
    await run();
    await enqueue(resolve('resolve'), fire('other', { groupKey: 'other' }));
    await run();
    expect(ids()).toEqual(['fire', 'other']);
    await sender.start();
    await pass(2_000);
    expect(ids()).toEqual(['fire', 'other', 'fire', 'resolve']);
  });

  test('an episode lasts from fire to resolve', async () => {
    await enqueue(fire('f1'), fire('r1', { reason: 'repeat' }), resolve('e1'));
    await enqueue(fire('f2'));
    await enqueue(resolve('e2'));
    await run();
    const [first, again, end, second, secondEnd] = episodes();
    expect([again, end]).toEqual([first, first]);
    expect(second).not.toBe(first);
    expect(secondEnd).toBe(second);
  });

  test('the more severe goes first', async () => {
    settings = () => integrationSettings.parse({ kind: 'slack', webhookUrl: receiver.url });
    const slack = { integration: { kind: 'slack', index: 0 } } as const;
    await enqueue(fire('low', { ...slack, groupKey: 'l', severity: 'low' }), fire('critical', { ...slack, groupKey: 'c', severity: 'critical' }));
    await run();
    expect((await fixture.states()).map(({ item_id, state }) => [item_id, state])).toEqual([['low', 'waiting'], ['critical', 'sent']]);
    // Slack takes one message a second.
    await sender.start();
    await pass(999);
    expect(receiver.requests).toHaveLength(1);
    await pass(1);
    expect(receiver.requests).toHaveLength(2);
  });
});

describe('failure', () => {
  test('is tried again with growing pauses and recorded once', async () => {
    receiver.always({ kind: 'reply', status: 503 });
    await enqueue(fire('a'));
    await sender.start();
    await sender.settled();
    for (let second = 0; second < 40; second++) await pass(1_000);
    expect(receiver.requests.length).toBeGreaterThanOrEqual(5);
    expect(receiver.requests.length).toBeLessThanOrEqual(9);
    receiver.always({ kind: 'reply', status: 200 });
    for (let second = 0; second < 61; second++) await pass(1_000);
    expect(await fixture.states()).toMatchObject([{ item_id: 'a', state: 'sent', last_error: null }]);
    const phases = (await fixture.log.read({ kinds: ['notification'] })).map(({ details }) => (details.kind === 'notification' ? details.phase : ''));
    expect(phases).toEqual(['queued', 'failed', 'sent']);
  });

  test('Retry-After holds back everything for that receiver', async () => {
    receiver.next({ kind: 'reply', status: 429, headers: { 'retry-after': '30' } });
    await enqueue(fire('a'));
    await sender.start();
    await sender.settled();
    await enqueue(fire('b', { groupKey: 'other' }));
    for (let second = 0; second < 29; second++) await pass(1_000);
    expect(ids()).toEqual(['a']);
    await pass(2_000);
    expect(ids().toSorted()).toEqual(['a', 'a', 'b']);
  });

  test('ends as a dead letter with an event and a count, and frees the lane', async () => {
    receiver.always((request) => ({ kind: 'reply', status: idOf(request) === 'a' ? 404 : 200, body: 'no such hook' }));
    await enqueue(fire('a'), fire('b', { reason: 'repeat' }));
    await sender.start();
    await sender.settled();
    for (let second = 0; second < 5; second++) await pass(1_000);
    expect(await fixture.states()).toEqual([
      { item_id: 'a', state: 'dead', attempts: 3, last_error: 'webhook answered 404: no such hook' },
      { item_id: 'b', state: 'sent', attempts: 1, last_error: null },
    ]);
    const dead = (await fixture.log.read({ kinds: ['notification'] })).filter(({ details }) => details.kind === 'notification' && details.phase === 'dead');
    expect(dead).toMatchObject([{ details: { notificationId: 'a', error: 'webhook answered 404: no such hook' } }]);
    const registry = new Registry();
    watchOutbox(registry, fixture.database.pool, host, (error) => fixture.errors.push(error));
    const text = await registry.metrics();
    expect(text).toContain('sora_notifications_total{outcome="dead",integration="webhook",severity="critical"} 1');
    expect(text).toContain('sora_notifications_total{outcome="sent",integration="webhook",severity="critical"} 1');
    expect(text).toContain('sora_notifications_waiting 0');
  });

  test('a critical one is given up after an hour', async () => {
    receiver.always({ kind: 'close' });
    await enqueue(fire('a'));
    await sender.start();
    await sender.settled();
    for (let minute = 0; minute < 61; minute++) await pass(60_000);
    expect(await fixture.states()).toMatchObject([{ state: 'dead' }]);
    expect(receiver.requests.length).toBeGreaterThan(50);
  });

  test('an integration that the configuration no longer has is a dead letter', async () => {
    settings = () => undefined;
    await enqueue(fire('a'));
    await sender.start();
    await sender.settled();
    for (let second = 0; second < 5; second++) await pass(1_000);
    expect(await fixture.states()).toMatchObject([{ state: 'dead', last_error: 'the configuration has no integration webhook of the receiver oncall any more' }]);
  });
});

test('beyond the bound the oldest of the lowest severity is dropped and counted, a critical one only beyond a second', async () => {
  const many = (prefix: string, severity: Notification['severity'], count: number): Notification[] => Array.from({ length: count }, (_, index) => fire(`${prefix}${index}`, { groupKey: `${prefix}${index}`, severity }));
  await enqueue(...many('low', 'low', 2), ...many('high', 'high', 2));
  expect(await enqueue(...many('critical', 'critical', 3))).toEqual({ queued: 3, known: 0, dropped: 2 });
  expect(await enqueue(...many('more', 'critical', 3))).toEqual({ queued: 3, known: 0, dropped: 2 });
  const states = await fixture.states();
  expect(states.filter(({ state }) => state === 'dropped').map(({ item_id }) => item_id)).toEqual(['low0', 'low1', 'high0', 'high1']);
  expect(states.filter(({ state }) => state === 'waiting')).toHaveLength(6);
  expect(await enqueue(...many('last', 'critical', 16))).toEqual({ queued: 16, known: 0, dropped: 2 });
  expect((await fixture.states()).filter(({ state }) => state === 'dropped').map(({ item_id }) => item_id).slice(4)).toEqual(['critical0', 'critical1']);
  const { rows } = await fixture.database.pool.query(`select severity, items from alerting_outbox_total where outcome = 'dropped' order by severity`);
  expect(rows).toEqual([{ severity: 'critical', items: 2 }, { severity: 'high', items: 2 }, { severity: 'low', items: 2 }]);
});

test('the end of an alert is tried for a day, but not while the alert fires again behind it', async () => {
  receiver.always({ kind: 'close' });
  await enqueue(fire('a'), resolve('a-end'), fire('b', { groupKey: 'other' }), resolve('b-end', { groupKey: 'other' }));
  await enqueue(fire('b-again', { groupKey: 'other' }));
  const { rows } = await fixture.database.pool.query(`select item_id, (give_up_at_ms - queued_at_ms) / 3600000 as hours from alerting_outbox order by sequence`);
  expect(rows).toEqual([['a', 1], ['a-end', 24], ['b', 1], ['b-end', 1], ['b-again', 1]].map(([item_id, hours]) => ({ item_id, hours })));
});

test('what does not know a message again gets one at a time, so that a crash repeats one at most', async () => {
  const kinds = ['email', 'sms', 'slack', 'discord', 'webhook', 'pagerduty'] as const;
  let asked: string[] = [];
  const release = Promise.withResolvers<void>();
  // Nothing is answered until all that is sent at once has been asked for.
  const own = fixture.sender(() => integrationSettings.parse({ kind: 'webhook', url: receiver.url }));
  receiver.always(async (request) => {
    asked.push(idOf(request));
    await release.promise;
    return { kind: 'reply', status: 200 };
  });
  for (const kind of kinds) await enqueue(...[0, 1].map((nth) => fire(`${kind}${nth}`, { integration: { kind, index: 0 }, groupKey: `${kind}${nth}` })));
  own.wake();
  await receiver.until(8);
  asked = asked.toSorted();
  expect(asked).toEqual(['discord0', 'email0', 'pagerduty0', 'pagerduty1', 'slack0', 'sms0', 'webhook0', 'webhook1']);
  release.resolve();
  await own.stop();
});

test('an acknowledgement reaches PagerDuty where the incident is open, once', async () => {
  const pagerduty = { receiver: 'pager', integration: { kind: 'pagerduty', index: 0 } } as const;
  settings = (name) => (name === 'pager' ? integrationSettings.parse({ kind: 'pagerduty', routingKey: 'key', apiBaseUrl: receiver.url }) : integrationSettings.parse({ kind: 'webhook', url: receiver.url }));
  receiver.always({ kind: 'reply', status: 202 });
  const acknowledge = () => fixture.write((client) => fixture.outbox.enqueueAcknowledgement(client, { groupKey: fire('x').groupKey, actor: 'kim', atMs: noonMs }));
  await enqueue(fire('p', pagerduty), fire('w'));
  expect((await acknowledge()).queued).toBe(1);
  expect((await acknowledge())).toEqual({ queued: 0, known: 1, dropped: 0 });
  await enqueue(resolve('end', pagerduty));
  expect((await acknowledge()).queued).toBe(0);
  await run();
  const sent = receiver.requests.filter((request) => request.path === '/v2/enqueue').map((request) => JSON.parse(request.body) as { event_action: string; dedup_key: string });
  expect(sent.map(({ event_action }) => event_action)).toEqual(['trigger', 'acknowledge', 'resolve']);
  expect(new Set(sent.map(({ dedup_key }) => dedup_key)).size).toBe(1);
});

test('a notice that a silence ends is of no episode: the end of the fire edits the message of the fire', async () => {
  let sent = 0;
  settings = () => integrationSettings.parse({ kind: 'slack', botToken: 'xoxb-1', channel: 'C1', apiBaseUrl: receiver.url });
  receiver.always(() => ({ kind: 'reply', status: 200, body: JSON.stringify({ ok: true, ts: String(++sent), channel: 'C1' }) }));
  const slack = { integration: { kind: 'slack', index: 0 } } as const;
  const notice = (id: string): Notification => fire(id, { ...slack, reason: 'silence-expiry' });
  await sender.start();
  await enqueue(notice('notice-before'), fire('fire', slack), notice('notice-between'));
  await enqueue(resolve('end', slack));
  await sender.settled();
  for (let second = 0; second < 8; second++) await pass(1_100);
  const asked = receiver.requests.map(({ path, body }) => [path, (JSON.parse(body) as { ts?: string }).ts]);
  expect(asked).toEqual([['/chat.postMessage', undefined], ['/chat.postMessage', undefined], ['/chat.postMessage', undefined], ['/chat.update', '2']]);
  const open = await fixture.database.pool.query('select episode from alerting_outbox_episode where is_open');
  expect(open.rows).toEqual([]);
});

test('PagerDuty has one incident for each episode, whatever fails and comes twice', async () => {
  settings = () => integrationSettings.parse({ kind: 'pagerduty', routingKey: 'key', apiBaseUrl: receiver.url });
  /** As PagerDuty documents it: a trigger joins the open incident of its key or makes one; others of a closed key are dropped. */
  const incidents: { key: string; open: boolean }[] = [];
  let turn = 0;
  receiver.always(({ body }) => {
    const fate = turn++ % 4;
    if (fate === 0) return { kind: 'reply', status: 500 };
    const { dedup_key: key, event_action: action } = JSON.parse(body) as { dedup_key: string; event_action: string };
    const open = incidents.find((incident) => incident.key === key && incident.open);
    if (action === 'trigger' && open === undefined) incidents.push({ key, open: true });
    if (action === 'resolve' && open !== undefined) open.open = false;
    // Taken, but we do not learn of it: it comes again.
    return fate === 1 ? { kind: 'close' } : { kind: 'reply', status: 202 };
  });
  const pagerduty = { integration: { kind: 'pagerduty', index: 0 } } as const;
  await sender.start();
  for (let episode = 0; episode < 3; episode++) {
    await enqueue(fire(`fire-${episode}`, pagerduty), fire(`repeat-${episode}`, { ...pagerduty, reason: 'repeat' }));
    await enqueue(resolve(`end-${episode}`, pagerduty));
  }
  await run();
  for (let second = 0; second < 120; second++) await pass(1_000);
  expect(new Set((await fixture.states()).map(({ state }) => state))).toEqual(new Set(['sent']));
  expect(incidents.map(({ open }) => open)).toEqual([false, false, false]);
  expect(new Set(incidents.map(({ key }) => key)).size).toBe(3);
});

test('settled items and closed threads are forgotten after a while', async () => {
  await enqueue(fire('a'), resolve('b'));
  await sender.start();
  await sender.settled();
  await pass(3_600_000);
  expect(await fixture.states()).toHaveLength(2);
  // Forty days ago, as far as the rows know: moving the clock that far would run its timers a million times.
  for (const [table, column] of [['alerting_outbox', 'settled_at_ms'], ['alerting_outbox_thread', 'changed_at_ms'], ['alerting_outbox_episode', 'changed_at_ms']]) {
    await fixture.database.pool.query(`update ${table} set ${column} = ${column} - 40::bigint * 86400000`);
  }
  await pass(3_600_000);
  await sender.stop();
  const rows = await fixture.database.pool.query('select 1 from alerting_outbox union all select 1 from alerting_outbox_thread union all select 1 from alerting_outbox_episode');
  expect(rows.rowCount).toBe(0);
});
