/**
 * Reads Prometheus' rule files (docs/configuration/recording_rules.md), as strictly as promtool does
 * (model/rulefmt/rulefmt.go). All problems of a file are told at once, each with its line.
 */
import type { Node } from 'yaml';
import { messageOf } from '../../core/error.ts';
import { parsePromql } from '../../metricstore/promql/parse.ts';
import { childrenOf } from '../../metricstore/promql/expr.ts';
import type { Expr } from '../../metricstore/promql/expr.ts';
import type { Labels } from '../../metricstore/series.ts';
import { compileTemplate } from '../template/template.ts';
import type { Template } from '../template/template.ts';
import type { Problem, Rule, RuleGroup, RulePlace } from './rule.ts';
import { YamlReader } from './yaml-reader.ts';
import type { FieldMap } from './yaml-reader.ts';

const groupFields = ['name', 'interval', 'query_offset', 'limit', 'rules', 'labels'];
const ruleFields = ['record', 'alert', 'expr', 'for', 'keep_firing_for', 'labels', 'annotations'];
/** Bounds of one file. */
const groupsMax = 1_000;
const rulesMax = 5_000;

export interface RuleFile {
  readonly groups: readonly RuleGroup[];
  /** Where this is not empty, the groups are those that could be read. */
  readonly problems: readonly Problem[];
}

/**
 * @param file its name, for problems and for the key of its groups
 */
export function parseRuleFile(file: string, text: string): RuleFile {
  const reader = new YamlReader(file);
  const root = reader.map(reader.parse(text), 'the rule file', ['groups']);
  const nodes = reader.list(root?.fields.get('groups'), 'groups');
  if (nodes.length > groupsMax) reader.problem(nodes[groupsMax], `${nodes.length} groups are more than ${groupsMax}`);
  const names = new Set<string>();
  const groups = nodes.slice(0, groupsMax).flatMap((node) => {
    const fields = reader.map(node, 'a group', groupFields);
    return fields === undefined ? [] : [readGroup(reader, file, fields, names)];
  });
  return { groups, problems: reader.problems };
}

function readGroup(reader: YamlReader, file: string, { node, fields }: FieldMap, names: Set<string>): RuleGroup {
  const name = reader.text(fields.get('name'), 'name');
  if (name === '') reader.problem(node, 'Groupname must not be empty');
  if (names.has(name)) reader.problem(node, `groupname: ${JSON.stringify(name)} is repeated in the same file`);
  names.add(name);
  const labels = readLabels(reader, fields.get('labels'));
  const head: Omit<RuleGroup, 'rules'> = {
    place: { file, line: reader.placeOf(node).line }, name, labels,
    intervalMs: reader.duration(fields.get('interval'), 'interval') || undefined,
    queryOffsetMs: reader.duration(fields.get('query_offset'), 'query_offset') ?? 0,
    limit: Math.max(0, reader.number(fields.get('limit'), 'limit', true) ?? 0),
  };
  const nodes = reader.list(fields.get('rules'), 'rules');
  if (nodes.length > rulesMax) reader.problem(nodes[rulesMax], `${nodes.length} rules are more than ${rulesMax}`);
  const rules = nodes.slice(0, rulesMax).flatMap((each, at) => {
    const rule = reader.map(each, 'a rule', ruleFields);
    return rule === undefined ? [] : readRule(new RuleReader(reader, head, rule, at + 1));
  });
  return { ...head, rules };
}

function readLabels(reader: YamlReader, node: Node | null | undefined): Labels {
  const labels = reader.texts(node, 'labels');
  for (const [name, value] of Object.entries(labels)) {
    if (name === '' || name === '__name__') reader.problem(node, `invalid label name: ${name}`);
    if (!value.isWellFormed()) reader.problem(node, `invalid label value: ${value}`);
  }
  return labels;
}

/** One rule while it is read; its problems name it and its group. */
class RuleReader {
  readonly reader: YamlReader;
  readonly group: Omit<RuleGroup, 'rules'>;
  readonly map: FieldMap;
  readonly #order: number;

  constructor(reader: YamlReader, group: Omit<RuleGroup, 'rules'>, map: FieldMap, order: number) {
    this.reader = reader;
    this.group = group;
    this.map = map;
    this.#order = order;
  }

  get record(): string {
    return this.reader.text(this.map.fields.get('record'), 'record');
  }

  get alert(): string {
    return this.reader.text(this.map.fields.get('alert'), 'alert');
  }

  node(field: string): Node | null {
    return this.map.fields.get(field) ?? this.map.node;
  }

