/** promtool's files of unit tests for rules (docs/configuration/unit_testing_rules.md), read as strictly as it does. */
import type { Node } from 'yaml';
import { SoraError, messageOf } from '../../core/error.ts';
import type { Labels } from '../../metricstore/series.ts';
import type { Problem } from '../rules/rule.ts';
import { YamlReader } from '../rules/yaml-reader.ts';

export interface RuleTestFile {
  readonly ruleFiles: readonly string[];
  readonly evaluationIntervalMs: number;
  readonly groupOrder: readonly string[];
  readonly fuzzyCompare: boolean;
  readonly tests: readonly RuleTest[];
}

export interface RuleTest {
  readonly name: string;
  readonly line: number;
  readonly intervalMs: number;
  readonly inputSeries: readonly { readonly series: string; readonly values: string }[];
  readonly alertTests: readonly AlertTest[];
  readonly exprTests: readonly ExprTest[];
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  /** Time of the first sample and evaluation; default 0, the epoch. */
  readonly startMs: number;
}

export interface AlertTest {
  readonly evalTimeMs: number;
  readonly alertname: string;
  readonly expected: readonly { readonly labels: Labels; readonly annotations: Labels }[];
}

export interface ExprTest {
  readonly expr: string;
  readonly evalTimeMs: number;
  readonly expected: readonly { readonly labels: string; readonly value: number; readonly histogram: string }[];
}

const fileFields = ['rule_files', 'evaluation_interval', 'group_eval_order', 'tests', 'fuzzy_compare'];
const testFields = ['interval', 'input_series', 'alert_rule_test', 'promql_expr_test', 'external_labels', 'external_url', 'name', 'start_timestamp'];
const testsMax = 2_000;

/** Reads a file; the tests mean something only where there are no problems. */
export function parseRuleTests(file: string, text: string): { readonly tests: RuleTestFile; readonly problems: readonly Problem[] } {
  const reader = new YamlReader(file);
  const root = reader.map(reader.parse(text), 'the test file', fileFields);
  const field = (name: string): Node | null | undefined => root?.fields.get(name);
  const evaluationIntervalMs = reader.duration(field('evaluation_interval'), 'evaluation_interval') || 60_000;
  const groupOrder = reader.list(field('group_eval_order'), 'group_eval_order').map((node) => reader.text(node, 'group_eval_order'));
  const repeated = groupOrder.find((name, at) => groupOrder.indexOf(name) !== at);
  if (repeated !== undefined) reader.problem(field('group_eval_order'), `group name repeated in evaluation order: ${repeated}`);
  const nodes = reader.list(field('tests'), 'tests');
  if (nodes.length > testsMax) reader.problem(nodes[testsMax], `${nodes.length} tests are more than ${testsMax}`);
  return {
    tests: {
      ruleFiles: reader.list(field('rule_files'), 'rule_files').map((node) => reader.text(node, 'rule_files')),
      evaluationIntervalMs, groupOrder,
      fuzzyCompare: reader.boolean(field('fuzzy_compare'), 'fuzzy_compare') ?? false,
      tests: nodes.slice(0, testsMax).map((node) => readTest(reader, node, evaluationIntervalMs)),
    },
    problems: reader.problems,
  };
}

function readTest(reader: YamlReader, node: Node | null, evaluationIntervalMs: number): RuleTest {
  const fields = reader.map(node, 'a test', testFields)?.fields;
  const name = reader.text(fields?.get('name'), 'name');
  return {
    name, line: reader.placeOf(node).line,
    intervalMs: reader.duration(fields?.get('interval'), 'interval') || evaluationIntervalMs,
    inputSeries: reader.list(fields?.get('input_series'), 'input_series').map((each) => {
      const series = reader.map(each, 'a series', ['series', 'values'])?.fields;
      return { series: reader.text(series?.get('series'), 'series'), values: reader.text(series?.get('values'), 'values') };
    }),
    alertTests: reader.list(fields?.get('alert_rule_test'), 'alert_rule_test').map((each) => readAlertTest(reader, each, name)),
    exprTests: reader.list(fields?.get('promql_expr_test'), 'promql_expr_test').map((each) => readExprTest(reader, each)),
    externalLabels: reader.texts(fields?.get('external_labels'), 'external_labels'),
    externalUrl: reader.text(fields?.get('external_url'), 'external_url'),
    startMs: readStart(reader, fields?.get('start_timestamp')),
  };
}

function readAlertTest(reader: YamlReader, node: Node | null, test: string): AlertTest {
  const fields = reader.map(node, 'an alert test', ['eval_time', 'alertname', 'exp_alerts'])?.fields;
  const alertname = reader.text(fields?.get('alertname'), 'alertname');
  const evalTimeMs = reader.duration(fields?.get('eval_time'), 'eval_time') ?? 0;
  if (alertname === '') reader.problem(node, `an item under alert_rule_test misses required attribute alertname${test === '' ? '' : ` (in TestGroup ${test})`}`);
  return {
    evalTimeMs, alertname,
    expected: reader.list(fields?.get('exp_alerts'), 'exp_alerts').map((each) => {
      const alert = reader.map(each, 'an expected alert', ['exp_labels', 'exp_annotations'])?.fields;
      return {
        labels: { ...reader.texts(alert?.get('exp_labels'), 'exp_labels'), alertname },
        annotations: reader.texts(alert?.get('exp_annotations'), 'exp_annotations'),
      };
    }),
  };
}

function readExprTest(reader: YamlReader, node: Node | null): ExprTest {
  const fields = reader.map(node, 'an expression test', ['expr', 'eval_time', 'exp_samples'])?.fields;
  return {
    expr: reader.text(fields?.get('expr'), 'expr'),
    evalTimeMs: reader.duration(fields?.get('eval_time'), 'eval_time') ?? 0,
    expected: reader.list(fields?.get('exp_samples'), 'exp_samples').map((each) => {
      const sample = reader.map(each, 'an expected sample', ['labels', 'value', 'histogram'])?.fields;
      return {
        labels: reader.text(sample?.get('labels'), 'labels'), value: reader.number(sample?.get('value'), 'value') ?? 0,
        histogram: reader.text(sample?.get('histogram'), 'histogram'),
      };
    }),
  };
}

/** Seconds since the epoch or RFC 3339. */
function readStart(reader: YamlReader, node: Node | null | undefined): number {
  const text = reader.text(node, 'start_timestamp');
  if (text === '') return 0;
  try {
    const atMs = /^-?\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * 1_000) : Date.parse(text);
    if (!Number.isFinite(atMs)) throw new SoraError('bad_data', `cannot parse ${JSON.stringify(text)} to a valid timestamp`);
    return atMs;
  } catch (error) {
    reader.problem(node, messageOf(error));
    return 0;
  }
}
