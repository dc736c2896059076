/** What a reader wants to know of each rule, found in the rule itself. */
import { formatDurationMs } from '../../metricstore/promql/literals.ts';
import { childrenOf, selectorsOf } from '../../metricstore/promql/expr.ts';
import type { Expr } from '../../metricstore/promql/expr.ts';
import { limitOf } from '../notifiers/comparison.ts';
import type { AlertRule, RuleGroup } from '../rules/rule.ts';

export interface RuleEntry {
  readonly name: string;
  /** File of the rule, as its group names it. */
  readonly file: string;
  readonly metrics: readonly string[];
  /** Such as `> 0.02`; empty where the expression compares with nothing. */
  readonly limit: string;
  /** Ranges of its selectors, shortest first. */
  readonly windows: readonly string[];
  readonly forText: string;
  readonly severity: string;
  readonly owner: string;
  readonly reason: string;
  readonly runbook: string;
  /** What a rule without its subsystem waits for. */
  readonly needs: string;
}

/** The alerts of the groups, in their order. */
export function catalogue(groups: readonly RuleGroup[]): RuleEntry[] {
  return groups.flatMap((group) => group.rules.flatMap((rule) => (rule.kind === 'alert' ? [entryOf(group.place.file, rule)] : [])));
}

function entryOf(file: string, rule: AlertRule): RuleEntry {
  const limit = limitOf(rule.expression);
  const { annotations, labels } = rule;
  return {
    name: rule.name, file,
    metrics: [...new Set(selectorsOf(rule.expr).map(({ name }) => name))].filter((name) => name !== '').sort(),
    limit: limit === undefined ? '' : `${limit.comparator} ${limit.limit}`,
    windows: [...new Set(rangesOf(rule.expr))].sort((a, b) => a - b).map(formatDurationMs),
    forText: rule.forMs === 0 ? '' : formatDurationMs(rule.forMs),
    severity: labels['severity'] ?? '', owner: labels['owner'] ?? '',
    reason: annotations['reason'] ?? '', runbook: annotations['runbook'] ?? '', needs: annotations['needs'] ?? '',
  };
}

function rangesOf(expr: Expr): number[] {
  const own = expr.kind === 'matrix' || expr.kind === 'subquery' ? [expr.rangeMs] : [];
  return [...own, ...childrenOf(expr).flatMap(rangesOf)];
}
