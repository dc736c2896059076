import { describe, expect, it } from 'vitest';
import { parseRuleTests } from '../rule-tests/test-file.ts';
import { checkRules } from './check-rules.ts';
import type { CheckInput } from './check-rules.ts';
import { metricListOf, parseMetricList, renderMetricList } from './metric-list.ts';
import { parseRuleFile } from './rule-file.ts';

const metrics = metricListOf(
  [{ name: 'requests_total', type: 'counter', help: '', unit: '' }, { name: 'delay_seconds', type: 'histogram', help: '', unit: '' }, { name: 'never_counted_total', type: 'counter', help: '', unit: '' }],
  [{ __name__: 'requests_total', job: 'api', instance: 'a', code: '500' }, { __name__: 'delay_seconds_bucket', job: 'api', instance: 'a', le: '1' }],
);
const good = `
groups:
  - name: api
    rules:
      - {record: 'job:requests:rate', expr: 'sum by (job) (rate(requests_total[1m]))'}
      - alert: Slow
        expr: job:requests:rate > 5 and on () requests_total{code="500"} > 0
        labels: {severity: high, owner: backend}
        annotations: {summary: s, description: d, impact: 'sum(increase(requests_total{job="{{ $labels.job }}"}[5m])) # requests', runbook: runbooks/slow.md}
`;
const tests = parseRuleTests('t.yaml', 'tests: [{alert_rule_test: [{alertname: Slow, eval_time: 1m, exp_alerts: [{exp_annotations: {summary: s}}]}]}]').tests;

function check(rules: string, change: Partial<CheckInput> = {}): string[] {
  const { groups, problems } = parseRuleFile('alerts/rules/api.yaml', rules);
  expect(problems).toEqual([]);
  return checkRules({ groups, tests: [tests], metrics, exists: (path) => path === 'runbooks/slow.md', ...change }).map(({ line, message }) => `${line}: ${message}`);
}

describe('checkRules', () => {
  it('finds nothing in a rule that has all', () => {
    expect(check(good)).toEqual([]);
  });

  it('finds a metric that nobody exports, and a label that the metric does not have', () => {
    expect(check(good.replace('rate(requests_total[1m])', 'rate(replies_total[1m])'))).toEqual(['5: job:requests:rate: replies_total: no process exports it (alerts/metrics.json)']);
    expect(check(good.replace('code="500"', 'status="500"'))).toEqual(['6: Slow: requests_total{status="500"}: the metric has no label status, only code, instance, job']);
    expect(check(good.replace('requests_total{job=', 'nothing{job='))).toEqual(['6: Slow: impact: nothing{job="x"}: no process exports it (alerts/metrics.json)']);
    expect(check(good.replace('code="500"', 'status!="500"'))).toEqual([]);
    expect(check(good.replace('requests_total{code="500"}', 'never_counted_total{any="x"}'))).toEqual([]);
    expect(check(good.replace('requests_total{code="500"}', 'delay_seconds_sum'))).toEqual([]);
  });

  it('finds what is missing', () => {
    expect(check(good.replace('severity: high, owner: backend', 'severity: page').replace('summary: s, ', '').replace('slow.md', 'none.md'), { tests: [] })).toEqual([
      '6: Slow: the annotation summary is missing', '6: Slow: severity "page" is none of critical, high, medium, low', '6: Slow: the label owner is missing',
      '6: Slow: the runbook runbooks/none.md does not exist', '6: Slow: no test expects it to fire (in alerts/tests)',
    ]);
    expect(check(good.replace(/impact: '[^']*'/, 'impact: many'))).toEqual(['6: Slow: impact: many: no process exports it (alerts/metrics.json)']);
    expect(check(good.replace(/impact: '[^']*'/, 'impact: too many'))[0]).toContain('the annotation impact is no query');
  });

  it('finds a rule that stands twice, and tests that say too little', () => {
    expect(check(`${good}${good.slice(good.indexOf('      - alert'))}`)).toEqual(['10: Slow: a rule of this name and these labels stands before it']);
    const silent = parseRuleTests('t.yaml', 'tests: [{alert_rule_test: [{alertname: Slow, eval_time: 1m, exp_alerts: [{}]}]}]').tests;
    expect(check(good, { tests: [silent] })).toEqual(['1: 0 of 1 tests that expect alerts state exp_annotations; at least half must']);
  });

  it('keeps the list of metrics in a file that reads back', () => {
    expect(parseMetricList(renderMetricList(metrics), 'metrics.json')).toEqual(metrics);
    expect(metricListOf([], [{ __name__: 'requests_total', path: '/' }], metrics).metrics['requests_total']?.labels).toEqual(['code', 'instance', 'job', 'path']);
    expect(() => parseMetricList('{"schema": 1}', 'metrics.json')).toThrow('metrics.json');
  });
});
