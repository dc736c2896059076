/** Expressions of rule files and dashboards, and series of the metrics they name, for tests that evaluate them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Host } from '../../core/host.ts';
import { childrenOf, selectorsOf } from '../promql/expr.ts';
import type { Expr } from '../promql/expr.ts';
import { parsePromql } from '../promql/parse.ts';
import { keyOf } from '../promqltest/compare.ts';
import type { Labels, Matcher, SeriesSamples } from '../series.ts';
import { makeSeries } from './random-series.ts';

interface RuleFile {
  readonly groups?: readonly { readonly rules?: readonly { readonly expr?: string; readonly annotations?: Readonly<Record<string, string>> }[] }[];
}

/** Every expression of the rule files in a folder, `impact` queries included; none where there is no folder. */
export function ruleExpressions(host: Host, folder: string): string[] {
  if (!host.files.exists(folder)) return [];
  const files = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name)).sort();
  const rules = files.flatMap((name) => (parse(host.files.readText(join(folder, name))) as RuleFile).groups ?? []).flatMap(({ rules: found = [] }) => found);
  return [...new Set(rules.flatMap(({ expr, annotations }) => [expr, annotations?.['impact']]).filter((expr) => expr !== undefined && isQuery(expr)))] as string[];
}

/** Every query of the Grafana dashboards in a folder; none where there is no folder. */
export function dashboardExpressions(host: Host, folder: string): string[] {
  if (!host.files.exists(folder)) return [];
  const found = new Set<string>();
  const read = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, part] of Object.entries(value)) {
      if (name === 'expr' && typeof part === 'string') found.add(part);
      else read(part);
    }
  };
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.json')).sort()) read(JSON.parse(host.files.readText(join(folder, name))));
  return [...found];
}

function isQuery(text: string): boolean {
  try {
    parsePromql(text);
    return true;
  } catch {
    return false;
  }
}

const bounds = ['0.05', '0.1', '0.25', '0.5', '1', '1.2', '2.5', '5', '+Inf'] as const;
/** Series of one selector are no more than this. */
const seriesMax = 64;

/** Random series for every selector: labels are those that its matchers and the groupings of its expression name. */
export function seriesForRules(expressions: readonly string[], seed: number): SeriesSamples[] {
  const made = new Map<string, SeriesSamples>();
  for (const text of expressions) {
    const expr = parsePromql(text);
    const grouped = groupedLabels(expr);
    for (const { matchers } of selectorsOf(expr)) {
      for (const labels of labelSets(matchers, grouped)) {
        const key = keyOf(labels);
        if (!made.has(key)) made.set(key, seriesOf(labels, seed + made.size));
      }
    }
  }
  return [...made.values()];
}

const groupedLabels = (expr: Expr): string[] => [
  ...(expr.kind === 'aggregation' && !expr.isWithout ? expr.labels : []), ...(expr.kind === 'binary' && expr.matching?.isOn === true ? expr.matching.labels : []),
  ...childrenOf(expr).flatMap(groupedLabels),
];

function labelSets(matchers: readonly Matcher[], grouped: readonly string[]): Labels[] {
  const wanted = new Map<string, readonly string[]>([...grouped, 'instance'].map((label) => [label, label === 'le' ? bounds : ['x', 'y']]));
  for (const { name, operator, value } of matchers) {
    if (operator === '=') wanted.set(name, [value]);
    else if (operator === '=~') wanted.set(name, [...new Set(value.split('|').map((part) => part.replaceAll(/[()]/g, '').replaceAll(/\.[*+]?|\[[^\]]*\]/g, '5')))]);
    else if (!wanted.has(name)) wanted.set(name, ['200', '500', 'x']);
  }
  let sets: Labels[] = [{}];
  for (const [label, values] of wanted) sets = sets.flatMap((labels) => values.map((value) => ({ ...labels, [label]: value }))).slice(0, seriesMax);
  return sets.filter((labels) => (labels['__name__'] ?? '') !== '');
}

function seriesOf(labels: Labels, seed: number): SeriesSamples {
  const name = labels['__name__'] ?? '';
  const kind = /_(?:total|count|sum|bucket)$/.test(name) ? 'counter' : 'gauge';
  return makeSeries(labels, kind, { seed, intervalMs: 15_000, jitterMs: 500, gapsPercent: 1, oddPercent: 1 });
}
