/** The same rules with shorter windows, so that a drill sees in seconds what production watches for hours. */
import { formatPromql } from '../../metricstore/promql/format.ts';
import { assertNever } from '../../core/error.ts';
import type { Expr } from '../../metricstore/promql/expr.ts';
import type { Rule, RuleGroup } from './rule.ts';

export interface Shortening {
  /** Longest range of a selector or subquery, and the longest offset. */
  readonly windowMaxMs: number;
  /** Longest `for` and `keep_firing_for`. */
  readonly forMaxMs: number;
}

/** Cuts every range, offset, `for` and `keep_firing_for` of the groups; limits, labels and annotations stay. */
export function shortenRules(groups: readonly RuleGroup[], limits: Shortening): RuleGroup[] {
  return groups.map((group) => ({ ...group, rules: group.rules.map((rule) => shortenRule(rule, limits)) }));
}

function shortenRule(rule: Rule, { windowMaxMs, forMaxMs }: Shortening): Rule {
  const expr = shortenExpr(rule.expr, windowMaxMs);
  const expression = formatPromql(expr);
  if (rule.kind === 'record') return { ...rule, expr, expression };
  // Whole milliseconds: a rule's file, in which a recording keeps these, knows no parts of one.
  const cut = (ms: number): number => Math.floor(Math.min(ms, forMaxMs));
  return { ...rule, expr, expression, forMs: cut(rule.forMs), keepFiringForMs: cut(rule.keepFiringForMs) };
}

/** Cuts the ranges and offsets within one expression. @param maxMs at least one scrape interval times two, or no rate has a value */
export function shortenExpr(expr: Expr, maxMs: number): Expr {
  const inner = <Part extends Expr>(part: Part): Part => shortenExpr(part, maxMs) as Part;
  const shift = (offsetMs: number): number => Math.max(-maxMs, Math.min(maxMs, offsetMs));
  switch (expr.kind) {
    case 'number':
    case 'string':
      return expr;
    case 'selector':
      return { ...expr, offsetMs: shift(expr.offsetMs) };
    case 'matrix':
      return { ...expr, selector: inner(expr.selector), rangeMs: Math.min(expr.rangeMs, maxMs) };
    case 'subquery': {
      const rangeMs = Math.min(expr.rangeMs, maxMs);
      return { ...expr, expr: inner(expr.expr), offsetMs: shift(expr.offsetMs), rangeMs, stepMs: expr.stepMs === undefined ? undefined : Math.max(1, Math.min(expr.stepMs, Math.floor(rangeMs / 6))) };
    }
    case 'paren':
    case 'unary':
      return { ...expr, expr: inner(expr.expr) };
    case 'binary':
      return { ...expr, left: inner(expr.left), right: inner(expr.right) };
    case 'call':
      return { ...expr, args: expr.args.map(inner) };
    case 'aggregation':
      return { ...expr, expr: inner(expr.expr), parameter: expr.parameter === undefined ? undefined : inner(expr.parameter) };
    default:
      return assertNever(expr);
  }
}