  problem(field: string, message: string): void {
    const name = this.alert === '' ? this.record : this.alert;
    this.reader.problem(this.node(field), `group ${JSON.stringify(this.group.name)}, rule ${this.#order}, ${JSON.stringify(name)}: ${message}`);
  }

  place(): RulePlace {
    return { file: this.group.place.file, line: this.reader.placeOf(this.map.node).line };
  }
}

function readRule(rule: RuleReader): Rule[] {
  const { reader, group, map, record, alert } = rule;
  if (record !== '' && alert !== '') rule.problem('record', "only one of 'record' and 'alert' must be set");
  if (record === '' && alert === '') rule.problem('expr', "one of 'record' or 'alert' must be set");
  const expression = reader.text(map.fields.get('expr'), 'expr');
  const expr = readExpression(rule, expression);
  const labels = { ...group.labels, ...readLabels(reader, map.fields.get('labels')) };
  const annotations = reader.texts(map.fields.get('annotations'), 'annotations');
  if (Object.hasOwn(annotations, '')) rule.problem('annotations', 'invalid annotation name: ');
  const forMs = reader.duration(map.fields.get('for'), 'for') ?? 0;
  const keepFiringForMs = reader.duration(map.fields.get('keep_firing_for'), 'keep_firing_for') ?? 0;
  const head = { place: rule.place(), group: group.name, expression, labels, limit: group.limit, queryOffsetMs: group.queryOffsetMs };
  if (record !== '') {
    checkRecord(rule, { annotations, forMs, keepFiringForMs });
    return expr === undefined ? [] : [{ ...head, kind: 'record', name: record, expr }];
  }
  const templates = { labelTemplates: readTemplates(rule, 'label', labels), annotationTemplates: readTemplates(rule, 'annotation', annotations) };
  return expr === undefined || alert === '' ? [] : [{ ...head, ...templates, kind: 'alert', name: alert, expr, annotations, forMs, keepFiringForMs }];
}

function readExpression(rule: RuleReader, expression: string): Expr | undefined {
  if (expression === '') {
    rule.problem('expr', "field 'expr' must be set in rule");
    return undefined;
  }
  try {
    const expr = parsePromql(expression);
    for (const what of experimentalIn(expr)) rule.problem('expr', `could not parse expression: ${what} is experimental and must be enabled with --enable-feature=promql-experimental-functions`);
    return expr;
  } catch (error) {
    rule.problem('expr', `could not parse expression: ${messageOf(error)}`);
    return undefined;
  }
}

/** What a Prometheus 3 refuses unless it is told otherwise: rules are to run on any. */
const experimental: ReadonlySet<string> = new Set([
  'first_over_time', 'double_exponential_smoothing', 'info', 'mad_over_time', 'ts_of_first_over_time', 'ts_of_max_over_time', 'ts_of_min_over_time',
  'ts_of_last_over_time', 'sort_by_label', 'sort_by_label_desc', 'histogram_quantiles', 'start', 'end', 'step', 'range', 'min_of', 'max_of', 'limitk', 'limit_ratio',
]);

function experimentalIn(expr: Expr): string[] {
  const name = expr.kind === 'call' ? `${expr.name}()` : expr.kind === 'aggregation' ? expr.operator : '';
  const here = experimental.has(name.replace('()', '')) ? [JSON.stringify(name.replace('()', ''))] : [];
  return [...here, ...childrenOf(expr).flatMap(experimentalIn)];
}

function checkRecord(rule: RuleReader, { annotations, forMs, keepFiringForMs }: { annotations: Labels; forMs: number; keepFiringForMs: number }): void {
  if (Object.keys(annotations).length > 0) rule.problem('annotations', "invalid field 'annotations' in recording rule");
  if (forMs !== 0) rule.problem('for', "invalid field 'for' in recording rule");
  if (keepFiringForMs !== 0) rule.problem('keep_firing_for', "invalid field 'keep_firing_for' in recording rule");
  if (!rule.record.isWellFormed()) rule.problem('record', `invalid recording rule name: ${rule.record}`);
  if (/[{}]/.test(rule.record)) rule.problem('record', `braces present in the recording rule name; should it be in expr?: ${rule.record}`);
}

function readTemplates(rule: RuleReader, kind: 'label' | 'annotation', texts: Labels): (readonly [string, Template])[] {
  // In order of their names, as Prometheus expands them.
  return Object.entries(texts).toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, text]) => {
    try {
      return [[name, compileTemplate(text)] as const];
    } catch (error) {
      rule.problem(`${kind}s`, `${kind} ${JSON.stringify(name)}: ${messageOf(error).replace(/^template: /, `template: __alert_${rule.alert}:`)}`);
      return [];
    }
  });
}
