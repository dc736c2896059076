/** The shipped rules, unchanged, in a real Prometheus: it loads them all, evaluates them, and tells an Alertmanager. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { findReferences } from '../../../tests/go-tools.ts';
import { createNodeHost } from '../../core/node-host.ts';
import { goTools } from '../../core/tools.ts';
import { startPrometheus } from '../../metricstore/reference/prometheus.ts';
import { loadRules } from './load-rules.ts';

const host = createNodeHost();
const folder = resolve(import.meta.dirname, '../../../deploy/prometheus');
const references = await findReferences(host, { prometheus: goTools.prometheus, promtool: goTools.promtool });
const isHere = typeof references !== 'string';

const rulesReply = z.object({ groups: z.array(z.object({ name: z.string(), rules: z.array(z.object({ name: z.string(), health: z.string(), lastError: z.string().optional() })) })) });
const posted = z.array(z.object({ labels: z.record(z.string(), z.string()), annotations: z.record(z.string(), z.string()) }));
/** The first message may go before the server has found its Alertmanager; the next comes a minute later by default. */
const resendSoon = '--rules.alert.resend-delay=5s';
const poll = { timeout: 60_000, interval: 200 };

describe.skipIf(!isHere)(`the shipped rules in a real Prometheus${isHere ? '' : ` (skipped: ${references})`}`, () => {
  test('are loaded as they are, all evaluate, and what fires is told with its labels and annotations', async () => {
    if (!isHere) return;
    const told: z.infer<typeof posted> = [];
    const alertmanager = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (part: string) => (body += part));
      request.on('end', () => {
        told.push(...posted.parse(JSON.parse(body)));
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(alertmanager, 'listening');
    const shipped = parse(host.files.readText(join(folder, 'prometheus.yml'))) as { rule_files: string[] };
    const ruleFiles = shipped.rule_files.map((path) => resolve(folder, path));
    const config = { ...shipped, rule_files: ruleFiles, scrape_configs: [], alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${(alertmanager.address() as AddressInfo).port}`] }] }] } };
    const nowMs = host.clock.nowMs();
    const series = { labels: { __name__: 'drill' }, timestampsMs: Float64Array.of(nowMs - 15_000, nowMs), values: Float64Array.of(1, 1) };
    try {
      await using prometheus = await startPrometheus(host, { prometheus: references.prometheus.path, promtool: references.promtool.path }, [series], [resendSoon], stringify(config));
      const rules = async (): Promise<{ name: string; health: string; lastError?: string | undefined }[]> => rulesReply.parse((await prometheus.ask('rules', {})).data).groups.flatMap((group) => group.rules);
      await expect.poll(async () => (await rules()).filter(({ health }) => health !== 'ok'), poll).toEqual([]);
      const ours = loadRules(host.files, ruleFiles).groups.flatMap((group) => group.rules.map(({ name }) => name));
      expect((await rules()).map(({ name }) => name).sort()).toEqual(ours.sort());
      await expect.poll(() => told.find(({ labels }) => labels['alertname'] === 'DeadMansSwitch'), poll).toMatchObject({ labels: { severity: 'low', service: 'control' }, annotations: { runbook: 'runbooks/dead-mans-switch.md', summary: 'Alerts are evaluated and sent' } });
    } finally {
      alertmanager.closeAllConnections();
      alertmanager.close();
    }
  }, 150_000);
});
