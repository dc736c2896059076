import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import express from 'express';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { authenticate } from '../control/auth.ts';
import { renderBudget, renderSlo, renderSloList } from '../cli/slo-text.ts';
import { createNodeHost } from '../core/node-host.ts';
import { MemorySource } from '../metricstore/memory-source.ts';
import { runRuleTests } from '../alerting/rule-tests/run-tests.ts';
import { staleFiles } from './burn-files.ts';
import { loadSlos } from './open-slo.ts';
import { readCounts } from './read-budget.ts';
import { sloListReply, sloReply, sloRoutes } from './routes.ts';

const { files } = createNodeHost();
const alerts = resolve(import.meta.dirname, '../../alerts');
const slos = loadSlos(files, `${alerts}/slo`);
const nowMs = Date.UTC(2026, 0, 20, 12);

describe('the objectives that ship', () => {
  it('are there for the API, payments, the wallet, feed, chat and AI', () => {
    expect(new Set(slos.map(({ service }) => service))).toEqual(new Set(['gateway', 'api', 'payments', 'wallet', 'feed', 'chat', 'ai']));
  });

  it('have the rules and tests that `sora slo generate` writes', () => {
    expect(staleFiles(files, alerts, slos).map(({ path }) => path)).toEqual([]);
  });

  it('pass the tests of their rules, of which one of each kind is run here', async () => {
    for (const name of ['api-availability', 'payments-latency']) {
      expect((await runRuleTests(files, `${alerts}/tests/slo-${name}.test.yaml`, { run: /Burn1h/ })).failures, name).toEqual([]);
    }
  });
});

/** An hour of 10 events a second, of which 1 % was bad. */
function recorded(slo: string): MemorySource {
  const source = new MemorySource();
  for (let atMs = nowMs - 3_600_000; atMs <= nowMs; atMs += 15_000) {
    source.add({ __name__: 'slo:total_events:rate5m', slo }, atMs, 10);
    source.add({ __name__: 'slo:bad_events:rate5m', slo }, atMs, 0.1);
  }
  return source;
}

describe('readCounts', () => {
  it('counts events from their recorded rates, and leaves out what has no sample', async () => {
    const [slo] = slos;
    const counts = await readCounts(recorded(slo?.name ?? ''), slo ?? expect.fail('no objective'), nowMs);
    expect(counts.length).toBeGreaterThanOrEqual(12);
    expect(counts.length).toBeLessThanOrEqual(13);
    for (const { bad, total } of counts) expect([bad, total]).toEqual([expect.closeTo(30, 6), expect.closeTo(3_000, 6)]);
  });
});

describe('a budget in words', () => {
  const slo = slos.find(({ name }) => name === 'api-availability');
  const budget = { badEvents: 27.63, totalEvents: 29.3, allowedEvents: 0.0293, goodRatio: 0.05704, remainingRatio: -942, burn: 943, exhaustedAtMs: nowMs, coveredRatio: 0.001, incidents: [], otherBadEvents: 27.63 };

  it('says what few events allow and how often it is spent', () => {
    const status = { slo: slo ?? expect.fail('no objective'), budget };
    expect(renderBudget(status, nowMs)).toContain('is spent 943 times\n  about 28 of 29 events were bad, 5.704% were good; the objective of 99.9% allows 0.029 bad ones');
    expect(renderSloList([{ ...status, budget: { ...budget, remainingRatio: -0.25 } }], nowMs)).toContain(' -25% ');
  });

  it('says nothing good of an objective that has no samples', () => {
    const { goodRatio: _good, exhaustedAtMs: _exhausted, ...none } = { ...budget, badEvents: 0, totalEvents: 0, allowedEvents: 0, remainingRatio: 1, burn: 0, otherBadEvents: 0 };
    const status = { slo: slo ?? expect.fail('no objective'), budget: none };
    expect(renderSloList([status], nowMs).split('\n')[1]).toMatch(/ 99.9% +14d +<none> +<none> +<none> +<none> /);
    expect(renderBudget(status, nowMs)).toMatch(/: no events were counted in the last 14d, so nothing is known of its budget\n$/);
  });
});

describe('sloRoutes', () => {
  const token = 'a-token-of-the-viewer-long-enough';
  let server: Server;
  let url = '';
  beforeAll(async () => {
    const app = express();
    app.use(authenticate({ viewer: token, operator: `${token}-2`, admin: `${token}-3` }));
    app.use('/slos', sloRoutes({
      slos, source: recorded('api-availability'), nowMs: () => nowMs,
      incidents: () => Promise.resolve([{ id: 'inc-7', title: 'the api was slow', fromMs: nowMs - 1_800_000, toMs: nowMs }]),
    }));
    app.use(((error: { status?: number; message: string }, _request, response, _next) => void response.status(error.status ?? 500).json({ detail: error.message })) satisfies express.ErrorRequestHandler);
    server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slos`;
  });
  afterAll(() => void server.close());
  const get = (path: string, headers: Record<string, string> = { authorization: `Bearer ${token}` }): Promise<Response> => fetch(`${url}${path}`, { headers });

  it('asks for a token', async () => {
    expect((await get('', {})).status).toBe(401);
  });

  it('lists the objectives with their budgets, and shows one in words', async () => {
    const { slos: listed } = sloListReply.parse(await (await get('')).json());
    expect(listed.map(({ slo }) => slo.name)).toEqual(slos.map(({ name }) => name));
    expect(renderSloList(listed, nowMs)).toMatch(/^NAME +TARGET[^\n]*\napi-availability +99.9% +14d +99% +spent 10 times +10x +now/);
    const one = sloReply.parse(await (await get('/api-availability')).json());
    expect(one.alerts.map(({ name, factor }) => [name, Number(factor.toFixed(2))])).toEqual([['ApiAvailabilityBurn1h', 6.72], ['ApiAvailabilityBurn6h', 2.8], ['ApiAvailabilityBurn1d', 1.4]]);
    expect(renderBudget(one, nowMs)).toContain('inc-7');
    expect(renderBudget(one, nowMs)).toContain('measured: 0.');
    expect(renderBudget(one, nowMs)).toMatch(/the budget of 14d is spent 10 times\n {2}about [\d,]+ of [\d,]+ events were bad, 99% were good; the objective of 99.9% allows [\d,.]+ bad ones\n/);
    expect(renderSlo(one)).toContain('gateway_replies_total{class="5xx"}');
    expect((await get('/nothing')).status).toBe(404);
  });
});
