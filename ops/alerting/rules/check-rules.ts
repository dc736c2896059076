/** What a rule that is shipped must have beyond being valid. */
import { compileMatcher } from '../../metricstore/matchers.ts';
import { selectorsOf } from '../../metricstore/promql/expr.ts';
import type { Expr, VectorSelector } from '../../metricstore/promql/expr.ts';
import { formatSelector } from '../../metricstore/promql/format.ts';
import { parsePromql } from '../../metricstore/promql/parse.ts';
import { messageOf } from '../../core/error.ts';
import { severities } from '../alert.ts';
import { seriesKey } from '../lifecycle/samples.ts';
import type { RuleTestFile } from '../rule-tests/test-file.ts';
import { builtInMetrics } from './metric-list.ts';
import type { MetricList } from './metric-list.ts';
import type { AlertRule, Problem, Rule, RuleGroup } from './rule.ts';

export interface CheckInput {
  readonly groups: readonly RuleGroup[];
  readonly tests: readonly RuleTestFile[];
  /** Where the tests come from, for those who look for a missing one. Default alerts/tests. */
  readonly testFolders?: readonly string[];
  /** Undefined where there is no list, which is told once. */
  readonly metrics: MetricList | undefined;
  /** Whether a file of the checkout is there, by its path from the root. */
  readonly exists: (path: string) => boolean;
}

const annotations = ['summary', 'description', 'impact', 'runbook'] as const;
/** Labels that every scraped series has. */
const targetLabels: ReadonlySet<string> = new Set(['__name__', 'job', 'instance']);

/** Everything that is wrong, in the order of the rules. */
export function checkRules({ groups, tests, testFolders = ['alerts/tests'], metrics, exists }: CheckInput): Problem[] {
  const rules = groups.flatMap((group) => group.rules);
  const recorded = new Set(rules.flatMap((rule) => (rule.kind === 'record' ? [rule.name] : [])));
  const tested = testedAlerts(tests);
  const problems = rules.flatMap((rule, at) => {
    const say = (message: string): Problem => ({ file: rule.place.file, line: rule.place.line, column: 1, message: `${rule.name}: ${message}` });
    const own = [
      ...(isRepeated(rule, rules.slice(0, at)) ? ['a rule of this name and these labels stands before it'] : []),
      ...checkSelectors(rule.expr, recorded, metrics),
      ...(rule.kind === 'alert' ? checkAlert(rule, tested, testFolders, exists, (expr) => checkSelectors(expr, recorded, metrics)) : []),
    ];
    return own.map(say);
  });
  return [...problems, ...checkTests(tests)];
}

function checkAlert(rule: AlertRule, tested: ReadonlySet<string>, testFolders: readonly string[], exists: (path: string) => boolean, selectors: (expr: Expr) => string[]): string[] {
  const problems: string[] = annotations.filter((name) => (rule.annotations[name] ?? '').trim() === '').map((name) => `the annotation ${name} is missing`);
  const severity = rule.labels['severity'];
  if (severity === undefined || !severities.some((known) => known === severity)) problems.push(`severity ${JSON.stringify(severity ?? '')} is none of ${severities.join(', ')}`);
  if ((rule.labels['owner'] ?? '').trim() === '') problems.push('the label owner is missing');
  const runbook = rule.annotations['runbook'] ?? '';
  if (runbook !== '' && !/^https?:/.test(runbook) && !exists(runbook.replace(/#.*$/, ''))) problems.push(`the runbook ${runbook} does not exist`);
  if (!tested.has(rule.name)) problems.push(`no test expects it to fire (in ${testFolders.join(', ')})`);
  return [...problems, ...checkImpact(rule, selectors)];
}

/** The query of `impact` is read with its templates filled by a word, as labels are. */
function checkImpact(rule: AlertRule, selectors: (expr: Expr) => string[]): string[] {
  const impact = rule.annotations['impact']?.trim() ?? '';
  // A template that asks by itself gives the figure and not a query.
  if (impact === '' || /^\{\{[^}]*\bquery\b/.test(impact)) return [];
  try {
    const expr = parsePromql(impact.replace(/\{\{.*?\}\}/gs, 'x'));
    if (selectorsOf(expr).length === 0) return ['the annotation impact is no query: it selects nothing'];
    return selectors(expr).map((problem) => `impact: ${problem}`);
  } catch (error) {
    return [`the annotation impact is no query: ${messageOf(error)}`];
  }
}

function checkSelectors(expr: Expr, recorded: ReadonlySet<string>, metrics: MetricList | undefined): string[] {
  return selectorsOf(expr).flatMap((selector) => checkSelector(selector, recorded, metrics));
}

function checkSelector(selector: VectorSelector, recorded: ReadonlySet<string>, list: MetricList | undefined): string[] {
  const text = formatSelector(selector);
  const names = selector.matchers.filter(({ name }) => name === '__name__').map(compileMatcher);
  const isNamed = (name: string): boolean => names.every((meets) => meets(name));
  if (names.length === 0) return [`${text} names no metric`];
  if ([...builtInMetrics, ...recorded].some(isNamed) || list === undefined) return [];
  const found = Object.entries(list.metrics).filter(([name]) => isNamed(name));
  if (found.length === 0) return [`${text}: no process exports it (alerts/metrics.json)`];
  const labels = new Set(found.flatMap(([, metric]) => metric.labels ?? []));
  if (found.some(([, metric]) => metric.labels === null)) return [];
  const unknown = selector.matchers.filter((matcher) => !targetLabels.has(matcher.name) && !labels.has(matcher.name) && !compileMatcher(matcher)(''));
  return unknown.map(({ name }) => `${text}: the metric has no label ${name}, only ${[...labels].join(', ')}`);
}

const isRepeated = (rule: Rule, before: readonly Rule[]): boolean =>
  before.some((other) => other.kind === rule.kind && other.name === rule.name && seriesKey(other.labels) === seriesKey(rule.labels));

function testedAlerts(tests: readonly RuleTestFile[]): Set<string> {
  return new Set(tests.flatMap(({ tests: each }) => each.flatMap(({ alertTests }) => alertTests.filter(({ expected }) => expected.length > 0).map(({ alertname }) => alertname))));
}

/** At least half of the tests that expect alerts must say what their annotations become. */
function checkTests(files: readonly RuleTestFile[]): Problem[] {
  const firing = files.flatMap(({ tests }) => tests.filter(({ alertTests }) => alertTests.some(({ expected }) => expected.length > 0)));
  const stated = firing.filter(({ alertTests }) => alertTests.some(({ expected }) => expected.some((alert) => Object.keys(alert.annotations).length > 0)));
  if (stated.length * 2 >= firing.length) return [];
  return [{ file: 'alerts/tests', line: 1, column: 1, message: `${stated.length} of ${firing.length} tests that expect alerts state exp_annotations; at least half must` }];
}
