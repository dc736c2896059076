import { SoraError } from '../../core/error.ts';
import { int, typeName } from './value.ts';
import type { GoValue } from './value.ts';

const refuse = (message: string): never => {
  throw new SoraError('bad_template', message);
};

/** `index x 1 "a"` is `x[1]["a"]`; a missing key gives what its map's type is when empty. */
export function indexInto(item: GoValue, indexes: readonly GoValue[]): GoValue {
  if (item === null) return refuse('index of untyped nil');
  return indexes.reduce<GoValue>((held, index) => indexOne(held, index), item);
}

function indexOne(item: GoValue, index: GoValue): GoValue {
  if (item === null) return refuse('index of nil pointer');
  if (typeof item === 'string') return int(Buffer.from(item)[position(index, Buffer.byteLength(item))] ?? 0);
  if (typeof item !== 'object' || (item.kind !== 'map' && item.kind !== 'list')) return refuse(`can't index item of type ${typeName(item)}`);
  if (item.kind === 'list') return item.items[position(index, item.items.length)] ?? null;
  if (typeof index !== 'string') return refuse(`value has type ${typeName(index)}; should be string`);
  return item.entries.get(index) ?? (item.of === 'string' ? '' : null);
}

function position(index: GoValue, length: number, isEnd = false): number {
  if (index === null) return refuse('cannot index slice/array with nil');
  if (typeof index !== 'object' || index.kind !== 'int') return refuse(`cannot index slice/array with type ${typeName(index)}`);
  if (index.value < 0 || index.value > length || (!isEnd && index.value === length)) return refuse(`index out of range: ${index.value}`);
  return index.value;
}

/** `slice x 1 3` is `x[1:3]`; strings are cut by bytes. */
export function sliceOf(item: GoValue, indexes: readonly GoValue[]): GoValue {
  if (item === null) return refuse('slice of untyped nil');
  if (indexes.length > 3) return refuse(`too many slice indexes: ${indexes.length}`);
  const isText = typeof item === 'string';
  if (isText && indexes.length === 3) return refuse('cannot 3-index slice a string');
  if (!isText && (typeof item !== 'object' || item.kind !== 'list')) return refuse(`can't slice item of type ${typeName(item)}`);
  const length = typeof item === 'string' ? Buffer.byteLength(item) : item.items.length;
  const [from = 0, to = length] = indexes.map((index) => position(index, length, true));
  if (from > to) return refuse(`invalid slice index: ${from} > ${to}`);
  return typeof item === 'string' ? Buffer.from(item).subarray(from, to).toString('utf8') : { kind: 'list', items: item.items.slice(from, to) };
}

/** Bytes of a string, elements of a list or map. */
export function lengthOf(item: GoValue): number {
  if (item === null) return refuse('len of nil pointer');
  if (typeof item === 'string') return Buffer.byteLength(item);
  if (typeof item === 'object' && item.kind === 'map') return item.entries.size;
  if (typeof item === 'object' && item.kind === 'list') return item.items.length;
  return refuse(`len of type ${typeName(item)}`);
}
