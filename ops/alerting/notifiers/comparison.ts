/** Comparator and limit of a rule, read from its expression. */
import type { ComparisonOperator, Expr } from '../../metricstore/promql/expr.ts';
import { comparisonOperators, withoutParens } from '../../metricstore/promql/expr.ts';
import { formatPromql } from '../../metricstore/promql/format.ts';
import { parsePromql } from '../../metricstore/promql/parse.ts';
import type { Limit } from './outcome.ts';

const known = new Map<string, Limit | undefined>();
const knownMax = 2_000;

/**
 * The comparison whose left side an alert's value is: the last that is applied, where `and` and `unless` pass on
 * the value of their left side. Undefined where the value met no comparison, or the expression does not parse.
 */
export function limitOf(expression: string): Limit | undefined {
  if (known.has(expression)) return known.get(expression);
  const limit = readLimit(expression);
  if (known.size >= knownMax) known.clear();
  known.set(expression, limit);
  return limit;
}

function readLimit(expression: string): Limit | undefined {
  try {
    return comparisonOf(parsePromql(expression));
  } catch {
    // An outside Alertmanager's alerts have expressions of which we know nothing.
    return undefined;
  }
}

const mirrored: Readonly<Record<ComparisonOperator, ComparisonOperator>> = { '>': '<', '<': '>', '>=': '<=', '<=': '>=', '==': '==', '!=': '!=' };

function comparisonOf(given: Expr): Limit | undefined {
  const expr = withoutParens(given);
  if (expr.kind !== 'binary') return undefined;
  const { operator, left, right } = expr;
  if (operator === 'and' || operator === 'unless') return comparisonOf(left);
  if (operator === 'or') return comparisonOf(left) ?? comparisonOf(right);
  if (!comparisonOperators.has(operator) || expr.returnsBool) return undefined;
  const comparator = operator as ComparisonOperator;
  // With the number in front the value is still the vector's.
  return fold(left) === undefined ? { comparator, limit: write(right) } : { comparator: mirrored[comparator], limit: write(left) };
}

function write(expr: Expr): string {
  const figure = fold(expr);
  return figure === undefined ? formatPromql(withoutParens(expr)) : String(Number(figure.toPrecision(12)));
}

/** The value of an expression of numbers alone, such as `14.4 * 0.001`. */
function fold(given: Expr): number | undefined {
  const expr = withoutParens(given);
  if (expr.kind === 'number') return expr.value;
  if (expr.kind === 'unary') {
    const value = fold(expr.expr);
    return value === undefined || expr.operator === '+' ? value : -value;
  }
  if (expr.kind !== 'binary') return undefined;
  const [left, right] = [fold(expr.left), fold(expr.right)];
  if (left === undefined || right === undefined) return undefined;
  switch (expr.operator) {
    case '+': return left + right;
    case '-': return left - right;
    case '*': return left * right;
    case '/': return left / right;
    case '^': return left ** right;
    default: return undefined;
  }
}
