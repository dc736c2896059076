import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { authenticate } from '../../control/auth.ts';
import { notFoundHandler, problemHandler } from '../../control/problem.ts';
import { MemorySource } from '../../metricstore/memory-source.ts';
import type { Matcher, SeriesSamples, TimeSpan } from '../../metricstore/series.ts';
import { GroupRun } from './group-run.ts';
import { parseRecording } from './recording-file.ts';
import { rulesRoutes } from './routes.ts';
import { parseRuleFile } from './rule-file.ts';

const startMs = Date.UTC(2026, 0, 1);
const path = `/recording?fromMs=${startMs}&toMs=${startMs + 60_000}`;
const token = (role: string): string => role.padEnd(40, '.');
/** Reads of metric `slow` wait until they are told to go on. */
class SlowSource extends MemorySource {
  go = Promise.withResolvers<void>();
  begun = Promise.withResolvers<void>();

  override async select(matchers: readonly Matcher[], span: TimeSpan, samplesMax?: number): Promise<readonly SeriesSamples[]> {
    if (matchers.some(({ value }) => value === 'slow')) {
      this.begun.resolve();
      await this.go.promise;
    }
    return await super.select(matchers, span, samplesMax);
  }
}

const source = new SlowSource();
let completeFromMs = Number.NEGATIVE_INFINITY;
let server: Server;
let url = '';

beforeAll(async () => {
  source.add({ __name__: 'slow' }, startMs + 1_000, 1);
  const [group] = parseRuleFile('r.yaml', 'groups: [{name: g, rules: [{alert: A, expr: slow > 1}]}]').groups;
  if (group === undefined) throw new Error('the rules are wrong');
  const app = express()
    .use(authenticate({ viewer: token('viewer'), operator: token('operator'), admin: token('admin') }))
    .use(rulesRoutes({ evaluator: { runs: [new GroupRun(group, 15_000)] }, source, log: { read: () => Promise.resolve([]) }, intervalMs: 15_000, completeFromMs: () => completeFromMs }))
    .use(notFoundHandler, problemHandler(() => undefined));
  server = createServer(app);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const ask = (role: string, init: RequestInit = {}): Promise<Response> => fetch(url + path, { ...init, headers: { authorization: `Bearer ${token(role)}` } });

it('records for operators only, one at a time, and goes on when a client goes away', async () => {
  expect((await ask('viewer')).status).toBe(403);
  const first = ask('operator');
  await source.begun.promise;
  const second = await ask('operator');
  expect([second.status, ((await second.json()) as { detail: string }).detail]).toEqual([503, 'another recording is under way']);
  source.go.resolve();
  const recording = parseRecording(await (await first).text(), 'r.json');
  expect(recording.series).toEqual([{ labels: { __name__: 'slow' }, timestampsMs: Float64Array.of(startMs + 1_000), values: Float64Array.of(1) }]);
  source.go = Promise.withResolvers();
  source.begun = Promise.withResolvers();
  const leaving = new AbortController();
  const left = ask('operator', { signal: leaving.signal }).then((response) => response.text());
  await source.begun.promise;
  leaving.abort();
  await expect(left).rejects.toThrow();
  source.go.resolve();
  await expect.poll(async () => (await ask('operator')).status).toBe(200);
});

it('refuses a span of which rules saw other samples', async () => {
  completeFromMs = startMs;
  const reply = await ask('operator');
  expect([reply.status, ((await reply.json()) as { hint: string }).hint]).toEqual([400, 'begin at 2026-01-01T00:05:00.000Z or later: a shorter --since']);
});
