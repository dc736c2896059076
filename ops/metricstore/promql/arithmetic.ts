import type { ArithmeticOperator, BinaryOperator, ComparisonOperator } from './expr.ts';

/** A power as Go computes it: 1 to any power is 1, and -1 to an infinite one too. */
function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && !Number.isFinite(exponent) && !Number.isNaN(exponent))) return 1;
  return base ** exponent;
}

const arithmetic: Readonly<Record<ArithmeticOperator, (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '^': power,
  atan2: Math.atan2,
};

const comparison: Readonly<Record<ComparisonOperator, (left: number, right: number) => boolean>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

/** The function of an arithmetic operator, or of a comparison that gives 0 or 1. */
export function computationOf(operator: BinaryOperator): (left: number, right: number) => number {
  const isMet = comparisonOf(operator);
  return isMet === undefined ? arithmetic[operator as ArithmeticOperator] : (left, right) => (isMet(left, right) ? 1 : 0);
}

/** The test of a comparison; undefined for any other operator. */
export const comparisonOf = (operator: BinaryOperator): ((left: number, right: number) => boolean) | undefined =>
  (Object.hasOwn(comparison, operator) ? comparison[operator as ComparisonOperator] : undefined);
