import type { PoolClient } from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openControlDatabase } from '../../control/database.ts';
import type { ControlDatabase } from '../../control/database.ts';
import { createEventLog } from '../../core/event-log/log.ts';
import { createTestHost } from '../../core/test-host.ts';
import type { TestHost } from '../../core/test-host.ts';
import { createTestDatabase } from '../../../tests/database.ts';
import type { TestDatabase } from '../../../tests/database.ts';
import type { Notification } from '../notification.ts';
import { parseOncall } from '../oncall/config.ts';
import { createOutbox } from '../outbox/outbox.ts';
import { acknowledge, addOverride, createSilence, expireSilence, findTarget } from './actions.ts';
import { parseRouting } from './config.ts';
import { alertOf, startMs } from './fixture.ts';
import { createRouting } from './service.ts';
import type { Routing, RoutingDeps } from './service.ts';
import { loadState } from './store.ts';

const routingText = `
route: { receiver: team, group_by: [alertname], group_wait: 0s, group_interval: 1m, repeat_interval: 1h }
receivers: [{ name: team, webhook_configs: [{ url: 'http://127.0.0.1:9/' }] }]
`;
const oncall = parseOncall('oncall.yaml', `
people: { ada: {}, bob: {} }
schedules: { primary: { time_zone: UTC, layers: [{ rotation: weekly, start: 2026-01-05, handover: '09:00', people: [ada] }] } }
policies: { page: { steps: [{ schedule: primary }] } }
`, {});

let testDatabase: TestDatabase;
let database: ControlDatabase;
let host: TestHost;
let routing: Routing;
let queued: Notification[];
let failing: Error | undefined;
const errors: unknown[] = [];

async function start(overrides: Partial<RoutingDeps> = {}): Promise<Routing> {
  const log = createEventLog(database.pool);
  const outbox = createOutbox({ host, appendEvents: (client, events) => log.appendWith(client, events) });
  return createRouting({
    host,
    loaded: { config: parseRouting('routing.yaml', routingText), oncall, notes: [], findSettings: () => undefined },
    remembered: await loadState(database.pool),
    transaction: database.transaction,
    enqueue: async (client, notifications) => {
      await outbox.enqueue(client, notifications);
      if (failing !== undefined) throw failing;
      queued.push(...notifications);
    },
    enqueueAcknowledgement: (client, acknowledgement) => outbox.enqueueAcknowledgement(client, acknowledgement),
    appendEvents: (client, events) => log.appendWith(client, events),
    readChanges: () => Promise.resolve([{ kind: 'deploy', atMs: startMs, text: 'api 1.2' }]),
    onError: (error) => void errors.push(error),
    ...overrides,
  });
}

beforeEach(async () => {
  testDatabase = await createTestDatabase({ migrate: false });
  host = createTestHost(startMs);
  database = openControlDatabase(host, testDatabase.url);
  await database.migrate();
  queued = [];
  failing = undefined;
  errors.length = 0;
  routing = await start();
});

afterEach(async () => {
  await routing.stop();
  await database.close();
  await testDatabase[Symbol.asyncDispose]();
});

const rows = async (client: Pick<PoolClient, 'query'>, text: string): Promise<unknown[]> => (await client.query(text)).rows;
const alert = alertOf({ alertname: 'A', severity: 'critical' });

