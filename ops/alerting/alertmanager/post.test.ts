import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestHost } from '../../core/test-host.ts';
import type { TestHost } from '../../core/test-host.ts';
import { alertOf, startMs } from '../routing/fixture.ts';
import { createPoster, toAlertmanager } from './post.ts';
import type { AlertmanagerPoster } from './post.ts';
import { toRouted, webhookPayload } from './webhook.ts';

const received: { readonly labels: object; readonly endsAt: string }[][] = [];
let status = 200;
const server = createServer((request, response) => {
  // 0 never answers.
  const answer = status;
  let body = '';
  request.on('data', (part: Buffer) => (body += part.toString('utf8')));
  request.on('end', () => {
    if (answer === 0) return;
    if (answer === 200) received.push(JSON.parse(body) as (typeof received)[number]);
    response.writeHead(answer).end();
  });
});

let host: TestHost;
let poster: AlertmanagerPoster;
const errors: unknown[] = [];
beforeEach(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  host = createTestHost(startMs);
  poster = createPoster({ host, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, externalUrl: 'http://sora.test', onError: (error) => void errors.push(error) });
});
afterEach(async () => {
  await poster.stop();
  server.closeAllConnections();
  server.close();
  received.length = 0;
  errors.length = 0;
  status = 200;
});

const alert = alertOf({ alertname: 'A' });

describe('alerts for an outside Alertmanager', () => {
  test('are posted at once when something changes, and once a minute while nothing does', async () => {
    poster.onAlerts([], true);
    await poster.settled();
    poster.onAlerts([alert], true);
    await poster.settled();
    expect(received).toMatchObject([[{ labels: { alertname: 'A' }, endsAt: new Date(startMs + 240_000).toISOString() }]]);
    for (let second = 0; second < 120; second += 15) {
      await host.advance(15_000);
      poster.onAlerts([alert], false);
      await poster.settled();
    }
    expect(received).toHaveLength(3);
  });

  test('are posted again until they are taken, and in parts where there are many', async () => {
    status = 503;
    poster.onAlerts([alert], true);
    await poster.settled();
    expect(errors).toHaveLength(1);
    expect(poster.unpostedSinceMs()).toBe(startMs);
    status = 200;
    await host.advance(1_000);
    await poster.settled();
    expect(received).toHaveLength(1);
    expect(poster.unpostedSinceMs()).toBeUndefined();
    poster.onAlerts(Array.from({ length: 130 }, (_, index) => alertOf({ alertname: 'A', index: String(index) })), true);
    await poster.settled();
    expect(received.slice(1).map((batch) => batch.length)).toEqual([64, 64, 2]);
    expect(poster.counts()).toEqual({ posted: 131, failures: 1, dropped: 0 });
  });

  test('are given up after 10 s without an answer, and posted again', async () => {
    status = 0;
    const asked = once(server, 'request');
    poster.onAlerts([alert], true);
    await asked;
    expect(poster.unpostedSinceMs()).toBe(startMs);
    await host.advance(10_000);
    await poster.settled();
    expect(errors).toMatchObject([{ code: 'alertmanager_unreachable', message: expect.stringContaining('no reply within 10000 ms') }]);
    status = 200;
    await host.advance(1_000);
    await poster.settled();
    expect(received).toHaveLength(1);
  });

  test('bear the external labels, which an alert that has them itself overrides, and come back without', () => {
    const own = alertOf({ alertname: 'A', region: 'own' });
    const [sent] = toAlertmanager([own], 'http://sora.test', startMs, { region: 'eu', cluster: 'one' });
    expect(sent?.labels).toEqual({ alertname: 'A', region: 'own', cluster: 'one' });
    const payload = webhookPayload.parse({ version: '4', groupKey: 'g', status: 'firing', receiver: 'r', groupLabels: {}, alerts: [{ ...sent, status: 'firing' }] });
    expect(payload.alerts.map(toRouted)).toMatchObject([{ labels: own.labels, fingerprint: own.fingerprint, annotations: own.annotations }]);
  });
});
