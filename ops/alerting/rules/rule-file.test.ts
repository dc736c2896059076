import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findReferences } from '../../../tests/go-tools.ts';
import { createNodeHost } from '../../core/node-host.ts';
import { goTools } from '../../core/tools.ts';
import { loadRules, requireRules } from './load-rules.ts';
import { parsePromDuration } from './prom-duration.ts';
import { parseRuleFile } from './rule-file.ts';

const host = createNodeHost();
const references = await findReferences(host, { promtool: goTools.promtool });
const promtool = typeof references === 'string' ? undefined : references.promtool.path;
const folder = mkdtempSync(join(tmpdir(), 'sora-rule-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

const group = (rules: string, more = ''): string => `groups:\n  - name: g\n${more === '' ? '' : `    ${more}\n`}    rules:\n      - ${rules}\n`;
/** What a file must be taken for, by name. */
const files: Readonly<Record<string, readonly [isGood: boolean, text: string]>> = {
  empty: [true, ''],
  'without groups': [true, 'groups: []\n'],
  'a rule of each kind': [true, group('{alert: A, expr: up == 0, for: 1h30m, keep_firing_for: 5m, labels: {a: "1"}, annotations: {b: "{{ $value }}"}}\n      - {record: a:b, expr: sum(up), labels: {c: d}}')],
  'settings of a group': [true, group('{alert: A, expr: up}', 'interval: 10s\n    limit: 3\n    query_offset: 1m\n    labels: {team: x}')],
  'numbers as labels': [true, group('{alert: A, expr: up, labels: {a: 1, b: true, c: 1.10}}')],
  'a number as expression': [true, group('{alert: A, expr: 1}')],
  'a name of any letters': [true, group('{record: "ünïcode.name", expr: up}')],
  anchors: [true, 'groups:\n  - name: g\n    rules:\n      - {alert: A, expr: &e up == 0}\n      - {alert: B, expr: *e}\n'],
  'an unknown field at the top': [false, 'groups: []\nrules: []\n'],
  'an unknown field of a rule': [false, group('{alert: A, expr: up, severity: high}')],
  'an unknown field of a group': [false, group('{alert: A, expr: up}', 'intervall: 10s')],
  'two groups of one name': [false, 'groups:\n  - {name: g, rules: [{alert: A, expr: up}]}\n  - {name: g, rules: [{alert: B, expr: up}]}\n'],
  'a group without a name': [false, 'groups:\n  - rules: [{alert: A, expr: up}]\n'],
  'a rule without an expression': [false, group('{alert: A}')],
  'a rule of both kinds': [false, group('{alert: A, record: b, expr: up}')],
  'a rule of no kind': [false, group('{expr: up}')],
  'an expression that is none': [false, group('{alert: A, expr: "sum(up"}')],
  'an experimental function': [false, group('{alert: A, expr: "mad_over_time(up[5m]) > 1"}')],
  'a record with for': [false, group('{record: a, expr: up, for: 1m}')],
  'a record with annotations': [false, group('{record: a, expr: up, annotations: {a: b}}')],
  'a record with braces': [false, group('{record: "a{b=1}", expr: up}')],
  'a duration that is none': [false, group('{alert: A, expr: up, for: 5 minutes}')],
  'a duration with a fraction': [false, group('{alert: A, expr: up, for: 1.5m}')],
  'a negative duration': [false, group('{alert: A, expr: up, for: -5m}')],
  'a label of the name': [false, group('{alert: A, expr: up, labels: {__name__: b}}')],
  'an unknown function': [false, group('{alert: A, expr: up, annotations: {a: "{{ $value | upcase }}"}}')],
  'an unknown variable': [false, group('{alert: A, expr: up, labels: {a: "{{ $nope }}"}}')],
  'an action that does not end': [false, group('{alert: A, expr: up, annotations: {a: "{{ if $value }}x"}}')],
  'a list for a mapping': [false, group('{alert: A, expr: up, labels: [a]}')],
  'a mapping for a list': [false, 'groups: {name: g}\n'],
  'a field given twice': [false, group('{alert: A, expr: up, expr: down}')],
  'no YAML': [false, 'groups: [\n'],
};

describe('parseRuleFile', () => {
  it.each(Object.entries(files))('takes %s as it is', (_name, [isGood, text]) => {
    const { problems } = parseRuleFile('r.yaml', text);
    expect(problems.length === 0, problems.map(({ message }) => message).join('\n')).toBe(isGood);
  });

  it.skipIf(promtool === undefined)(`agrees with promtool check rules on each${typeof references === 'string' ? ` (skipped: ${references})` : ''}`, () => {
    for (const [name, [isGood, text]] of Object.entries(files)) {
      const path = join(folder, 'rules.yaml');
      writeFileSync(path, text);
      const { status, stderr } = spawnSync(promtool ?? '', ['check', 'rules', '--lint=none', path], { encoding: 'utf8', timeout: 30_000 });
      expect({ name, isGood: status === 0 }, stderr).toEqual({ name, isGood });
    }
  });

  it('tells all problems at once, each with its line', () => {
    const text = 'groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: sum(\n        for: soon\n        labels:\n          a: "{{ nope }}"\n      - record: b\n        expr: up\n        for: 1m\n        other: 1\n';
    expect(parseRuleFile('r.yaml', text).problems.map(({ line, column, message }) => `${line}:${column} ${message.replace(/parse error: .*/, 'parse error')}`)).toEqual([
      '5:15 group "g", rule 1, "A": could not parse expression: 1:5: parse error',
      '6:14 for: not a valid duration string: "soon"',
      '8:11 group "g", rule 1, "A": label "a": template: __alert_A:1: function "nope" not defined',
      '12:9 field other not found in a rule; it takes record, alert, expr, for, keep_firing_for, labels, annotations',
      '11:14 group "g", rule 2, "b": invalid field \'for\' in recording rule',
    ]);
  });

  it('gives rules the labels of their group, which those of the rule override', () => {
    const { groups } = parseRuleFile('r.yaml', group('{alert: A, expr: up, labels: {a: rule}}', 'labels: {a: group, b: group}'));
    expect(groups[0]?.rules[0]?.labels).toEqual({ a: 'rule', b: 'group' });
  });
});

describe('loadRules', () => {
  it('reads the files of patterns once, and says which are not there', () => {
    writeFileSync(join(folder, 'one.yml'), group('{alert: A, expr: up}'));
    writeFileSync(join(folder, 'two.yml'), group('{alert: B, expr: up}'));
    const loaded = loadRules(host.files, [join(folder, '*.yml'), join(folder, 'one.yml')], { names: folder });
    expect(loaded.groups.map(({ place }) => place.file)).toEqual(['one.yml', 'two.yml']);
    expect(loaded.problems).toEqual([]);
    expect(() => requireRules(host.files, [join(folder, 'three.yml')])).toThrow('the alert rules have 1 problem:');
  });
});

describe('parsePromDuration', () => {
  it('reads units from the largest to the smallest', () => {
    expect(['0', '1y', '1w2d', '1h30m', '5m', '90s', '1s500ms'].map(parsePromDuration)).toEqual([0, 31_536_000_000, 777_600_000, 5_400_000, 300_000, 90_000, 1_500]);
    for (const text of ['', '5', '1m1h', '1.5m', '-1m', '300000y']) expect(() => parsePromDuration(text)).toThrow();
  });
});
