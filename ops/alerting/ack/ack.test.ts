import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestHost } from '../../core/test-host.ts';
import { acknowledge } from '../routing/actions.ts';
import { parseRouting } from '../routing/config.ts';
import { alertOf, startMs } from '../routing/fixture.ts';
import { createRouting } from '../routing/service.ts';
import type { Routing } from '../routing/service.ts';
import { ackKey, emptyState, isAcknowledged } from '../routing/state.ts';
import { testLinkKey } from '../routing/test-receiver.ts';
import { viewAlerts } from '../routing/view.ts';
import { ackRoutes, ackUrls } from './routes.ts';
import { groupIdOf, readAck, signAck } from './token.ts';

const key = 'a key of the stack that nobody knows';
const config = parseRouting('routing.yaml', `
route: { receiver: team, group_by: [alertname], group_wait: 0s }
receivers: [{ name: team, webhook_configs: [{ url: 'http://127.0.0.1:9/' }] }]
`);
const groupKey = '{}:{alertname="A"}';
const hostile = alertOf({ alertname: 'A', severity: 'critical', instance: '1' });
const alerts = [{ ...hostile, annotations: { summary: '<script>alert("x")</script>', runbook: 'runbooks/a.md' } }, alertOf({ alertname: 'A', severity: 'critical', instance: '2' })];

let host = createTestHost(startMs);
let routing: Routing;
let acknowledged: string[];
let server: Server;
let base = '';

function startRouting(routes = config): Routing {
  return createRouting({
    host,
    loaded: { config: routes, oncall: { people: {}, schedules: {}, policies: {} }, notes: [], findSettings: () => undefined },
    remembered: { state: emptyState, overrides: [] },
    // Everything is kept in memory: what is written has a test of its own.
    transaction: (work) => work({ query: () => Promise.resolve({ rows: [] }) } as never),
    enqueue: () => Promise.resolve(),
    enqueueAcknowledgement: (_, one) => Promise.resolve(void acknowledged.push(`${one.groupKey} ${one.actor}`)),
    appendEvents: () => Promise.resolve(),
    readChanges: () => Promise.resolve([]),
    onError: (error) => {
      throw error;
    },
  });
}

beforeAll(async () => {
  const app = express();
  app.use('/ack', (request, response, next) => void ackRoutes({ host, routing, key, runbookBaseUrl: 'https://git.example/sora' })(request, response, next));
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());
beforeEach(async () => {
  host = createTestHost(startMs);
  acknowledged = [];
  routing = startRouting();
  routing.onAlerts(alerts);
  await routing.settled();
});

const link = (): string => ackUrls(key, base)(groupKey, host.clock.nowMs());
const fields = async (url: string): Promise<string> => /name="fingerprints" value="([^"]*)"/.exec(await (await fetch(url)).text())?.[1] ?? '';
const submit = (url: string, body: Record<string, string>): Promise<Response> => fetch(url, { method: 'POST', body: new URLSearchParams(body) });

