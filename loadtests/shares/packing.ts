import { deflateSync, inflateSync } from 'node:zlib';

/** A typed array as JSON holds it: its bytes, little-endian, deflated, in Base64. */
interface Packed {
  readonly $: 'u32' | 'f64';
  readonly data: string;
}

/** One unpacked array at most: ten million users of 8 bytes, with room. */
const arrayMaxBytes = 256e6;

/** Replaces every typed array of a value, however deep, by text. Sound for what JSON can hold besides. */
export function pack(value: unknown): unknown {
  if (value instanceof Uint32Array) return packOne('u32', value);
  if (value instanceof Float64Array) return packOne('f64', value);
  if (Array.isArray(value)) return value.map(pack);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, pack(part)]));
}

function packOne(kind: Packed['$'], array: Uint32Array | Float64Array): Packed {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return { $: kind, data: deflateSync(bytes).toString('base64') };
}

/** Undoes `pack`. @throws Error when an array is damaged or larger than 256 MB */
export function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack);
  if (typeof value !== 'object' || value === null) return value;
  if (isPacked(value)) return unpackOne(value);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, unpack(part)]));
}

function isPacked(value: object): value is Packed {
  return '$' in value && 'data' in value && (value.$ === 'u32' || value.$ === 'f64') && typeof value.data === 'string';
}

function unpackOne({ $: kind, data }: Packed): Uint32Array | Float64Array {
  const bytes = inflateSync(Buffer.from(data, 'base64'), { maxOutputLength: arrayMaxBytes });
  // A copy, so that it begins at a multiple of its element's size.
  const { buffer } = Uint8Array.from(bytes);
  return kind === 'u32' ? new Uint32Array(buffer) : new Float64Array(buffer);
}
