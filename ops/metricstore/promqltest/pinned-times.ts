import { childrenOf } from '../promql/expr.ts';
import type { Expr } from '../promql/expr.ts';
import { formatPromql } from '../promql/format.ts';
import { parsePromql } from '../promql/parse.ts';

/** Functions whose result moves with the time of evaluation even where their arguments do not. */
const movingFunctions = new Set([
  'days_in_month', 'day_of_month', 'day_of_week', 'day_of_year', 'hour', 'minute', 'month', 'year', 'predict_linear', 'time', 'timestamp',
  'start', 'end', 'step', 'range',
]);

/** An expression and when to ask for it. */
export interface PinnedQuery {
  readonly expr: string;
  readonly atMs: number;
}

/**
 * Further queries that must give the same result: every selector without `@` is given the time of the case, and the
 * query is asked at other times. None where the result depends on the time of evaluation itself.
 * @throws SoraError `bad_data` when the expression does not parse
 */
export function pinnedQueries(text: string, atMs: number): PinnedQuery[] {
  const expr = parsePromql(text);
  if (callsMoving(expr)) return [];
  const pinned = formatPromql(pinTime(expr, atMs));
  const times = atMs === 0 ? [-1_000, 0, 1_000] : [-10 * atMs, 0, Math.trunc(atMs / 5), atMs, 10 * atMs];
  return times.map((time) => ({ expr: pinned, atMs: time }));
}

const callsMoving = (expr: Expr): boolean => (expr.kind === 'call' && movingFunctions.has(expr.name)) || childrenOf(expr).some(callsMoving);

function pinTime(expr: Expr, atMs: number): Expr {
  const pin = <T extends Expr>(child: T): T => pinTime(child, atMs) as T;
  switch (expr.kind) {
    case 'number': case 'string': return expr;
    // What is inside a subquery keeps the subquery's own times.
    case 'selector': case 'subquery': return expr.at?.kind === 'time' ? expr : { ...expr, at: { kind: 'time', atMs } };
    case 'matrix': return { ...expr, selector: pin(expr.selector) };
    case 'paren': case 'unary': return { ...expr, expr: pin(expr.expr) };
    case 'binary': return { ...expr, left: pin(expr.left), right: pin(expr.right) };
    case 'call': return { ...expr, args: expr.args.map(pin) };
    case 'aggregation': return { ...expr, expr: pin(expr.expr), parameter: expr.parameter === undefined ? undefined : pin(expr.parameter) };
    default: return expr;
  }
}
