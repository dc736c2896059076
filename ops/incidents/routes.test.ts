import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { authenticate } from '../control/auth.ts';
import { apiPrefix } from '../control/client.ts';
import { notFoundHandler, problemHandler } from '../control/problem.ts';
import { createApp, listen } from '../control/server.ts';
import type { Listening } from '../control/server.ts';
import { createNodeHost } from '../core/node-host.ts';
import { createTestHost } from '../core/test-host.ts';
import type { TestHost } from '../core/test-host.ts';
import type { Host } from '../core/host.ts';
import { deploy } from '../cli/deploy.ts';
import { incident } from '../cli/incident.ts';
import { createOutboxFixture } from '../alerting/outbox/fixture.ts';
import type { OutboxFixture } from '../alerting/outbox/fixture.ts';
import { Gate } from '../metricstore/http-api/gate.ts';
import { deployRoutes } from './deploy-routes.ts';
import { createScript, minuteMs, startMs } from './fixture.ts';
import { incidentRoutes } from './routes.ts';

const tokens = { viewer: 'v'.repeat(20), operator: 'o'.repeat(20), admin: 'a'.repeat(20) };
const host = createTestHost(startMs + 30 * minuteMs);
let fixture: OutboxFixture;
let server: Listening;
beforeAll(async () => {
  fixture = await createOutboxFixture(host);
  const { log, outbox, database } = fixture;
  const gate = new Gate(host);
  const deploys = deployRoutes({ host, log, gate, transaction: database.transaction, appendEvents: (client, events) => log.appendWith(client, events), enqueueChanges: (client, changes) => outbox.enqueueChanges(client, changes), changeTargets: () => [{ receiver: 'pager', index: 0 }] });
  const app = createApp({
    open: [], authenticate: authenticate(tokens),
    guarded: [{ path: '/', handler: express.json() }, { path: `${apiPrefix}/incidents`, handler: incidentRoutes({ host, log, gate }) }, { path: `${apiPrefix}/deploys`, handler: deploys }],
    last: [notFoundHandler, problemHandler((error) => fixture.errors.push(error))],
  });
  server = await listen(createNodeHost(), app, { port: 0, address: '127.0.0.1' });
});
afterAll(async () => {
  await server.stop(0);
  await fixture[Symbol.asyncDispose]();
});
beforeEach(() => fixture.database.pool.query(`begin; set local sora.thinning = 'on'; truncate event_log, alerting_outbox restart identity; commit`));

/** Runs a command as a user would, against the server above. */
async function run(command: typeof incident, args: string[], token = tokens.operator): Promise<{ code: number; stdout: string }> {
  const own: TestHost = createTestHost(host.clock.nowMs());
  const withEnv: Host = { ...own, process: { ...own.process, env: { SORA_CONTROL_URL: server.url, SORA_CONTROL_TOKEN: token } } };
  const code = await command.run({ host: withEnv, root: '', home: '', topology: '' }, args);
  return { code, stdout: own.written.stdout };
}

