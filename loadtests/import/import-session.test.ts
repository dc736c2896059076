import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { importCommand } from '../cli/import.ts';
import { runSwarm } from '../swarm/coordinator.ts';
import { debugUser } from '../swarm/debug-user.ts';
import type { DebugEvent } from '../swarm/debug-stage.ts';
import { checkWritten } from './fixtures/check-written.ts';
import { linkPackage } from './fixtures/link-package.ts';
import { Recorder } from './fixtures/record.ts';
import { account, apiKey, startShop, type ShopServer } from './fixtures/shop-server.ts';
import type { ImportReport } from './outcome.ts';

const folder = mkdtempSync(join(tmpdir(), 'sora-import-'));
const scenarioFile = join(folder, 'shop.ts');
let shop: ShopServer;
let recorded: { texts: string[]; har: string };
let report: ImportReport;

async function record(target: string): Promise<typeof recorded> {
  const recorder = new Recorder(target);
  const login = await recorder.send('GET', '/login');
  recorder.add(`${target}/app.css`, 'text/css', 'stylesheet');
  recorder.add('https://www.google-analytics.com/collect?cid=1', 'image/gif', 'image');
  recorder.add('https://cdn.example.net/api/flags', 'application/json', 'xhr');
  recorder.think(4_000);
  const csrf = /value="([^"]+)"/.exec(login.body)?.[1] ?? '';
  const form = new URLSearchParams({ _csrf: csrf, ...account }).toString();
  const redirect = await recorder.send('POST', '/login', { 'content-type': 'application/x-www-form-urlencoded' }, form);
  const home = await recorder.send('GET', redirect.headers.location ?? '');
  const me = await recorder.send('GET', '/api/me');
  const { user, tokens } = JSON.parse(me.body) as { user: { ref: string }; tokens: { accessToken: string } };
  const client = { authorization: `Bearer ${tokens.accessToken}`, 'x-client': apiKey };
  const projects = await recorder.send('GET', '/api/projects', client);
  const projectId = (JSON.parse(projects.body) as { items: { id: number }[] }).items[0]?.id ?? 0;
  recorder.think(200_000);
  const token = /content="([^"]+)"/.exec(home.body)?.[1] ?? '';
  const note = JSON.stringify({ text: "it's `${a}` note\n", projectId, author: { ref: `member:${user.ref}` }, notify: false });
  const created = await recorder.send('POST', `/api/projects/${projectId}/notes`, { ...client, 'content-type': 'application/json', 'x-csrf-token': token }, note);
  recorder.think(1_000);
  await recorder.send('GET', created.headers.location ?? '');
  await recorder.send('DELETE', created.headers.location ?? '');
  return { har: JSON.stringify(recorder.har), texts: [csrf, token, tokens.accessToken, user.ref, apiKey, account.password, account.email, new URLSearchParams(account).toString()] };
}

const test = createTestHost();
const host = { ...test, process: { ...test.process, cwd: () => folder } };

