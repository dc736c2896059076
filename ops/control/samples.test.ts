import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { expect, inject, it } from 'vitest';
import { scrapeTargetsMax } from '../core/config.ts';
import { createTestHost } from '../core/test-host.ts';
import { openControlDatabase } from './database.ts';
import { startSamples } from './samples.ts';
import type { Samples } from './samples.ts';
import { readAlertSettings } from './settings.ts';
import type { AlertSettings } from './settings.ts';

/** Of a topology of one process; the database has no table, as nothing is stored here. */
async function start(changed: Partial<AlertSettings>, warnings: string[] = []): Promise<Samples> {
  const host = createTestHost();
  const folder = mkdtempSync(join(tmpdir(), 'sora-samples-'));
  const database = openControlDatabase(host, inject('postgresUrl'));
  const topology = join(folder, 'topology.json');
  try {
    writeFileSync(topology, JSON.stringify({ version: 1, ports: { web: 1 }, processes: [{ name: 'web', kind: 'api', runtime: 'node', entry: 'x.ts', port: 'web', readiness: { kind: 'http', path: '/', timeoutMs: 1_000 } }] }));
    const settings = await readAlertSettings(host, folder);
    return await startSamples({ host, settings: { ...settings, ...changed }, places: { stateDir: undefined, topology }, database, metrics: new Registry(), warn: (text) => warnings.push(text) });
  } finally {
    await database.close();
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
