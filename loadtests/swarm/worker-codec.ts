import { SoraError } from '../../ops/core/error.ts';

/**
 * Values between processes of different runtimes, as JSON: Node and Bun each have a binary form of
 * structured clone, and neither reads the other's. What JSON lacks is written as `{"$": name, "v": …}`.
 */

type Encoded = null | boolean | number | string | Encoded[] | { [name: string]: Encoded };

const tag = '$';
const depthMax = 200;

const typedArrays = { Uint8Array, Uint16Array, Uint32Array, Int32Array, Float32Array, Float64Array } as const;
type TypedArrayName = keyof typeof typedArrays;

/** @throws SoraError `not_cloneable` on functions, symbols, and on what goes deeper than 200 or in a circle */
export function encodeMessage(value: unknown, depth = 0): Encoded {
  if (depth > depthMax) throw notCloneable(`something deeper than ${depthMax}, or in a circle`);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return encodeNumber(value);
  if (value === undefined) return tagged('undefined', null);
  if (typeof value === 'bigint') return tagged('bigint', String(value));
  if (typeof value !== 'object') throw notCloneable(`a ${typeof value}`);
  if (Array.isArray(value)) return value.map((entry) => encodeMessage(entry, depth + 1));
  return encodeObject(value, depth + 1);
}

function encodeNumber(value: number): Encoded {
  return Number.isFinite(value) && !Object.is(value, -0) ? value : tagged('number', Object.is(value, -0) ? '-0' : String(value));
}

function encodeObject(value: object, depth: number): Encoded {
  if (value instanceof Date) return tagged('Date', encodeNumber(value.getTime()));
  if (value instanceof Map) return tagged('Map', [...value].map(([key, entry]) => [encodeMessage(key, depth), encodeMessage(entry, depth)]));
  if (value instanceof Set) return tagged('Set', [...value].map((entry) => encodeMessage(entry, depth)));
  if (ArrayBuffer.isView(value)) return encodeView(value);
  const plain: Record<string, Encoded> = Object.create(null) as Record<string, Encoded>;
  for (const [name, entry] of Object.entries(value)) plain[name] = encodeMessage(entry, depth);
  return tag in plain ? tagged('Object', plain) : plain;
}

function encodeView(value: ArrayBufferView): Encoded {
  // A Buffer arrives as plain bytes, as it does by structured clone.
  const name = value instanceof Uint8Array ? 'Uint8Array' : value.constructor.name;
  if (!Object.hasOwn(typedArrays, name)) throw notCloneable(`a ${name}`);
  return tagged(name, Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'));
}

function tagged(name: string, v: Encoded): Encoded {
  return { [tag]: name, v };
}

/** The value that `encodeMessage` was given; typed arrays have a buffer of their own. */
export function decodeMessage(encoded: unknown): unknown {
  if (typeof encoded !== 'object' || encoded === null) return encoded;
  if (Array.isArray(encoded)) return encoded.map(decodeMessage);
  const object = encoded as Record<string, unknown>;
  if (typeof object[tag] === 'string') return decodeTagged(object[tag], object['v']);
  return decodePlain(object);
}

function decodePlain(object: Record<string, unknown>): unknown {
  const plain: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(object)) {
    Object.defineProperty(plain, name, { value: decodeMessage(entry), enumerable: true, writable: true, configurable: true });
  }
  return plain;
}

function decodeTagged(name: string, v: unknown): unknown {
  switch (name) {
    case 'undefined':
      return undefined;
    case 'number':
      return Number(v);
    case 'bigint':
      return BigInt(v as string);
    case 'Date':
      return new Date(decodeMessage(v) as number);
    case 'Map':
      return new Map((v as [unknown, unknown][]).map(([key, entry]) => [decodeMessage(key), decodeMessage(entry)]));
    case 'Set':
      return new Set((v as unknown[]).map(decodeMessage));
    case 'Object':
      return decodePlain(v as Record<string, unknown>);
    default:
      return decodeView(name, v);
  }
}

function decodeView(name: string, v: unknown): unknown {
  if (!Object.hasOwn(typedArrays, name)) throw notCloneable(`a ${name}`);
  const bytes = new Uint8Array(Buffer.from(v as string, 'base64'));
  return name === 'Uint8Array' ? bytes : new typedArrays[name as TypedArrayName](bytes.buffer);
}

function notCloneable(what: string): SoraError {
  return new SoraError('not_cloneable', `a message to a worker holds ${what}`, { hint: 'let setup answer plain data: objects, arrays, maps, sets, dates, numbers, text' });
}
