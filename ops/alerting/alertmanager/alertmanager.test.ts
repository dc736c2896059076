/** SORA and a real Alertmanager: it groups and silences, SORA delivers. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createNodeHost } from '../../core/node-host.ts';
import { goTools } from '../../core/tools.ts';
import { findReferences } from '../../../tests/go-tools.ts';
import { findFreePorts } from '../../supervisor/ports.ts';
import { alertOf } from '../routing/fixture.ts';
import { operatorToken, startTestPlane, webhookToken } from './fixture.ts';
import type { TestPlane } from './fixture.ts';
import { createPoster } from './post.ts';
import type { AlertmanagerPoster } from './post.ts';
import { endSilence, listSilences, makeSilence } from './silences.ts';
import { acceptPayload, webhookPayload } from './webhook.ts';

const host = createNodeHost();
const references = await findReferences(host, { alertmanager: goTools.alertmanager });
const isHere = typeof references !== 'string';

/** SORA's file: the receiver's own webhook is where it delivers. */
const ours = "route: { receiver: team }\nreceivers: [{ name: team, webhook_configs: [{ url: 'http://127.0.0.1:9/' }] }]\n";

describe.skipIf(!isHere)(`with a real Alertmanager${isHere ? '' : ` (skipped: ${references})`}`, () => {
  let folder = '';
  let child: ChildProcess | undefined;
  let url = '';
  let plane: TestPlane;
  let poster: AlertmanagerPoster | undefined;

  beforeAll(async () => {
    if (!isHere) return;
    const { path } = references.alertmanager;
    folder = mkdtempSync(join(tmpdir(), 'sora-alertmanager-'));
    const [port = 0] = await findFreePorts(1);
    url = `http://127.0.0.1:${port}`;
    plane = await startTestPlane(host, { routing: ours, alertmanagerUrl: url });
    writeFileSync(join(folder, 'token'), webhookToken);
    writeFileSync(join(folder, 'am.yaml'), `
route: { receiver: team, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h }
receivers: [{ name: team, webhook_configs: [{ url: '${plane.url}/api/sora/v1/alertmanager/webhook', http_config: { authorization: { credentials_file: token } } }] }]
`);
    child = spawn(path, [`--config.file=${join(folder, 'am.yaml')}`, `--storage.path=${folder}`, `--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address='], { stdio: 'ignore' });
    await vi.waitFor(async () => expect((await fetch(`${url}/-/ready`)).status).toBe(200), { timeout: 20_000, interval: 50 });
    poster = createPoster({ host, url, externalUrl: plane.url, onError: (error) => void Promise.reject(error) });
  }, 600_000);

  afterAll(async () => {
    await poster?.stop();
    if (child !== undefined && child.exitCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    await plane?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const nowMs = host.clock.nowMs() - 60_000;
  const poll = { timeout: 15_000, interval: 50 };

  test('alerts go there and come back with all that SORA knows of them, and so does their end', async () => {
    const alert = { ...alertOf({ alertname: 'A', severity: 'critical' }, { startsAtMs: nowMs }), value: 1_234.5, impact: '12 users', expression: 'latency > 1200' };
    poster?.onAlerts([alert], true);
    await expect.poll(() => plane.queued.length, poll).toBe(1);
    expect(plane.queued[0]).toMatchObject({ receiver: 'team', reason: 'new', severity: 'critical', impact: '12 users', alerts: [{ fingerprint: alert.fingerprint, value: 1_234.5, expression: 'latency > 1200', startsAtMs: nowMs, annotations: alert.annotations }] });
    poster?.onAlerts([alertOf(alert.labels, { startsAtMs: nowMs, endsAtMs: host.clock.nowMs() })], true);
    await expect.poll(() => plane.queued.map(({ reason }) => reason), poll).toEqual(['new', 'resolved']);
    expect(plane.routing.observed().state.groups).toEqual({});
  });

  test('an alert that was delivered before is refused when it comes back, and counted', async () => {
    const [delivered] = plane.queued;
    const labels = delivered?.alerts[0]?.labels ?? {};
    expect(labels).toHaveProperty('sora_delivered');
    poster?.onAlerts([alertOf({ ...labels, alertname: 'Loop' }, { startsAtMs: nowMs })], true);
    await expect.poll(() => plane.routing.counts().loops, poll).toBeGreaterThan(0);
    expect(plane.queued).toHaveLength(2);
  });

  test('silences are made, listed and ended there', async () => {
    const id = await makeSilence(host, url, { id: '', matchers: [{ name: 'größe', operator: '!~', value: 'x|y' }, { name: 'a', operator: '=', value: '1' }], startsAtMs: host.clock.nowMs(), endsAtMs: host.clock.nowMs() + 60_000, author: 'ada', comment: 'known' });
    expect(await listSilences(host, url)).toMatchObject([{ id, state: 'active', matchers: ['größe!~"x|y"', 'a="1"'], author: 'ada', comment: 'known' }]);
    await endSilence(host, url, id);
    expect(await listSilences(host, url)).toMatchObject([{ id, state: 'expired' }]);
    const asked = await fetch(`${plane.url}/api/sora/v1/silences`, { headers: { authorization: `Bearer ${operatorToken}` } });
    expect(await asked.json()).toMatchObject({ silences: [{ id }] });
  });

  test('who makes or ends one there by way of SORA stands in the event log', async () => {
    const ask = async (method: string, path: string, body?: object): Promise<unknown> => (await fetch(`${plane.url}/api/sora/v1/silences${path}`, { method, headers: { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json', 'x-sora-actor': 'ada' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })).json();
    const { id } = await ask('POST', '', { matchers: ['alertname="A"'], forMs: 60_000, comment: 'known' }) as { id: string };
    expect(await ask('DELETE', `/${id}`)).toMatchObject({ id, state: 'expired' });
    expect(plane.events.map(({ actor, details }) => [actor, details.kind === 'silence' && details.phase, details.kind === 'silence' && details.silenceId]).slice(-2)).toEqual([['ada', 'created', id], ['ada', 'ended', id]]);
  });
});

describe('a message of Alertmanager', () => {
  const payload = (alerts: readonly object[], overrides: object = {}): ReturnType<typeof webhookPayload.parse> =>
    webhookPayload.parse({ version: '4', groupKey: '{}:{}', status: 'firing', receiver: 'team', groupLabels: {}, commonLabels: {}, alerts, ...overrides });
  const fired = { status: 'firing', labels: { alertname: 'A', severity: 'critical' }, annotations: {}, startsAt: '2026-01-05T09:00:00Z', endsAt: '0001-01-01T00:00:00Z', generatorURL: '' };

  test('is told under the same id when it is sent twice, and as a repeat later', async () => {
    await using plane = await startTestPlane(host, { routing: ours, alertmanagerUrl: 'http://127.0.0.1:9' });
    const before = plane.routing.remembered();
    const observed = plane.routing.observed();
    const first = acceptPayload(before, observed, payload([fired]), 1_000);
    const again = acceptPayload(before, observed, payload([fired]), 2_000);
    expect(again.notifications?.map(({ id }) => id)).toEqual(first.notifications?.map(({ id }) => id));
    const later = acceptPayload(first.after, observed, payload([fired]), 3_600_000);
    expect(later.notifications).toMatchObject([{ reason: 'repeat' }]);
    expect(later.notifications?.[0]?.id).not.toBe(first.notifications?.[0]?.id);
  });

  test('is refused without a role, for a receiver that does not exist, and in another version', async () => {
    await using plane = await startTestPlane(host, { routing: ours, alertmanagerUrl: 'http://127.0.0.1:9' });
    const post = async (body: unknown, token = webhookToken): Promise<number> => (await fetch(`${plane.url}/api/sora/v1/alertmanager/webhook`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body: JSON.stringify(body) })).status;
    expect(await post(payload([fired]), 'viewer-of-this-test')).toBe(403);
    expect(await post(payload([fired], { receiver: 'other' }))).toBe(404);
    expect(await post({ ...payload([fired]), version: '3' })).toBe(400);
    expect(await post(payload([{ ...fired, labels: { ...fired.labels, sora_delivered: 'true' } }]))).toBe(508);
    expect(await post(payload([fired]))).toBe(200);
    // An Alertmanager's file holds a token that does nothing else.
    expect((await fetch(`${plane.url}/api/sora/v1/silences`, { headers: { authorization: `Bearer ${webhookToken}` } })).status).toBe(401);
    expect(plane.queued).toHaveLength(1);
    expect(plane.routing.counts().loops).toBe(1);
  });
});