beforeAll(async () => {
  shop = await startShop();
  recorded = await record(shop.target);
  linkPackage(folder);
  writeFileSync(join(folder, 'shop.har'), recorded.har);
  expect(importCommand(host, ['shop.har', '--json', '--think-max', '1m'])).toBe(0);
  report = JSON.parse(test.written.stdout) as ImportReport;
});
const secrets = { SHOP_EMAIL: account.email, SHOP_PASSWORD: account.password, SHOP_X_CLIENT: apiKey };
afterAll(() => {
  for (const name of Object.keys(secrets)) delete process.env[name];
  shop[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

async function play(user: number): Promise<DebugEvent[]> {
  const events: DebugEvent[] = [];
  for await (const event of debugUser({ host: createNodeHost(), scenarioFile, target: shop.target, runId: 'aabbccdd', user })) events.push(event);
  return events;
}

describe('a recorded session', () => {
  it('is divided into operations, with what was left out told', () => {
    expect(report).toMatchObject({ operations: 5, requests: 8 });
    expect(report.leftOut).toEqual([
      { what: 'static assets', count: 1, keep: '--keep-static' },
      { what: 'to www.google-analytics.com, telemetry', count: 1, keep: '--keep-origin www.google-analytics.com' },
      { what: 'to cdn.example.net, another origin', count: 1, keep: '--keep-origin cdn.example.net' },
    ]);
    expect(report.notes).toEqual(['1 pause(s) cut to 60 s; change that with --think-max']);
  });

  it('says of each carried value where it comes from', () => {
    const found = Object.fromEntries(report.carried.map(({ name, from }) => [name, from]));
    expect(found).toEqual({
      visit: 'set-cookie visit of GET /login', theme: 'set-cookie theme of GET /login', csrf: 'hidden input _csrf of GET /login',
      welcome: 'query welcome of location of POST /login', sid: 'set-cookie sid of POST /login', csrfToken: 'meta csrf-token of GET /home',
      accessToken: 'tokens.accessToken of GET /api/me', userRef: 'user.ref of GET /api/me', projectId: 'items.0.id of GET /api/projects',
      noteId: 'segment 3 of location of POST /api/projects/{projectId}/notes',
    });
    expect(report.carried.find(({ name }) => name === 'projectId')?.to).toEqual(['path of POST /api/projects/{projectId}/notes', 'body projectId of POST /api/projects/{projectId}/notes']);
  });

  it('leaves no secret in the file or the report', () => {
    expect(report.secrets.toSorted()).toEqual(['SHOP_EMAIL', 'SHOP_PASSWORD', 'SHOP_X_CLIENT']);
    const told = readFileSync(scenarioFile, 'utf8') + test.written.stdout + test.written.stderr;
    for (const secret of recorded.texts) expect(told).not.toContain(secret);
  });

  it('passes the project’s types and lint', () => {
    checkWritten(folder, scenarioFile);
  });

  it('refuses to run without its secrets, and names them', async () => {
    await expect(play(0)).rejects.toMatchObject({ exitCode: 104, message: expect.stringMatching(/SHOP_EMAIL.*are not set/) as string });
  });

  it('runs against the server in sessions of its own, user by user', async () => {
    Object.assign(process.env, secrets);
    for (const user of [0, 7]) {
      const ends = (await play(user)).flatMap((event) => (event.kind === 'end' ? [[event.op, event.outcome, event.reason]] : []));
      expect(ends).toEqual(['get-login', 'post-login', 'post-api-projects-project-id-notes', 'get-api-notes-note-id', 'delete-api-notes-note-id'].map((op) => [op, 'ok', '']));
    }
    expect(shop.refused).toEqual([]);
    expect(shop.finished).toEqual(Array.from({ length: 3 }, () => "it's `${a}` note\n"));
  });

  it('lets visitors arrive, about ten of them at once', () => {
    const text = readFileSync(scenarioFile, 'utf8');
    const perS = Number(/arrival: \{ kind: 'sessions', stages: \[\{ perS: ([\d.]+),/.exec(text)?.[1]);
    const number = (digits: string): number => Number(digits.replaceAll('_', ''));
    const pausesMs = [...text.matchAll(/run: \w+, thinkTimeMs: \{ kind: 'uniform', from: ([\d_]+), to: ([\d_]+) \}/g)].map(([, from = '', to = '']) => (number(from) + number(to)) / 2);
    expect(pausesMs).toHaveLength(4);
    const concurrency = (perS * pausesMs.reduce((sum, pauseMs) => sum + pauseMs, 0)) / 1_000;
    expect(Math.abs(concurrency - 10)).toBeLessThan(0.6);
  });

  it('runs as load: several users at once, each in a session of its own', async () => {
    Object.assign(process.env, secrets);
    importCommand(host, ['shop.har', '-o', 'busy.ts', '--name', 'shop', '--think-max', '100ms']);
    const before = shop.finished.length;
    const measured = await runSwarm({
      host: createNodeHost(), scenarioFile: join(folder, 'busy.ts'), target: shop.target, runId: 'aabbccdd', log: () => undefined,
      overrides: { users: 5, arrivalPerS: 6, rampMs: 0, holdMs: 2_000, workers: 1 },
    });
    expect([measured.errors, shop.refused]).toEqual([[], []]);
    expect(shop.finished.length - before).toBeGreaterThanOrEqual(5);
  });
});