describe('the routing service', () => {
  test('queues a message as soon as it hears of an alert, with what changed lately, in the transaction that keeps the state', async () => {
    routing.onAlerts([alert]);
    await routing.settled();
    expect(queued).toMatchObject([{ reason: 'new', receiver: 'team', changes: [{ text: 'api 1.2' }] }]);
    expect(await rows(database.pool, 'select item_id from alerting_outbox')).toEqual([{ item_id: queued[0]?.id }]);
    expect((await loadState(database.pool)).state.groups).toEqual(JSON.parse(JSON.stringify(routing.remembered().state.groups)));
  });

  test('remembers after a restart what it told, whatever it was doing', async () => {
    routing.onAlerts([alert]);
    await routing.settled();
    routing = await start();
    routing.onAlerts([alert]);
    await routing.settled();
    expect(queued).toHaveLength(1);
    routing.onAlerts([alertOf(alert.labels, { endsAtMs: startMs })]);
    await host.advance(60_000);
    await routing.settled();
    expect(queued.map(({ reason }) => reason)).toEqual(['new', 'resolved']);
    expect(await rows(database.pool, 'select * from alerting_group')).toEqual([]);
  });

  test('forgets with its transaction what it decided, and decides it again with the same id', async () => {
    failing = new Error('the database is away');
    routing.onAlerts([alert]);
    await routing.settled();
    expect(errors).toEqual([failing]);
    expect(await rows(database.pool, 'select item_id from alerting_outbox')).toEqual([]);
    const lost = routing.remembered().state.groups;
    expect(lost).toEqual({});
    const askedAtMs = host.clock.nowMs();
    failing = undefined;
    await host.advance(999);
    expect(routing.undecidedSinceMs()).toBe(askedAtMs);
    await host.advance(1);
    await routing.settled();
    expect(routing.undecidedSinceMs()).toBeUndefined();
    expect(queued).toHaveLength(1);
    expect(routing.counts()).toMatchObject({ failures: 1, notifications: 1 });
  });

  test('writes nothing while nothing changes but values', async () => {
    routing.onAlerts([alert]);
    await routing.settled();
    let transactions = 0;
    await routing.stop();
    routing = await start({ transaction: (work) => ((transactions += 1), database.transaction(work)) });
    for (let evaluation = 0; evaluation < 5; evaluation++) {
      routing.onAlerts([{ ...alert, value: evaluation, annotations: { summary: `${evaluation}` } }]);
      await routing.settled();
      await host.advance(60_000);
    }
    await routing.settled();
    expect(transactions).toBe(0);
  });

  test('does not wait for what changed lately longer than a message may', async () => {
    await routing.stop();
    routing = await start({ readChanges: () => new Promise(() => undefined) });
    routing.onAlerts([alert]);
    await new Promise(setImmediate);
    await host.advance(400);
    await routing.settled();
    expect(queued).toMatchObject([{ reason: 'new', changes: [] }]);
  });

  test('keeps silences, acknowledgements and overrides, each with its event', async () => {
    routing.onAlerts([alert]);
    await routing.settled();
    await routing.change((before, observed, nowMs) => acknowledge(before, { fingerprints: findTarget(observed, alert.fingerprint.slice(0, 6)).fingerprints, by: 'ada', via: 'cli' }, nowMs));
    const silence = await routing.change((before, _, nowMs) => createSilence(before, { id: 's1', matchers: [{ name: 'alertname', operator: '=', value: 'A' }], startsAtMs: nowMs, endsAtMs: nowMs + 3_600_000, author: 'ada', comment: 'known' }, nowMs));
    await routing.change((before, _, nowMs) => addOverride(before, routing.loaded.oncall, { id: 'o1', schedule: 'primary', person: 'bob', fromMs: nowMs, toMs: nowMs + 3_600_000 }, 'ada', nowMs));
    await routing.settled();
    const kept = await loadState(database.pool);
    expect(kept.state.acks).toEqual({ [alert.fingerprint]: { fingerprint: alert.fingerprint, by: 'ada', atMs: startMs } });
    expect(kept.state.silences).toEqual([silence]);
    expect(kept.overrides).toMatchObject([{ person: 'bob' }]);
    await routing.change((before, _, nowMs) => expireSilence(before, 's1', 'ada', nowMs));
    const events = await createEventLog(database.pool).read({ kinds: ['ack', 'silence', 'oncall-override'] });
    expect(events.map(({ details, actor }) => `${actor} ${details.kind}${details.kind === 'silence' ? ` ${details.phase}` : ''}`)).toEqual(['ada ack', 'ada silence created', 'ada oncall-override', 'ada silence ended']);
  });

  test('refuses what makes no sense, and goes on', async () => {
    const silence = (matchers: string, endsAtMs: number): Promise<unknown> => routing.change((before, _, nowMs) => createSilence(before, { id: 's', matchers: [{ name: 'a', operator: '=~', value: matchers }], startsAtMs: nowMs, endsAtMs, author: 'ada', comment: 'c' }, nowMs));
    await expect(silence('.*', startMs + 1)).rejects.toThrow('would silence every alert');
    await expect(silence('x', startMs)).rejects.toThrow('must end after it starts');
    await expect(silence('x', startMs + 40 * 86_400_000)).rejects.toThrow('lasts at most 30 days');
    await expect(routing.change((_, observed) => findTarget(observed, 'feed') as never)).rejects.toThrow('no firing alert or group');
    routing.onAlerts([alert]);
    await routing.settled();
    expect(queued).toHaveLength(1);
  });
});
