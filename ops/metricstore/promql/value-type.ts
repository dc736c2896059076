import { assertNever } from '../../core/error.ts';
import type { Expr, ValueType } from './expr.ts';
import { signatureOf } from './function-signatures.ts';

/** What an expression gives. */
export function valueTypeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case 'number': return 'scalar';
    case 'string': return 'string';
    case 'selector': case 'aggregation': return 'vector';
    case 'matrix': case 'subquery': return 'matrix';
    case 'paren': case 'unary': return valueTypeOf(expr.expr);
    case 'binary': return valueTypeOf(expr.left) === 'scalar' && valueTypeOf(expr.right) === 'scalar' ? 'scalar' : 'vector';
    case 'call': return signatureOf(expr.name)?.returns ?? 'vector';
    default: return assertNever(expr);
  }
}

const documentedTypes: Readonly<Record<ValueType, string>> = { scalar: 'scalar', string: 'string', vector: 'instant vector', matrix: 'range vector' };

/** A type as messages name it. */
export const documentedType = (type: ValueType): string => documentedTypes[type];
