/** What an expression needs to read, and what of it is the same at every step. */
import { assertNever } from '../../core/error.ts';
import type { Expr, TimeShift, VectorSelector } from './expr.ts';
import { childrenOf } from './expr.ts';
import type { Grid } from './values.ts';
import { endOf } from './values.ts';
import type { TimeSpan } from '../series.ts';

/** The settings on which time spans depend. */
export interface PlanSettings {
  readonly query: Grid;
  readonly lookbackMs: number;
  readonly subqueryStepMs: number;
}

/** The time a selector or subquery looks at when the expression is evaluated at `atMs`. */
export function shiftedMs({ at, offsetMs }: TimeShift, atMs: number, query: Grid): number {
  const base = at === undefined ? atMs : at.kind === 'time' ? at.atMs : at.kind === 'start' ? query.startMs : endOf(query);
  return base - offsetMs;
}

/** The steps of a subquery's inner expression for an evaluation on `grid`: multiples of its step; undefined when there are none. */
export function subqueryGrid(subquery: TimeShift & { readonly rangeMs: number; readonly stepMs: number | undefined }, grid: Grid, settings: PlanSettings): Grid | undefined {
  const stepMs = subquery.stepMs ?? settings.subqueryStepMs;
  const endMs = shiftedMs(subquery, endOf(grid), settings.query);
  const afterMs = shiftedMs(subquery, grid.startMs, settings.query) - subquery.rangeMs;
  const startMs = (Math.floor(afterMs / stepMs) + 1) * stepMs;
  return startMs > endMs ? undefined : { startMs, stepMs, count: Math.floor((endMs - startMs) / stepMs) + 1 };
}

/** The span of samples each selector needs; ranges are open on the left. */
export function planSpans(expr: Expr, grid: Grid, settings: PlanSettings): Map<VectorSelector, TimeSpan> {
  const spans = new Map<VectorSelector, TimeSpan>();
  const add = (selector: VectorSelector, grid: Grid, rangeMs: number): void => {
    const fromMs = shiftedMs(selector, grid.startMs, settings.query) - rangeMs + 1;
    const toMs = shiftedMs(selector, endOf(grid), settings.query);
    const known = spans.get(selector);
    spans.set(selector, known === undefined ? { fromMs, toMs } : { fromMs: Math.min(fromMs, known.fromMs), toMs: Math.max(toMs, known.toMs) });
  };
  const walk = (expr: Expr, grid: Grid): void => {
    if (expr.kind === 'selector') add(expr, grid, settings.lookbackMs);
    else if (expr.kind === 'matrix') add(expr.selector, grid, expr.rangeMs);
    else if (expr.kind === 'subquery') {
      const inner = subqueryGrid(expr, grid, settings);
      if (inner !== undefined) walk(expr.expr, inner);
    } else for (const child of childrenOf(expr)) walk(child, grid);
  };
  walk(expr, grid);
  return spans;
}

/** Functions whose value depends on the time of evaluation whatever they are given. */
const timeDependent = new Set(['time', 'timestamp', 'predict_linear', 'minute', 'hour', 'day_of_month', 'day_of_week', 'day_of_year', 'days_in_month', 'month', 'year']);
const invariant = new WeakMap<Expr, boolean>();

/** Whether an expression has one value for all steps, because every selector in it has an `@`. */
export function isStepInvariant(expr: Expr): boolean {
  const known = invariant.get(expr);
  if (known !== undefined) return known;
  const found = decideInvariant(expr);
  invariant.set(expr, found);
  return found;
}

function decideInvariant(expr: Expr): boolean {
  switch (expr.kind) {
    case 'number': case 'string': return true;
    case 'selector': case 'subquery': return expr.at !== undefined;
    case 'matrix': case 'paren': case 'unary': case 'binary': return childrenOf(expr).every(isStepInvariant);
    // As in Prometheus 3.8, where the parameter is then the one of the first step.
    case 'aggregation': return isStepInvariant(expr.expr);
    case 'call': return !timeDependent.has(expr.name) && expr.args.every(isStepInvariant);
    default: return assertNever(expr);
  }
}
