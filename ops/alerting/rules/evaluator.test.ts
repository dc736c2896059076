import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../core/test-host.ts';
import type { TestHost } from '../../core/test-host.ts';
import { MemorySource } from '../../metricstore/memory-source.ts';
import type { Matcher, SeriesSamples, TimeSpan } from '../../metricstore/series.ts';
import type { RoutedAlert } from '../alert.ts';
import { rehearsalLabel } from '../alert.ts';
import type { RuleSample } from '../lifecycle/state.ts';
import { describeAlerts, describeRules } from './describe.ts';
import { RuleEvaluator } from './evaluator.ts';
import type { EvaluatorOptions } from './evaluator.ts';
import { evaluationMetric } from './group-run.ts';
import { watchEvaluator } from './metrics.ts';
import { parseRuleFile } from './rule-file.ts';
import type { RuleStateStore, StateChange } from './state-store.ts';

const rules = `
groups:
  - name: api
    rules:
      - {record: 'job:up:sum', expr: sum by (job) (up)}
      - alert: Down
        expr: up == 0
        for: 30s
        labels: {severity: critical}
        annotations: {summary: '{{ $labels.instance }} is down', impact: 'sum(increase(requests_total[5m])) # requests'}
  - name: slow
    interval: 1m
    rules: [{alert: AllDown, expr: 'job:up:sum == 0'}, {alert: Blind, expr: nothing > 1}]
`;

interface Bench {
  readonly host: TestHost;
  readonly source: MemorySource;
  readonly evaluator: RuleEvaluator;
  readonly told: { alerts: readonly RoutedAlert[]; isChanged: boolean }[];
  readonly said: string[];
  /** Scrapes `up` of instance a with this value, and waits for a time. */
  readonly run: (value: number, durationMs: number) => Promise<void>;
}

function bench(options: Partial<EvaluatorOptions> = {}): Bench {
  const host = createTestHost(Date.UTC(2026, 0, 1));
  const source = new MemorySource();
  const told: Bench['told'] = [];
  const said: string[] = [];
  const append = (samples: readonly RuleSample[]): void => samples.forEach(({ labels, atMs, value, isStale }) => (isStale === true ? source.addStale(labels, atMs) : source.add(labels, atMs, value)));
  const evaluator = new RuleEvaluator({
    host, source, append, groups: parseRuleFile('alerts/rules/api.yaml', rules).groups,
    onTransitions: (alerts, isChanged) => told.push({ alerts, isChanged }), say: (message) => said.push(message), ...options,
  });
  return {
    host, source, evaluator, told, said,
    async run(value, durationMs) {
      for (let passedMs = 0; passedMs < durationMs; passedMs += 5_000) {
        source.add({ __name__: 'up', job: 'api', instance: 'a' }, host.clock.nowMs(), value);
        source.add({ __name__: 'requests_total' }, host.clock.nowMs(), (host.clock.nowMs() - Date.UTC(2026, 0, 1)) / 10);
        await host.advance(5_000);
        await evaluator.idle();
      }
    },
  };
}

