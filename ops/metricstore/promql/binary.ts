/** Binary operators: scalars, a vector with a scalar, and two vectors. */
import type { Context } from './context.ts';
import { dropNames } from './context.ts';
import { comparisonOf, computationOf } from './arithmetic.ts';
import type { Binary } from './expr.ts';
import { setOperators } from './expr.ts';
import { matchVectors } from './vector-matching.ts';
import { combineSets } from './set-operators.ts';
import type { ScalarValue, Value, VectorValue } from './values.ts';

/** Evaluates a binary expression on the values of its sides. */
export function evaluateBinary(context: Context, node: Binary, left: Value, right: Value): Value {
  if (left.kind === 'vector' && right.kind === 'vector') {
    return setOperators.has(node.operator) ? combineSets(context, node, left, right) : matchVectors(context, node, left, right);
  }
  if (left.kind === 'vector' && right.kind === 'scalar') return withScalar(context, node, left, right.values, false);
  if (left.kind === 'scalar' && right.kind === 'vector') return withScalar(context, node, right, left.values, true);
  return { kind: 'scalar', values: ofScalars(node, left as ScalarValue, right as ScalarValue) };
}

function ofScalars({ operator }: Binary, left: ScalarValue, right: ScalarValue): Float64Array {
  const compute = computationOf(operator);
  return left.values.map((value, step) => compute(value, right.values[step] ?? Number.NaN));
}

/** A comparison keeps the vector's value where it holds, whichever side the scalar is on. */
function withScalar(context: Context, { operator, returnsBool }: Binary, vector: VectorValue, scalar: Float64Array, isScalarLeft: boolean): VectorValue {
  const { steps, values, present } = vector;
  const isMet = returnsBool ? undefined : comparisonOf(operator);
  if (isMet === undefined) {
    const compute = computationOf(operator);
    for (let cell = 0; cell < values.length; cell += 1) {
      const value = values[cell] ?? 0;
      const other = scalar[cell % steps] ?? Number.NaN;
      values[cell] = isScalarLeft ? compute(other, value) : compute(value, other);
    }
    return dropNames(context, vector);
  }
  for (let cell = 0; cell < values.length; cell += 1) {
    const value = values[cell] ?? 0;
    const other = scalar[cell % steps] ?? Number.NaN;
    if (!(isScalarLeft ? isMet(other, value) : isMet(value, other))) present[cell] = 0;
  }
  return vector;
}
