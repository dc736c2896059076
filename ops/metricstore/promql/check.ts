/** The type checks of Prometheus' parser, with its messages. */
import type { Aggregation, Binary, Call, Expr, Unary, ValueType, VectorMatching } from './expr.ts';
import { comparisonOperators, setOperators } from './expr.ts';
import type { FunctionSignature } from './function-signatures.ts';
import { quote } from './literals.ts';
import type { Source } from './syntax.ts';
import { documentedType, valueTypeOf } from './value-type.ts';

/** @throws SoraError `bad_data` when `expr` is not of the type that `context` takes */
export function expectType(source: Source, expr: Expr, wanted: ValueType, context: string): void {
  const found = valueTypeOf(expr);
  if (found !== wanted) throw source.fail(expr.position.start, `expected type ${documentedType(wanted)} in ${context}, got ${documentedType(found)}`);
}

export function checkUnary(source: Source, { expr, position }: Unary): void {
  const type = valueTypeOf(expr);
  if (type !== 'scalar' && type !== 'vector') throw source.fail(position.start, `unary expression only allowed on expressions of type scalar or instant vector, got ${quote(documentedType(type))}`);
}

/** What an aggregation takes; `argCount` is how many were written. */
export function checkAggregation(source: Source, { operator, expr, parameter }: Aggregation): void {
  expectType(source, expr, 'vector', 'aggregation expression');
  if (parameter !== undefined) expectType(source, parameter, operator === 'count_values' ? 'string' : 'scalar', 'aggregation parameter');
}

export function checkCall(source: Source, { name, args, position }: Call, { args: types, variadic }: FunctionSignature): void {
  const fail = (how: string, count: number): Error => source.fail(position.start, `expected ${how}${count} argument(s) in call to ${quote(name)}, got ${args.length}`);
  if (variadic === 0 && args.length !== types.length) throw fail('', types.length);
  const least = variadic === 0 ? types.length : types.length - Math.max(1, variadic);
  if (args.length < least) throw fail('at least ', least);
  if (variadic > 0 && args.length > types.length) throw fail('at most ', types.length);
  for (const [index, arg] of args.entries()) {
    const wanted = types[Math.min(index, types.length - 1)];
    if (wanted !== undefined) expectType(source, arg, wanted, `call to function ${quote(name)}`);
  }
}

/** Checks a binary expression and leaves out the matching where a side is a scalar. */
export function checkBinary(source: Source, binary: Binary, operatorAt: number): Binary {
  const { operator, left, right, returnsBool, matching } = binary;
  const types = [valueTypeOf(left), valueTypeOf(right)] as const;
  const isComparison = comparisonOperators.has(operator);
  if (returnsBool && !isComparison) throw source.fail(operatorAt, 'bool modifier can only be used on comparison operators');
  if (isComparison && !returnsBool && types[0] === 'scalar' && types[1] === 'scalar') throw source.fail(operatorAt, 'comparisons between scalars must use BOOL modifier');
  for (const [index, side] of [left, right].entries()) {
    const type = types[index];
    if (type !== 'scalar' && type !== 'vector') throw source.fail(side.position.start, 'binary expression must contain only scalar and instant vector types');
  }
  if (types[0] === 'vector' && types[1] === 'vector') {
    if (matching !== undefined) checkMatching(source, binary, matching, operatorAt);
    return binary;
  }
  if (matching !== undefined && matching.labels.length > 0) throw source.fail(left.position.start, 'vector matching only allowed between instant vectors');
  if (setOperators.has(operator)) throw source.fail(left.position.start, `set operator ${quote(operator)} not allowed in binary scalar expression`);
  return { ...binary, matching: undefined };
}

function checkMatching(source: Source, { operator, left }: Binary, matching: VectorMatching, operatorAt: number): void {
  const both = matching.isOn ? matching.labels.find((label) => matching.include.includes(label)) : undefined;
  if (both !== undefined) throw source.fail(operatorAt, `label ${quote(both)} must not occur in ON and GROUP clause at once`);
  if (!setOperators.has(operator)) return;
  if (matching.cardinality !== 'many-to-many') throw source.fail(left.position.start, `no grouping allowed for ${quote(operator)} operation`);
  if (matching.fillLeft !== undefined || matching.fillRight !== undefined) throw source.fail(operatorAt, 'filling in missing series not allowed for set operators');
}
