import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestHost } from '../core/test-host.ts';
import { readControlEnvironment } from './environment.ts';
import { describeSettings, readAlertSettings, warnOfAddresses } from './settings.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sora-settings-'));
  writeFileSync(join(folder, 'sora.config.ts'), `export default { alerts: { scrapeIntervalMs: 10_000, prometheusUrl: 'http://p:9090', watchdog: { receivers: [{ kind: 'log' }] }, targets: [{ job: 'x', url: 'http://x/metrics', bearerToken: 'secret' }] } };`);
});
afterAll(() => rmSync(folder, { recursive: true }));

const withEnv = (env: Record<string, string>) => {
  const host = createTestHost();
  return { ...host, process: { ...host.process, env } };
};

test('the environment comes before the file, the file before defaults', async () => {
  const plain = await readAlertSettings(withEnv({}), folder);
  expect(plain).toMatchObject({ scrapeIntervalMs: 10_000, evaluationIntervalMs: 15_000, prometheusUrl: 'http://p:9090', anonymousRead: false, rules: ['alerts/rules/*.yaml'], routing: 'alerts/routing.yaml' });
  const changed = await readAlertSettings(withEnv({
    SORA_SCRAPE_INTERVAL: '5s', SORA_EVALUATION_INTERVAL: '1m', PROMETHEUS_URL: 'https://q.example/', SORA_ANONYMOUS_READ: 'yes', SORA_ALERT_RULES: 'a.yaml, b/*.yaml', SORA_WATCHDOG_AFTER: '90s',
    SORA_WATCHDOG_SLACK_URL: 'https://hooks.slack.example/x', SORA_WATCHDOG_URLS: 'http://one:1,http://two:2/',
  }), folder);
  expect(changed).toMatchObject({
    scrapeIntervalMs: 5_000, evaluationIntervalMs: 60_000, prometheusUrl: 'https://q.example', anonymousRead: true, rules: ['a.yaml', 'b/*.yaml'], watchdogUrls: ['http://one:1', 'http://two:2'],
    watchdog: { afterMs: 90_000, receivers: [{ kind: 'log' }, { kind: 'slack', webhookUrl: 'https://hooks.slack.example/x' }] },
  });
  expect(describeSettings(plain)).toContain('scrape_interval: 10s');
  expect(describeSettings(plain)).not.toContain('secret');
});

test.each([
  [{ SORA_SCRAPE_INTERVAL: '10ms' }, 'SORA_SCRAPE_INTERVAL "10ms" is not between 1s and 3600s'],
  [{ SORA_EVALUATION_INTERVAL: 'often' }, 'SORA_EVALUATION_INTERVAL "often" is not a duration'],
  [{ ALERTMANAGER_URL: 'alertmanager:9093' }, 'ALERTMANAGER_URL "alertmanager:9093" is not an http or https address'],
])('%j is refused', async (env, message) => {
  await expect(readAlertSettings(withEnv(env as Record<string, string>), folder)).rejects.toMatchObject({ exitCode: 104, message: expect.stringContaining(message) as string });
});

test('links that lead nowhere for whoever is told outside are warned of, and no others', () => {
  const inside = { host: '127.0.0.1', from: 'sora@x.example' };
  expect(warnOfAddresses({}, [{ kind: 'log', settings: {} }, { kind: 'webhook', settings: { url: 'http://127.0.0.1:9/' } }, { kind: 'email', settings: inside }])).toEqual([]);
  expect(warnOfAddresses({}, [{ kind: 'slack', settings: { webhookUrl: { secret: { from: 'env', name: 'S' } } } }])).toEqual([
    expect.stringMatching(/^runbookUrl is not set.*SORA_RUNBOOK_URL/), expect.stringMatching(/^publicUrl is not set.*SORA_PUBLIC_URL/),
  ]);
  expect(warnOfAddresses({ runbookUrl: 'https://git.example/x', publicUrl: 'http://localhost:8070' }, [{ kind: 'pagerduty', settings: {} }])).toEqual([expect.stringMatching(/^publicUrl http:\/\/localhost:8070 is of this machine/)]);
  expect(warnOfAddresses({ runbookUrl: 'https://git.example/x', publicUrl: 'https://sora.example' }, [{ kind: 'pagerduty', settings: {} }])).toEqual([]);
});

test('what the supervisor must tell is asked for all at once', () => {
  expect(() => readControlEnvironment(withEnv({ PORT: '1', SORA_ACK_SECRET: 'short' }))).toThrow(/SORA_CONTROL_DATABASE_URL.*SORA_VIEWER_TOKEN.*SORA_ACK_SECRET/s);
});
