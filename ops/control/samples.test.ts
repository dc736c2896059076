import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import snappy from 'snappyjs';
import { expect, inject, it } from 'vitest';
import { scrapeTargetsMax } from '../core/config.ts';
import { createTestHost } from '../core/test-host.ts';
import type { TestHost } from '../core/test-host.ts';
import { queryInstant } from '../metricstore/promql/query.ts';
import { createTestDatabase } from '../../tests/database.ts';
import { openControlDatabase } from './database.ts';
import type { ControlDatabase } from './database.ts';
import { startSamples } from './samples.ts';
import type { Samples } from './samples.ts';
import { readAlertSettings } from './settings.ts';
import type { AlertSettings } from './settings.ts';

/** Of a topology of one process, in a database without tables where none is given. */
async function start(changed: Partial<AlertSettings>, given?: { readonly host: TestHost; readonly database: ControlDatabase; readonly warn: (text: string) => void }): Promise<Samples> {
  const host = given?.host ?? createTestHost();
  const folder = mkdtempSync(join(tmpdir(), 'sora-samples-'));
  const database = given?.database ?? openControlDatabase(host, inject('postgresUrl'));
  const topology = join(folder, 'topology.json');
  try {
    writeFileSync(topology, JSON.stringify({ version: 1, ports: { web: 1 }, processes: [{ name: 'web', kind: 'api', runtime: 'node', entry: 'x.ts', port: 'web', readiness: { kind: 'http', path: '/', timeoutMs: 1_000 } }] }));
    const settings = await readAlertSettings(host, folder);
    return await startSamples({ host, settings: { ...settings, ...changed }, places: { stateDir: undefined, topology }, database, metrics: new Registry(), warn: given?.warn ?? (() => undefined) });
  } finally {
    if (given === undefined) await database.close();
    rmSync(folder, { recursive: true });
  }
}

const targets = (count: number): AlertSettings['targets'] => Array.from({ length: count }, (_, index) => ({ job: 'many', url: `http://127.0.0.1:1/${index}`, labels: {} }));

it('refuses to start with more targets than are scraped, those of the stack among them', async () => {
  await expect(start({ targets: targets(scrapeTargetsMax) })).rejects.toMatchObject({ code: 'invalid_config', message: '1001 scrape targets are more than the 1000 allowed' });
  const samples = await start({ targets: targets(scrapeTargetsMax - 1) });
  const begun = samples.begin();
  expect(samples.targets()).toHaveLength(scrapeTargetsMax);
  await samples.stop();
  await begun;
});

it('reads from a Prometheus elsewhere what that one scrapes', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`);
    response.end(JSON.stringify({ status: 'success', data: { activeTargets: [{ scrapePool: 'api' }] } }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const samples = await start({ prometheusUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  expect(samples.targets()).toEqual([]);
  // The request goes over a real socket, so the host of the test only moves its timeout.
  expect(await samples.elsewhere?.('/targets?state=active')).toEqual({ activeTargets: [{ scrapePool: 'api' }] });
  expect(asked).toEqual(['GET /api/v1/targets?state=active ']);
  await samples.stop();
  server.closeAllConnections();
  server.close();
});

it('keeps what rules write for longer than this process, also beside a Prometheus elsewhere', async () => {
  await using test = await createTestDatabase({ migrate: false });
  // It knows no such series.
  const server = createServer((_request, response) => response.writeHead(200).end(snappy.compress(Buffer.alloc(0))));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const prometheusUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const minuteMs = 60_000;
  const host = createTestHost(Date.UTC(2026, 0, 1));
  await using database = openControlDatabase(host, test.url);
  await database.migrate([join(import.meta.dirname, '../metricstore/migrations')]);
  const warnings: string[] = [];
  const given = { host, database, warn: (text: string) => void warnings.push(text) };
  const labels = { __name__: 'slo:bad_events:rate5m', slo: 'web' };
  const before = await start({ prometheusUrl }, given);
  for (let minute = 0; minute < 4 * 60; minute++) {
    before.append([{ labels, atMs: host.clock.nowMs(), value: 3 }], 'slo');
    if (minute % 10 === 9) await settle(before.store.write(), host);
    await host.advance(minuteMs);
  }
  await settle(before.stop(), host);
  const after = await settle(start({ prometheusUrl }, given), host);
  const counted = await queryInstant(after.source, 'count_over_time(slo:bad_events:rate5m[4h])', host.clock.nowMs());
  expect(counted.value).toMatchObject({ samples: [{ value: 4 * 60 - 1 }] });
  expect(warnings).toEqual([]);
  await settle(after.stop(), host);
  server.closeAllConnections();
  server.close();
});

it('ends what an earlier life scraped, but for what is scraped again', async () => {
  await using test = await createTestDatabase({ migrate: false });
  const server = createServer((_request, response) => response.setHeader('content-type', 'text/plain; version=0.0.4').end('hits 3\n'));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  const of = (jobs: readonly string[]): Partial<AlertSettings> => ({ targets: jobs.map((job) => ({ job, url, labels: {} })) });
  const host = createTestHost(Date.UTC(2026, 0, 1));
  await using database = openControlDatabase(host, test.url);
  await database.migrate([join(import.meta.dirname, '../metricstore/migrations')]);
  const given = { host, database, warn: () => undefined };
  const live = async (jobs: readonly string[]): Promise<Samples> => {
    const samples = await settle(start(of(jobs), given), host);
    const begun = samples.begin();
    await host.advance(200);
    await settle(begun, host);
    samples.append([{ labels: { __name__: 'recorded' }, atMs: host.clock.nowMs(), value: 1 }], 'rules');
    return samples;
  };
  const before = await live(['moved', 'stays']);
  await settle(before.stop(), host);
  const endMs = host.clock.nowMs();
  await host.advance(60_000);
  const after = await live(['stays']);
  const jobsAt = async (query: string, atMs: number): Promise<string[]> => {
    const { value } = await queryInstant(after.source, query, atMs);
    return value.type === 'vector' ? value.samples.map(({ labels }) => labels['job'] ?? '').sort() : [];
  };
  const nowMs = host.clock.nowMs();
  expect(await jobsAt('hits', nowMs)).toEqual(['stays']);
  expect(await jobsAt('up', nowMs)).toEqual(['stays', 'web']);
  expect(await jobsAt('hits', endMs + 20_000)).toEqual(['moved', 'stays']);
  expect(await jobsAt('hits', endMs + 40_000)).toEqual([]);
  expect((await queryInstant(after.source, 'count_over_time(hits{job="stays"}[5m])', nowMs)).value).toMatchObject({ samples: [{ value: 2 }] });
  expect(await jobsAt('recorded', endMs + 40_000)).toEqual(['']);
  await settle(after.stop(), host);
  server.closeAllConnections();
  server.close();
});

/** Lets work that waits for its turn have it. */
async function settle<Result>(work: Promise<Result>, host: TestHost): Promise<Result> {
  const state = { isDone: false };
  const done = work.finally(() => (state.isDone = true));
  while (!state.isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    await host.advance(0);
  }
  return await done;
}
