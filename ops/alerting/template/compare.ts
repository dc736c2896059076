/** `eq`, `ne`, `lt`, `le`, `gt` and `ge`, which compare only values of one kind: an int and a float are of two. */
import { SoraError } from '../../core/error.ts';
import { compareBytes, typeName } from './value.ts';
import type { GoValue } from './value.ts';

type Basic = { readonly kind: 'bool' | 'int' | 'float' | 'string'; readonly value: boolean | number | string };

function basic(value: GoValue): Basic | undefined {
  if (typeof value === 'boolean') return { kind: 'bool', value };
  if (typeof value === 'number') return { kind: 'float', value };
  if (typeof value === 'string') return { kind: 'string', value };
  if (value?.kind === 'int') return { kind: 'int', value: value.value };
  return undefined;
}

/** Whether the first equals any of the others. */
export function equalsAny(first: GoValue, others: readonly GoValue[]): boolean {
  if (others.length === 0) throw new SoraError('bad_template', 'missing argument for comparison');
  return others.some((other) => equals(first, other));
}

function equals(one: GoValue, other: GoValue): boolean {
  const [a, b] = [basic(one), basic(other)];
  if (a?.kind !== b?.kind) {
    if (one === null || other === null) return false;
    throw new SoraError('bad_template', `incompatible types for comparison: ${typeName(one)} and ${typeName(other)}`);
  }
  if (a !== undefined && b !== undefined) return a.value === b.value;
  if (one === null || other === null) return one === other;
  if (typeof one === 'object' && (one.kind === 'map' || one.kind === 'list')) throw new SoraError('bad_template', `non-comparable type ${typeName(other)}`);
  return one === other;
}

export function isLess(one: GoValue, other: GoValue): boolean {
  const [a, b] = [basic(one), basic(other)];
  if (a === undefined || b === undefined || a.kind === 'bool' || b.kind === 'bool') {
    if (a?.kind === b?.kind || a === undefined || b === undefined) throw new SoraError('bad_template', 'invalid type for comparison');
  }
  if (a.kind !== b.kind) throw new SoraError('bad_template', 'incompatible types for comparison');
  return typeof a.value === 'string' && typeof b.value === 'string' ? compareBytes(a.value, b.value) < 0 : Number(a.value) < Number(b.value);
}
