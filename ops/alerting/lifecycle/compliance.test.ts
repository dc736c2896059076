/**
 * The cases of the alert generator compliance suite (prometheus/compliance, alert_generator/cases): samples every 15 s,
 * evaluations every 30 s. What the suite finds over HTTP within a tolerance is exact here, as time is given.
 */
import { describe, expect, it } from 'vitest';
import { MemorySource } from '../../metricstore/memory-source.ts';
import type { Labels } from '../../metricstore/series.ts';
import { describeAlerts, describeRules } from '../rules/describe.ts';
import { GroupRun } from '../rules/group-run.ts';
import { parseRuleFile } from '../rules/rule-file.ts';
import { resolvedRetentionMs } from './advance.ts';

const writeMs = 15_000;
const intervalMs = 30_000;

/** Samples are made of values and of `0xN`, which is N more of the one before. */
function sampleValues(parts: string): number[] {
  const values: number[] = [];
  for (const part of parts.split(' ')) {
    const repeat = /^0x(\d+)$/.exec(part);
    if (repeat === null) values.push(Number(part));
    else for (let count = 0; count < Number(repeat[1]); count++) values.push(values.at(-1) ?? 0);
  }
  return values;
}

interface Seen { readonly atMs: number; readonly alerts: readonly string[]; readonly series: readonly string[]; readonly told: readonly string[] }

/** Evaluates a group at every interval while its samples come in; what the API, the store and routing then have. */
async function play(rules: string, series: readonly { labels: Labels; parts: string }[], untilSample: number): Promise<{ seen: Seen[]; run: GroupRun }> {
  const { groups: [group], problems } = parseRuleFile('rules.yaml', rules);
  expect(problems).toEqual([]);
  if (group === undefined) throw new Error('no group');
  const source = new MemorySource();
  const run = new GroupRun(group, intervalMs);
  const pending = series.map(({ labels, parts }) => ({ labels, values: sampleValues(parts) }));
  const seen: Seen[] = [];
  for (let at = 0; at < untilSample; at++) {
    for (const { labels, values } of pending) {
      const value = values[at];
      if (value !== undefined) source.add(labels, at * writeMs, value);
    }
    const nowMs = at * writeMs;
    if (nowMs % intervalMs !== 0) continue;
    const written: string[] = [];
    await run.evaluate({ source, externalLabels: {}, externalUrl: '', query: {} }, nowMs, (samples) => {
      for (const sample of samples) {
        if (sample.isStale === true) source.addStale(sample.labels, sample.atMs);
        else source.add(sample.labels, sample.atMs, sample.value);
        if (sample.isStale !== true && sample.labels['__name__'] === 'ALERTS') written.push(`${sample.labels['alertname'] ?? ''} ${sample.labels['alertstate'] ?? ''}`);
      }
    }, () => 0);
    seen.push({
      atMs: nowMs, series: written.sort(),
      alerts: describeAlerts({ runs: [run] }).alerts.map(({ labels, state, value, activeAt }) => `${short(labels)} ${state} ${value} since ${Date.parse(activeAt) / writeMs}`).sort(),
      told: run.routed(nowMs, resolvedRetentionMs).map(({ labels, status }) => `${short(labels)} ${status}`).sort(),
    });
  }
  return { seen, run };
}

const short = (labels: Labels): string => [labels['alertname']?.split('_').at(-1), labels['variant']].filter((part) => part !== undefined).join(' ');
/** Evaluations at samples `from` to `to`, the last not included. */
const between = (seen: readonly Seen[], from: number, to: number): Seen[] => seen.filter(({ atMs }) => atMs >= from * writeMs && atMs < to * writeMs);
const metric = (group: string, rule: string, more: Labels = {}): Labels => ({ __name__: 'alert_generator_test_suite', alertname: `${group}_${rule}`, rulegroup: group, ...more });
const selector = (group: string, rule: string): string => `{__name__="alert_generator_test_suite", alertname="${group}_${rule}", rulegroup="${group}"}`;

