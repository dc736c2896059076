/** Evaluates the tree of an expression, column by column, over the steps of a grid. */
import { assertNever } from '../../core/error.ts';
import { aggregate, aggregateQuantile, groupRows } from './aggregate.ts';
import { countValues, selectExtremes, selectFirst, selectRatio } from './aggregate-select.ts';
import { evaluateBinary } from './binary.ts';
import type { Context } from './context.ts';
import { dropNames } from './context.ts';
import type { Aggregation, Expr, Unary } from './expr.ts';
import { evaluateCall } from './functions.ts';
import { isStepInvariant } from './plan.ts';
import { selectInstant } from './select.ts';
import type { Grid, Value, VectorValue } from './values.ts';
import { emptyVector } from './values.ts';

/** The value of an expression at every step of a grid. Ranges have none of their own: functions read their windows. */
export function evaluate(context: Context, expr: Expr, grid: Grid): Value {
  if (grid.count > 1 && expr.kind !== 'number' && expr.kind !== 'string' && isStepInvariant(expr)) {
    return spread(context, evaluateHere(context, expr, { ...grid, count: 1 }), grid.count);
  }
  return evaluateHere(context, expr, grid);
}

function evaluateHere(context: Context, expr: Expr, grid: Grid): Value {
  switch (expr.kind) {
    case 'number': return { kind: 'scalar', values: new Float64Array(grid.count).fill(expr.value) };
    case 'string': return { kind: 'string', text: expr.value };
    case 'paren': return evaluate(context, expr.expr, grid);
    case 'selector': return selectInstant(context, expr, grid);
    case 'matrix': case 'subquery': return emptyVector(grid.count);
    case 'unary': return evaluateUnary(context, expr, grid);
    case 'binary': return evaluateBinary(context, expr, evaluate(context, expr.left, grid), evaluate(context, expr.right, grid));
    case 'call': return evaluateCall(context, expr, grid);
    case 'aggregation': return evaluateAggregation(context, expr, grid);
    default: return assertNever(expr);
  }
}

/** The one value of an expression that is the same at all steps, at each of them. */
function spread(context: Context, value: Value, steps: number): Value {
  if (value.kind === 'string') return value;
  if (value.kind === 'scalar') return { kind: 'scalar', values: new Float64Array(steps).fill(value.values[0] ?? Number.NaN) };
  const count = value.labels.length;
  context.budget.spend(count * steps);
  const values = new Float64Array(count * steps);
  const present = new Uint8Array(count * steps);
  for (let row = 0; row < count; row += 1) {
    values.fill(value.values[row] ?? 0, row * steps, (row + 1) * steps);
    present.fill(value.present[row] ?? 0, row * steps, (row + 1) * steps);
  }
  return { ...value, steps, values, present, isOrdered: false };
}

function evaluateUnary(context: Context, { operator, expr }: Unary, grid: Grid): Value {
  const value = evaluate(context, expr, grid);
  if (operator === '+' || value.kind === 'string') return value;
  for (let cell = 0; cell < value.values.length; cell += 1) value.values[cell] = -(value.values[cell] ?? 0);
  return value.kind === 'scalar' ? value : dropNames(context, value, true);
}

function evaluateAggregation(context: Context, node: Aggregation, grid: Grid): Value {
  const { operator } = node;
  const label = operator === 'count_values' ? textOf(context, node.parameter, grid) : '';
  const parameter = operator === 'count_values' ? new Float64Array(0) : numbersOf(context, node.parameter, grid);
  const inner = evaluate(context, node.expr, grid);
  const vector: VectorValue = inner.kind === 'vector' ? { ...inner, isOrdered: false } : emptyVector(grid.count);
  if (operator === 'count_values') return countValues(context, node, label, vector);
  const grouping = groupRows(context, vector, node);
  switch (operator) {
    case 'topk': case 'bottomk': return selectExtremes(operator, parameter, vector, grouping);
    case 'limitk': return selectFirst(parameter, vector, grouping);
    case 'limit_ratio': return selectRatio(context, node, parameter, vector);
    case 'quantile': return aggregateQuantile(context, node, parameter, vector, grouping);
    default: return aggregate(context, operator, vector, grouping);
  }
}

function numbersOf(context: Context, expr: Expr | undefined, grid: Grid): Float64Array {
  const value = expr === undefined ? undefined : evaluate(context, expr, grid);
  return value?.kind === 'scalar' ? value.values : new Float64Array(grid.count).fill(Number.NaN);
}

function textOf(context: Context, expr: Expr | undefined, grid: Grid): string {
  const value = expr === undefined ? undefined : evaluate(context, expr, grid);
  return value?.kind === 'string' ? value.text : '';
}