describe('an acknowledge link', () => {
  test('shows what it is about and does nothing by itself, however often it is opened', async () => {
    for (const method of ['GET', 'HEAD', 'GET']) await fetch(link(), { method });
    const response = await fetch(link());
    const page = await response.text();
    expect(response.status).toBe(200);
    expect(page).toContain('critical, 2 alerts');
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toContain('<script');
    expect(page).toContain('<a href="https://git.example/sora/runbooks/a.md">runbooks/a.md</a>');
    expect(page).toContain('prefers-color-scheme: dark');
    expect(page).toContain('width=device-width');
    expect(routing.observed().state.acks).toEqual({});
  });

  test('leaks itself to nobody', async () => {
    const { headers } = await fetch(link());
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).toContain("form-action 'self'");
  });

  test('acknowledges by POST what was shown, under the name that was given', async () => {
    const shown = await fields(link());
    const late = alertOf({ alertname: 'A', severity: 'critical', instance: '3' });
    routing.onAlerts([...alerts, late]);
    await routing.settled();
    const page = await (await submit(link(), { fingerprints: shown, by: 'Ada <Lovelace>' })).text();
    expect(page).toContain('Acknowledged by Ada &lt;Lovelace&gt;.');
    expect(Object.keys(routing.observed().state.acks).sort()).toEqual(alerts.map(({ fingerprint }) => ackKey({ fingerprint, groupKey })).sort());
    expect(acknowledged).toEqual([`${groupKey} Ada <Lovelace>`]);
    // What fired meanwhile can be taken on by the same link.
    expect(await fields(link())).toBe(late.fingerprint);
  });

  test('says who has acknowledged already, and offers nothing more', async () => {
    await routing.change((before) => acknowledge(before, { fingerprints: alerts.map(({ fingerprint }) => fingerprint), by: 'bob', via: 'cli' }, host.clock.nowMs()));
    const page = await (await fetch(link())).text();
    expect(page).toContain('Acknowledged by bob.');
    expect(page).not.toContain('<form');
  });

  test('says whose acknowledgement it replaces', async () => {
    const shown = await fields(link());
    await submit(link(), { fingerprints: shown, by: 'Nina' });
    await host.advance(61_000);
    expect(await (await submit(link(), { fingerprints: shown, by: 'Otto' })).text()).toContain('Acknowledged by Otto. Before, Nina had, 1m1s ago');
    await host.advance(1_000);
    await routing.change((before) => acknowledge(before, { fingerprints: shown.split(','), by: 'bob', via: 'cli' }, host.clock.nowMs()));
    await host.advance(1_000);
    expect(await (await submit(link(), { fingerprints: shown, by: 'Nina' })).text()).toContain('Before, bob had, 1s ago');
    expect(await (await fetch(link())).text()).toContain('acknowledged by Nina');
  });

  test('of a test of a receiver opens a page that says that it works', async () => {
    const page = await (await fetch(ackUrls(key, base)(testLinkKey('team'), startMs))).text();
    expect(page).toContain('<h1>The link works</h1>');
    expect(page).toContain('a test of the receiver team');
  });

  test('acknowledges nothing of another group, without a name, or when it has resolved', async () => {
    const other = alertOf({ alertname: 'B', severity: 'critical' });
    routing.onAlerts([...alerts, other]);
    await routing.settled();
    await submit(link(), { fingerprints: other.fingerprint, by: 'ada' });
    expect((await submit(link(), { fingerprints: await fields(link()), by: ' \u0000 ' })).status).toBe(400);
    expect(routing.observed().state.acks).toEqual({});
    routing.onAlerts(alerts.map((alert) => ({ ...alert, status: 'resolved' as const, endsAtMs: startMs })));
    await routing.settled();
    const page = await (await fetch(link())).text();
    expect(page).toContain('<h1>A: resolved</h1>');
    expect(page).toContain('This has resolved');
    expect(page).toContain('resolved 0ms ago');
    expect(page).not.toContain('<p class="quiet"></p>');
    expect(page).not.toContain('<form');
  });

  test('acknowledges the group it is of, and not the same alert where another receiver is told of it', async () => {
    await routing.stop();
    routing = startRouting(parseRouting('routing.yaml', `
route: { receiver: team, group_by: [alertname], group_wait: 0s, routes: [{ receiver: pager, matchers: [severity="critical"], continue: true }, { receiver: team, matchers: [severity="critical"] }] }
receivers: [{ name: team, webhook_configs: [{ url: 'http://127.0.0.1:9/' }] }, { name: pager, webhook_configs: [{ url: 'http://127.0.0.1:9/' }] }]
`));
    routing.onAlerts(alerts);
    await routing.settled();
    const [pager = '', team = ''] = ['pager', 'team'].map((receiver) => Object.values(routing.observed().state.groups).find((group) => group.receiver === receiver)?.key);
    const standings = (): string[] => viewAlerts(routing.observed(), host.clock.nowMs()).map(({ standing }) => standing);
    const acknowledge = async (group: string): Promise<void> => {
      const url = ackUrls(key, base)(group, host.clock.nowMs());
      expect((await submit(url, { fingerprints: await fields(url), by: 'ada' })).status).toBe(200);
    };
    await acknowledge(team);
    expect(acknowledged).toEqual([`${team} ada`]);
    const { state } = routing.observed();
    expect([team, pager].map((group) => isAcknowledged(state, group, state.groups[group]?.alerts ?? [], host.clock.nowMs()))).toEqual([true, false]);
    expect(standings()).toEqual(['firing', 'firing']);
    await acknowledge(pager);
    expect(standings()).toEqual(['acknowledged', 'acknowledged']);
    routing.onAlerts(alerts.map((alert) => ({ ...alert, status: 'resolved' as const, endsAtMs: startMs })));
    await routing.settled();
    await host.advance(600_000);
    await routing.settled();
    expect(routing.observed().state.acks).toEqual({});
  });

  test('is refused when it was changed, is for another key, or is older than a day', async () => {
    const url = link();
    const changed = `${url.slice(0, -1)}${url.endsWith('A') ? 'B' : 'A'}`;
    for (const wrong of [changed, `${base}/ack/x`, `${base}/ack/${signAck('another key', { groupId: groupIdOf(groupKey), expiresAtMs: startMs + 1e9 })}`]) {
      expect((await fetch(wrong)).status).toBe(404);
      expect((await submit(wrong, { fingerprints: alerts[0]?.fingerprint ?? '', by: 'ada' })).status).toBe(404);
    }
    await host.advance(86_400_000 - 1);
    expect((await fetch(url)).status).toBe(200);
    await host.advance(1);
    expect((await fetch(url)).status).toBe(410);
    expect((await submit(url, { fingerprints: alerts[0]?.fingerprint ?? '', by: 'ada' })).status).toBe(410);
    expect(routing.observed().state.acks).toEqual({});
    expect((await submit(link(), { fingerprints: 'f'.repeat(100_000), by: 'ada' })).status).toBe(413);
  });

  test('reads back what was signed', () => {
    const token = { groupId: groupIdOf('a group'), expiresAtMs: startMs + 1_000 };
    expect(readAck(key, signAck(key, token), startMs)).toEqual(token);
  });
});