describe('alert generator compliance', () => {
  it('PendingAndFiringAndResolved: changing annotations, resends of the end, and a new life', async () => {
    const group = 'PendingAndFiringAndResolved';
    const { seen } = await play(`
groups:
  - name: ${group}
    interval: 30s
    rules:
      - alert: ${group}_SimpleAlert
        expr: '${selector(group, 'SimpleAlert')} > 10'
        for: 6m
        labels: {foo: bar, rulegroup: ${group}}
        annotations: {description: SimpleAlert is firing, summary: 'The value is {{$value}} {{.Value}}'}
`, [{ labels: metric(group, 'SimpleAlert'), parts: '3 5 0x2 9 0x3 11 0x12 15 0x11 0x20 19 0x15 9 0x19 15 0x24 0x20 8 0x15' }], 160);
    const states = (from: number, to: number): string[] => [...new Set(between(seen, from, to).flatMap(({ alerts }) => (alerts.length === 0 ? ['none'] : alerts)))];
    expect(states(0, 8)).toEqual(['none']);
    expect(states(8, 21)).toEqual(['SimpleAlert pending 1.1e+01 since 8']);
    expect(states(22, 32)).toEqual(['SimpleAlert pending 1.5e+01 since 8']);
    expect(states(32, 53)).toEqual(['SimpleAlert firing 1.5e+01 since 8']);
    expect(states(54, 69)).toEqual(['SimpleAlert firing 1.9e+01 since 8']);
    expect(states(70, 89)).toEqual(['none']);
    expect(states(90, 114)).toEqual(['SimpleAlert pending 1.5e+01 since 90']);
    expect(states(114, 134)).toEqual(['SimpleAlert firing 1.5e+01 since 90']);
    expect(states(136, 150)).toEqual(['none']);
    expect(new Set(between(seen, 32, 69).flatMap(({ told }) => told))).toEqual(new Set(['SimpleAlert firing']));
    // The end is told until a new life begins with the same labels.
    expect(new Set(between(seen, 70, 89).flatMap(({ told }) => told))).toEqual(new Set(['SimpleAlert resolved']));
    expect(between(seen, 90, 114).flatMap(({ told }) => told)).toEqual([]);
    for (const { alerts, series } of seen) expect(series.length).toBe(alerts.length);
  });

  it('PendingAndResolved_AlwaysInactive: nothing is told of what never fires, nor when data ends', async () => {
    const group = 'PendingAndResolved_AlwaysInactive';
    const parts = '3 5 0x2 9 0x3 11 0x10 9';
    const { seen, run } = await play(`
groups:
  - name: ${group}
    interval: 30s
    rules:
      - {alert: ${group}_PendingAlert, expr: '${selector(group, 'PendingAlert')} > 10', for: 3m, labels: {foo: bar, rulegroup: ${group}}, annotations: {description: SimpleAlert is firing}}
      - {alert: ${group}_InactiveAlert, expr: '${selector(group, 'InactiveAlert')} > 99', for: 3m, labels: {ba_dum: tss, rulegroup: ${group}}, annotations: {description: This should never fire}}
`, [{ labels: metric(group, 'PendingAlert'), parts }, { labels: metric(group, 'InactiveAlert'), parts }], 60);
    expect(new Set(between(seen, 8, 19).flatMap(({ alerts }) => alerts))).toEqual(new Set(['PendingAlert pending 1.1e+01 since 8']));
    expect(between(seen, 20, 60).flatMap(({ alerts }) => alerts)).toEqual([]);
    expect(seen.flatMap(({ told }) => told)).toEqual([]);
    expect(describeRules({ runs: [run] }).groups[0]?.rules.map((rule) => [rule.name, rule.type === 'alerting' ? rule.state : '', rule.health])).toEqual([
      [`${group}_PendingAlert`, 'inactive', 'ok'], [`${group}_InactiveAlert`, 'inactive', 'ok'],
    ]);
  });

  it('ZeroFor_SmallFor: no for fires at once, a short one at the second evaluation; ends are told for 15 min', async () => {
    const group = 'ZeroFor_SmallFor';
    const parts = '3 5 0x2 9 0x3 15 0x12 9 0x71 11 0x12 9';
    const sources = [1, 2, 3].map((id) => ({ labels: metric(group, '', { alertname: '', for: 'template', id: String(100 + id), __value__: `val${id}` }), parts: `${id} 0x27 ${2 * id} 0x200` }));
    const { seen, run } = await play(`
groups:
  - name: ${group}
    interval: 30s
    rules:
      - alert: ${group}_ZeroFor
        expr: '${selector(group, 'ZeroFor')} > 10'
        labels: {foo: bar, rulegroup: ${group}}
        annotations:
          description: This should immediately fire
          template_query_test: '{{ define "testtemplate" }}Args are: {{.arg0}} {{.arg1}} {{.arg2}}. {{ with query "alert_generator_test_suite{rulegroup=''${group}'',for=''template''}" }}first_id:{{ . | sortByLabel "id" | first | label "id"}},{{ range $v := sortByLabel "id" .}}{{ . | label "id" }}:{{ . | value }},{{end}}{{end}}{{ end }}{{ template "testtemplate" (args "foo" "bar" 99) }}'
          template_test: '{{humanize 1048576}} {{humanize1024 1048576}} {{humanizeDuration 135.3563}} {{humanizePercentage 0.959}} {{humanizeTimestamp 1643114203}}'
      - alert: ${group}_SmallFor
        expr: '${selector(group, 'SmallFor')} > 13'
        for: 15s
        labels: {ba_dum: tss, rulegroup: ${group}}
        annotations:
          description: This should fire after an interval
          template_test: '{{title "this part"}} {{toUpper "is testing"}} {{toLower "THE STRINGS"}}. {{ stripPort "[::1]:6006"}} {{ stripPort "127.0.0.1:4004"}}. {{parseDuration "2h10m15s"}}. {{if match "[0-9]+" "1234"}}{{reReplaceAll "r.*d" "replaced" "rpld text"}}{{end}}. {{if match "[0-9]+$" "1234a"}}WRONG{{end}}.'
`, [{ labels: metric(group, 'ZeroFor'), parts }, { labels: metric(group, 'SmallFor'), parts }, ...sources], 21);
    expect(between(seen, 8, 9)[0]?.alerts).toEqual(['SmallFor pending 1.5e+01 since 8', 'ZeroFor firing 1.5e+01 since 8']);
    expect(between(seen, 10, 11)[0]?.alerts).toEqual(['SmallFor firing 1.5e+01 since 8', 'ZeroFor firing 1.5e+01 since 8']);
    expect(run.rules.map(({ state }) => state.alerts[0]?.annotations)).toEqual([
      {
        description: 'This should immediately fire', template_query_test: 'Args are: foo bar 99. first_id:101,101:1,102:2,103:3,',
        template_test: '1.049M 1Mi 2m 15s 95.9% 2022-01-25 12:36:43 +0000 UTC',
      },
      { description: 'This should fire after an interval', template_test: 'This Part IS TESTING the strings. ::1 127.0.0.1. 7815. replaced text. .' },
    ]);
    const whole = await play(`
groups:
  - name: ${group}
    rules: [{alert: ${group}_ZeroFor, expr: '${selector(group, 'ZeroFor')} > 10'}, {alert: ${group}_SmallFor, expr: '${selector(group, 'SmallFor')} > 13', for: 15s}]
`, [{ labels: metric(group, 'ZeroFor'), parts }, { labels: metric(group, 'SmallFor'), parts }], 126);
    // Resolved at sample 22 (5 min 30 s): told up to and with 20 min 30 s, and no more.
    expect(new Set(between(whole.seen, 22, 83).flatMap(({ told }) => told))).toEqual(new Set(['ZeroFor resolved', 'SmallFor resolved']));
    expect(between(whole.seen, 84, 94).flatMap(({ told }) => told)).toEqual([]);
    expect(new Set(between(whole.seen, 94, 106).flatMap(({ alerts }) => alerts))).toEqual(new Set(['ZeroFor firing 1.1e+01 since 94']));
    expect(new Set(between(whole.seen, 108, 126).flatMap(({ told }) => told))).toEqual(new Set(['ZeroFor resolved']));
  });

  it('NewAlerts_OrderCheck: alerts that join later, and a rule on the ALERTS of the one before it', async () => {
    const group = 'NewAlerts_OrderCheck';
    const firing = (variant: string): string => `ALERTS{alertstate="firing", alertname="${group}_Rule1", foo="bar", rulegroup="${group}", variant="${variant}"}`;
    const { seen, run } = await play(`
groups:
  - name: ${group}
    interval: 30s
    rules:
      - {alert: ${group}_Rule1, expr: '${selector(group, 'Rule1')} > 10', for: 3m, labels: {foo: bar, rulegroup: ${group}}, annotations: {description: This should produce more alerts later}}
      - alert: ${group}_Rule2
        expr: (${firing('one')} + ignoring(variant) ${firing('two')}) == 2
        labels: {foo: baz, ba_dum: tss, rulegroup: ${group}}
        annotations: {description: 'Based on ALERTS. Old alertname was {{$labels.alertname}}. foo was {{.Labels.foo}}.'}
`, [
      { labels: metric(group, 'Rule1', { variant: 'one' }), parts: '1 0x7 11 0x64 9 0x20' },
      { labels: metric(group, 'Rule1', { variant: 'two' }), parts: '1 0x31 11 0x32 9 0x20' },
    ], 50);
    expect(between(seen, 8, 9)[0]?.alerts).toEqual(['Rule1 one pending 1.1e+01 since 8']);
    expect(between(seen, 20, 21)[0]?.alerts).toEqual(['Rule1 one firing 1.1e+01 since 8']);
    expect(between(seen, 32, 33)[0]?.alerts).toEqual(['Rule1 one firing 1.1e+01 since 8', 'Rule1 two pending 1.1e+01 since 32']);
    // In the very evaluation in which the second begins to fire.
    expect(between(seen, 44, 45)[0]?.alerts).toEqual(['Rule1 one firing 1.1e+01 since 8', 'Rule1 two firing 1.1e+01 since 32', 'Rule2 firing 2e+00 since 44']);
    expect(run.rules[1]?.state.alerts[0]).toMatchObject({
      labels: { alertname: `${group}_Rule2`, alertstate: 'firing', ba_dum: 'tss', foo: 'baz', rulegroup: group },
      annotations: { description: `Based on ALERTS. Old alertname was ${group}_Rule1. foo was bar.` },
    });
  });
});