describe('sora incident', () => {
  const append = async (): Promise<void> => {
    const script = createScript();
    script.fire(10, 'ApiDown');
    script.fire(12, 'Errors', { severity: 'high' });
    script.fire(13, 'ApiDown', { sora_rehearsal: 'drill-1' });
    await fixture.log.append(script.events.map(({ atMs, actor, details }) => ({ atMs, actor, details })));
  };

  test('lists incidents with times as distributions, rehearsals apart', async () => {
    await append();
    const { stdout } = await run(incident, ['ls'], tokens.viewer);
    const lines = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(lines[1]).toEqual(['inc-3', 'open', 'critical', 'api', '18m', '<none>', '<none>', 'drill-1', 'ApiDown is bad']);
    expect(lines[2]).toEqual(['inc-1', 'open', 'critical', 'api', '21m', '<none>', '<none>', '<none>', 'ApiDown is bad']);
    expect(lines).toContainEqual(['detect', '1', '1m', '1m', '1m']);
    const json = JSON.parse((await run(incident, ['ls', '-o', 'json', '--no-rehearsals'])).stdout) as { schema: string; incidents: unknown[] };
    expect(json).toMatchObject({ schema: 'sora.incidents/v1', incidents: [{ id: 'inc-1', alerts: [{ rule: 'ApiDown', joinedBy: 'opened' }, { rule: 'Errors', joinedBy: 'service' }] }] });
  });

  test('takes notes and marks, shows the timeline and drafts a postmortem', async () => {
    await append();
    expect((await run(incident, ['note', 'inc-1', 'rolled back'])).stdout).toBe('noted in inc-1, which is open\n');
    expect((await run(incident, ['mitigate', 'inc-1'])).stdout).toBe('inc-1 is mitigated\n');
    await expect(run(incident, ['resolve', 'inc-1', 'all well'])).rejects.toMatchObject({ code: 'alerts_firing', message: '2 alerts of inc-1 still fire: ApiDown (critical), Errors (high)', hint: expect.stringContaining('resolve inc-1 --force') as string });
    expect((await run(incident, ['resolve', 'inc-1', 'all well', '--force'])).stdout).toBe('inc-1 is resolved\n');
    await expect(run(incident, ['resolve', 'inc-1'])).rejects.toMatchObject({ code: 'incident_resolved' });
    const shown = (await run(incident, ['show', 'inc-1'])).stdout;
    expect(shown).toContain('note: rolled back');
    expect(shown).toMatch(/resolved +2026-01-01T12:30:00.000Z +21m/);
    expect((await run(incident, ['postmortem', 'inc-1'], tokens.viewer)).stdout).toMatch(/# Postmortem inc-1: ApiDown is bad\n.*by an operator's mark while ApiDown, Errors still fired\./s);
  });

  test('refuses what is wrong, each with the next step', async () => {
    await append();
    await expect(run(incident, ['note', 'inc-1', 'x'], tokens.viewer)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(run(incident, ['show', 'inc-2'])).rejects.toMatchObject({ code: 'no_incident', hint: 'sora incident ls lists them' });
    await expect(run(incident, ['show', '../x'])).rejects.toMatchObject({ code: 'invalid_config' });
    await expect(run(incident, ['note', 'inc-1'])).rejects.toMatchObject({ message: 'sora incident note needs a text' });
    await expect(run(incident, ['resolv', 'inc-1'])).rejects.toMatchObject({ hint: 'did you mean sora incident resolve?' });
    await expect(run(incident, [])).rejects.toMatchObject({ message: 'sora incident needs a verb' });
    await expect(run(incident, ['ls', '--state', 'opn'])).rejects.toMatchObject({ message: '--state "opn" is none of open, mitigated, resolved', hint: 'did you mean --state open?' });
    await expect(run(incident, ['ls', '--days', '9999'])).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

describe('sora deploy', () => {
  const record = (...more: string[]) => run(deploy, ['record', '--service', 'api', '--version', '1.4.2', '--commit', '5ad0e1f', '--committed-at', '2026-01-01T11:30:00Z', ...more]);

  test('records a deploy and tells PagerDuty of it, both in one transaction', async () => {
    expect((await record('--id', 'run-7')).stdout).toBe('recorded api 1.4.2: succeeded\n');
    expect((await record('--id', 'run-7')).stdout).toBe('api 1.4.2 was recorded before\n');
    expect(await fixture.log.read({ kinds: ['deploy'] })).toMatchObject([{ details: { service: 'api', version: '1.4.2', committedAtMs: startMs - 30 * minuteMs, outcome: 'succeeded', rework: false } }]);
    const queued = await fixture.database.pool.query<{ item: unknown }>('select item from alerting_outbox');
    expect(queued.rows).toMatchObject([{ item: { type: 'change', change: { receiver: 'pager', summary: 'api 1.4.2: deploy succeeded', details: { commit: '5ad0e1f' } } } }]);
  });

  test('shows the metrics of DORA', async () => {
    await record('--at', '2026-01-01T12:00:00Z');
    await record('--outcome', 'rolled-back', '--at', '2026-01-01T12:20:00Z');
    const lines = (await run(deploy, ['metrics'], tokens.viewer)).stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(lines).toContainEqual(['change failure rate', '100.0 %', '1 of 1']);
    expect(lines).toContainEqual(['failed deployment recovery time', 'median 20m, p90 20m', 'n = 1']);
    expect(JSON.parse((await run(deploy, ['metrics', '-o', 'json', '--service', 'web'])).stdout)).toMatchObject({ schema: 'sora.deploy-metrics/v1', deploys: 0, changeFailure: { ratio: null } });
  });

  test('refuses what is wrong', async () => {
    await expect(run(deploy, ['record', '--service', 'api'])).rejects.toMatchObject({ message: 'sora deploy record needs --version, --commit, --committed-at' });
    await expect(record('--outcome', 'great')).rejects.toMatchObject({ code: 'invalid_config' });
    await expect(record('--at', 'yesterday')).rejects.toMatchObject({ code: 'invalid_time' });
    await expect(record('--at', '2026-01-01T11:00:00Z')).rejects.toMatchObject({ code: 'invalid_time', message: expect.stringContaining('is after the deploy') as string });
    await expect(run(deploy, ['recrod'])).rejects.toMatchObject({ hint: 'did you mean sora deploy record?' });
  });
});
