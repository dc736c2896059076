import { expect, it } from 'vitest';
import { formatPromql } from '../../metricstore/promql/format.ts';
import { parsePromql } from '../../metricstore/promql/parse.ts';
import { groupSource } from './recording.ts';
import { parseRuleFile } from './rule-file.ts';
import { shortenExpr, shortenRules } from './shorten.ts';

const shorten = (text: string): string => formatPromql(shortenExpr(parsePromql(text), 30_000));

it.each([
  ['rate(a[5m])', 'rate(a[30s])'],
  ['rate(a[10s])', 'rate(a[10s])'],
  ['sum by (le) (rate(a_bucket{x="y"}[1h] offset 1d)) > 0.5', 'sum by (le) (rate(a_bucket{x="y"}[30s] offset 30s)) > 0.5'],
  ['max_over_time(rate(a[1m])[1h:5m])', 'max_over_time(rate(a[30s])[30s:5s])'],
  ['a / on (b) group_left (c) -rate(d[3d])', 'a / on (b) group_left (c) -rate(d[30s])'],
])('cuts the windows of %s', (before, after) => {
  expect(shorten(before)).toBe(formatPromql(parsePromql(after)));
});

it('leaves rules that can be written down and read again, whatever the limits', () => {
  const { groups } = parseRuleFile('rules.yaml', `
groups:
  - name: lives
    rules: [{alert: Down, expr: 'max_over_time(rate(a[1m])[1h:5m]) > 1', for: 5m, keep_firing_for: 1h, labels: {severity: low}}]
`);
  const shortened = shortenRules(groups, { windowMaxMs: 20_000, forMaxMs: 20_000 / 6 });
  const read = parseRuleFile('recorded', JSON.stringify({ groups: shortened.map((group) => groupSource(group)) }));
  expect(read.problems).toEqual([]);
  expect(read.groups[0]?.rules[0]).toMatchObject({ forMs: 3_333, keepFiringForMs: 3_333, expression: shortened[0]?.rules[0]?.expression });
});