describe('RuleEvaluator', () => {
  it('evaluates groups at their intervals, at a time of their own, and tells routing at once', async () => {
    const { evaluator, told, run, source } = bench();
    await evaluator.start();
    await run(1, 60_000);
    expect(told.every(({ isChanged }) => !isChanged)).toBe(true);
    await run(0, 60_000);
    await evaluator.stop();
    const evaluations = await source.select([{ name: '__name__', operator: '=', value: evaluationMetric }], { fromMs: 0, toMs: Infinity });
    const times = new Map(evaluations.map(({ labels, timestampsMs }) => [labels['rule_group'], [...timestampsMs]]));
    const api = times.get('alerts/rules/api.yaml;api') ?? [];
    expect(api.length).toBeGreaterThanOrEqual(7);
    expect(new Set(api.map((atMs) => atMs % 15_000)).size).toBe(1);
    expect(times.get('alerts/rules/api.yaml;slow')).toHaveLength(2);
    const firing = told.findLast(({ isChanged, alerts }) => isChanged && alerts.length > 0)?.alerts.find(({ labels }) => labels['alertname'] === 'Down');
    expect(firing).toMatchObject({ status: 'firing', value: 0, expression: 'up == 0', annotations: { summary: 'a is down' }, labels: { alertname: 'Down', severity: 'critical', instance: 'a' } });
    expect(firing?.impact).toMatch(/^[\d,]+ requests$/);
    expect(told.filter(({ isChanged }) => isChanged)).toHaveLength(2);
  });

  it('bounds what one query of a rule reads', async () => {
    const told: (number | undefined)[] = [];
    class Watched extends MemorySource {
      override select(matchers: readonly Matcher[], span: TimeSpan, samplesMax?: number): Promise<readonly SeriesSamples[]> {
        told.push(samplesMax);
        return super.select(matchers, span, samplesMax);
      }
    }
    const { evaluator, run } = bench({ source: new Watched() });
    await evaluator.start();
    await run(1, 20_000);
    expect(new Set(told)).toEqual(new Set([20_000_000]));
  });

  it('describes rules and alerts as Prometheus does', async () => {
    const { evaluator, run } = bench();
    await evaluator.start();
    expect(describeRules(evaluator).groups[0]?.rules[1]).toMatchObject({ state: 'unknown', health: 'unknown', lastEvaluation: '0001-01-01T00:00:00Z' });
    await run(0, 120_000);
    await evaluator.stop();
    const { groups } = describeRules(evaluator);
    expect(groups.map(({ name, file, interval, limit }) => [name, file, interval, limit])).toEqual([['api', 'alerts/rules/api.yaml', 15, 0], ['slow', 'alerts/rules/api.yaml', 60, 0]]);
    expect(groups[0]?.rules[0]).toMatchObject({ type: 'recording', name: 'job:up:sum', query: 'sum by (job) (up)', health: 'ok' });
    expect(groups[0]?.rules[1]).toMatchObject({ type: 'alerting', state: 'firing', duration: 30, keepFiringFor: 0, query: 'up == 0', alerts: [{ state: 'firing', value: '0e+00' }] });
    expect(groups[1]?.rules.map((rule) => [rule.name, rule.health, rule.soraHealth])).toEqual([['AllDown', 'ok', 'ok'], ['Blind', 'ok', 'no-data']]);
    expect(describeAlerts(evaluator).alerts.map(({ labels }) => labels['alertname'])).toEqual(['Down', 'AllDown']);
  });

  it('tells how evaluation goes in metrics', async () => {
    const { evaluator, run } = bench();
    const registry = new Registry();
    watchEvaluator(registry, evaluator);
    await evaluator.start();
    await run(0, 120_000);
    await evaluator.stop();
    const text = await registry.metrics();
    for (const line of ['sora_rules{health="ok"} 3', 'sora_rules{health="no-data"} 1', 'sora_alerts{state="firing"} 2', 'sora_rule_evaluation_failures_total 0', 'sora_rule_evaluations_missed_total 0']) expect(text).toContain(line);
    expect(Number(/^sora_rule_evaluations_total (\d+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(18);
  });

  it('counts evaluations that were missed, and makes up for none of them', async () => {
    const slow = bench();
    const { evaluator, host } = slow;
    let isHeld = true;
    const held: (() => void)[] = [];
    const select = slow.source.select.bind(slow.source);
    slow.source.select = async (matchers, span) => {
      if (isHeld) await new Promise<void>((resolve) => held.push(resolve));
      return await select(matchers, span);
    };
    await evaluator.start();
    await host.advance(100_000);
    isHeld = false;
    held.forEach((release) => release());
    await evaluator.idle();
    await host.advance(1);
    await evaluator.idle();
    expect(evaluator.counts.missed).toBeGreaterThanOrEqual(4);
    await evaluator.stop();
  });

  it('lets alerts that begin during a load run carry its id', async () => {
    let id: string | undefined = 'run-7';
    let overForMs = 0;
    const groups = parseRuleFile('alerts/rules/api.yaml', `${rules}  - {name: window, rules: [{alert: Slow, expr: 'max_over_time(up[2m]) < 2'}]}\n`).groups;
    const { evaluator, run } = bench({ groups, rehearsals: () => Promise.resolve({ idOf: () => id, overForMs: () => overForMs }) });
    await evaluator.start();
    await run(0, 60_000);
    id = undefined;
    await run(0, 60_000);
    const alerts = evaluator.routedAlerts();
    expect(alerts.find(({ labels }) => labels['alertname'] === 'Down')?.labels).toMatchObject({ [rehearsalLabel]: 'run-7' });
    expect(describeRules(evaluator).groups[0]?.rules[1]).toMatchObject({ alerts: [{ labels: { [rehearsalLabel]: 'run-7' } }] });
    // Rules without a window leave it after 5 min, those with one later.
    const firing = (): string[] => evaluator.routedAlerts().filter(({ status }) => status === 'firing').map(({ labels }) => `${labels['alertname'] ?? ''} ${labels[rehearsalLabel] ?? '-'}`).sort();
    overForMs = 5 * 60_000;
    await run(0, 75_000);
    expect(firing()).toEqual(['AllDown run-7', 'Down run-7', 'Slow run-7']);
    overForMs += 1;
    await run(0, 75_000);
    expect(firing()).toEqual(['AllDown -', 'Down -', 'Slow run-7']);
    overForMs += 2 * 60_000;
    await run(0, 75_000);
    expect(firing()).toEqual(['AllDown -', 'Down -', 'Slow -']);
    await evaluator.stop();
  });

  it('keeps changes while the database is away, and writes them in order when it is back', async () => {
    const written: StateChange[] = [];
    let isAway = true;
    const store: RuleStateStore = {
      load: () => Promise.resolve(new Map()),
      save: (change) => (isAway ? Promise.reject(new Error('connection refused')) : (written.push(change), Promise.resolve())),
    };
    const { evaluator, host, run, said } = bench({ store });
    await evaluator.start();
    await run(0, 60_000);
    expect(said[0]).toContain('connection refused');
    expect(host.clock.nowMs() - (evaluator.unsavedSinceMs ?? Infinity)).toBeGreaterThan(15_000);
    isAway = false;
    await run(1, 30_000);
    expect(evaluator.unsavedSinceMs).toBeUndefined();
    await evaluator.stop();
    const steps = written.flatMap(({ transitions }) => transitions).filter(({ rule }) => rule === 'Down').map(({ from, to }) => `${from}>${to}`);
    expect(steps).toEqual(['inactive>pending', 'pending>firing', 'firing>resolved']);
    expect(evaluator.counts.lost).toBe(0);
  });

  it('evaluates on while the database hangs, and writes what waited in order when it answers', async () => {
    const written: StateChange[] = [];
    const held: (() => void)[] = [];
    let isHanging = true;
    const store: RuleStateStore = {
      load: () => Promise.resolve(new Map()),
      async save(change) {
        if (isHanging) await new Promise<void>((resolve) => held.push(resolve));
        written.push(change);
      },
    };
    const { evaluator, host, source, told } = bench({ store });
    await evaluator.start();
    for (let passedMs = 0; passedMs < 120_000; passedMs += 500) {
      source.add({ __name__: 'up', job: 'api', instance: 'a' }, host.clock.nowMs(), 0);
      await host.advance(500);
      // Not `idle`, which waits for what is being written.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(told.at(-1)?.alerts.map(({ labels, status }) => `${labels['alertname'] ?? ''} ${status}`)).toContain('Down firing');
    expect(evaluator.runs.map(({ evaluatedAtMs = 0, intervalMs }) => host.clock.nowMs() - evaluatedAtMs <= intervalMs + 1_000)).toEqual([true, true]);
    expect(written).toEqual([]);
    expect(held).toHaveLength(1);
    expect(host.clock.nowMs() - (evaluator.unsavedSinceMs ?? Infinity)).toBeGreaterThan(60_000);
    isHanging = false;
    held[0]?.();
    await evaluator.idle();
    expect(evaluator.unsavedSinceMs).toBeUndefined();
    await evaluator.stop();
    const steps = written.flatMap(({ transitions }) => transitions).filter(({ rule }) => rule === 'Down').map(({ from, to }) => `${from}>${to}`);
    expect(steps).toEqual(['inactive>pending', 'pending>firing']);
  });

  it('resolves alerts of rules that are no longer loaded', async () => {
    const saved = new Map<string, Map<string, StateChange['states'][number]['state']>>();
    const store: RuleStateStore = {
      load: () => Promise.resolve(saved),
      save({ group, states, dropped }) {
        const rows = saved.get(group) ?? new Map();
        for (const { rule, state } of states) rows.set(rule, state);
        for (const rule of dropped) rows.delete(rule);
        saved.set(group, rows);
        return Promise.resolve();
      },
    };
    const first = bench({ store });
    await first.evaluator.start();
    await first.run(0, 120_000);
    await first.evaluator.stop();
    const second = bench({ store, groups: parseRuleFile('alerts/rules/api.yaml', 'groups: [{name: api, rules: [{alert: Other, expr: vector(0) > 1}]}]').groups });
    await second.evaluator.start();
    expect(second.evaluator.routedAlerts().map(({ labels, status }) => `${labels['alertname'] ?? ''} ${status}`).sort()).toEqual(['AllDown resolved', 'Down resolved']);
    expect([...saved.values()].flatMap((rows) => [...rows.keys()])).toEqual([]);
    await second.evaluator.stop();
  });
});
