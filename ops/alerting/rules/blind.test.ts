import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createTestHost } from '../../core/test-host.ts';
import type { TestHost } from '../../core/test-host.ts';
import { MemorySource } from '../../metricstore/memory-source.ts';
import { followBlindRules, metricsAskedFor } from './blind.ts';
import { watchEvaluator } from './metrics.ts';
import { parseRuleFile } from './rule-file.ts';

const { groups } = parseRuleFile('queues.yaml', `
groups:
  - name: queues
    rules:
      - {record: 'job:jobs:rate', expr: 'sum by (job) (rate(jobs_total[5m]))'}
      - {alert: Deep, expr: 'max(queue_depth) > 100'}
      - {alert: Failing, expr: 'increase(jobs_failed_total{kind="mail"}[5m]) / on () sum(job:jobs:rate) > 1'}
      - {alert: Slow, expr: 'histogram_quantile(0.9, sum by (le) (rate(job_seconds_bucket[5m]))) > 1 and absent(up{job="x"})'}
      - {alert: Always, expr: 'vector(1)'}
`);
const minuteMs = 60_000;

async function pass(host: TestHost, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    await host.advance(minuteMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it('asks for what processes must export, and for nothing that rules make', () => {
  expect([...metricsAskedFor(groups)].map(([name, rules]) => [name, rules.map((rule) => rule.name)])).toEqual([
    ['jobs_total', ['job:jobs:rate']], ['queue_depth', ['Deep']], ['jobs_failed_total', ['Failing']], ['job_seconds_bucket', ['Slow']],
  ]);
});

it('tells a rule whose metric has been gone for an hour and 10 minutes, but none whose counter never counted', async () => {
  const host = createTestHost();
  const source = new MemorySource();
  const said: string[] = [];
  const told = { help: '', unit: '' };
  source.setMetadata({ name: 'jobs_total', type: 'counter', ...told });
  source.setMetadata({ name: 'jobs_failed_total', type: 'counter', ...told });
  source.setMetadata({ name: 'job_seconds', type: 'histogram', ...told });
  // Its target tells no types, and after a deploy its name is another.
  source.add({ __name__: 'queue_depth', job: 'workers' }, host.clock.nowMs(), 3);
  const blind = followBlindRules({ host, groups, source, say: (text) => said.push(text) });
  const namesOf = (): string[] => groups.flatMap(({ rules }) => rules.filter((rule) => blind.has(rule)).map(({ name }) => name));
  await pass(host, 70);
  expect(namesOf()).toEqual([]);
  await pass(host, 2);
  expect(namesOf()).toEqual(['Deep']);
  const registry = new Registry();
  const rulesOf = (health: 'ok' | 'no-data' | 'error') => groups.flatMap(({ rules }) => rules.map((rule) => ({ rule, key: rule.name, durationMs: 0, state: { alerts: [], series: [], health, evaluatedAtMs: 0 } })));
  watchEvaluator(registry, { runs: [{ rules: rulesOf('no-data'), key: 'k', durationMs: 0 }] as never, counts: { evaluations: 0, failures: 0, missed: 0, lost: 0 } }, blind);
  expect(await registry.metrics()).toMatch(/sora_rules\{health="no-data"\} 4\n[^]*sora_rules\{health="blind"\} 1\n/);
  await pass(host, 30);
  source.add({ __name__: 'queue_depth', job: 'workers' }, host.clock.nowMs(), 3);
  await pass(host, 1);
  expect(namesOf()).toEqual([]);
  expect(said).toEqual(['the rule Deep is blind: no process exports queue_depth']);
  blind.stop();
});

it('says once a look that it cannot know, and goes on with what it knew', async () => {
  const host = createTestHost();
  const said: string[] = [];
  const blind = followBlindRules({ host, groups, source: { metadata: () => Promise.reject(new Error('away')), series: () => Promise.resolve([]) }, say: (text) => said.push(text) });
  await pass(host, 15);
  expect(said).toHaveLength(15);
  expect(said[0]).toBe('which metrics are exported is not known: away');
  expect(groups.some(({ rules }) => rules.some((rule) => blind.has(rule)))).toBe(false);
  blind.stop();
});
