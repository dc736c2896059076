/**
 * Compresses the values of up to 255 samples of one series without loss. Most metrics count: whole numbers, or decimals of
 * few places. Their differences, less the smallest of them, are packed at the width of the largest. What is no such
 * number is packed as Facebook's Gorilla does (Pelkonen et al., VLDB 2015, §4.1.2): the bits in which a value differs from
 * the one before. Times are not here: samples of one scrape share theirs (timeline.ts).
 */
import { BitReader, BitWriter, putVarint, takeVarint, varintEnd } from './bits.ts';

/** Values and their bits: both views lie on one buffer. */
export interface Column {
  readonly values: Float64Array;
  readonly words: Uint32Array;
}

export function createColumn(length: number): Column {
  const values = new Float64Array(length);
  return { values, words: new Uint32Array(values.buffer) };
}

/** Not-a-numbers of ours that no sample can be, as every other one is stored as `plainNan`. */
const nanHigh = 0x7ff8_0000;
const plainNan = 0;
const staleNan = 0x5001;
const missingNan = 0x5002;

const put = (column: Column, at: number, low: number): void => {
  column.words[2 * at] = low;
  column.words[2 * at + 1] = nanHigh;
};

export function setValue(column: Column, at: number, value: number): void {
  if (Number.isNaN(value)) put(column, at, plainNan);
  else column.values[at] = value;
}

/** Puts a staleness marker. */
export const setStale = (column: Column, at: number): void => put(column, at, staleNan);
/** Says that there is no sample where others of the same scrape have one. */
export const setMissing = (column: Column, at: number): void => put(column, at, missingNan);

const isNan = (column: Column, at: number, low: number): boolean => column.words[2 * at] === low && column.words[2 * at + 1] === nanHigh;
export const isStale = (column: Column, at: number): boolean => isNan(column, at, staleNan);
export const isMissing = (column: Column, at: number): boolean => isNan(column, at, missingNan);

const constant = 0;
const xored = 20;
/** Added to the form where a marker or a gap is among the values, so that readers of other chunks need not look. */
const special = 0x80;
const placesMax = 9;
const powers = Array.from({ length: placesMax + 1 }, (_, places) => 10 ** places);

/** No chunk of `count` values is longer: form, then 14 bits and a value each. */
export const chunkBytesMax = (count: number): number => 16 + count * 10;

const writer = new BitWriter();
const reader = new BitReader();
const whole = new Float64Array(256);

/** Writes `count` values (1 to 255) at `at`; answers the place after them. */
export function encodeChunk(column: Column, start: number, count: number, bytes: Uint8Array, at: number): number {
  const places = placesOf(column, start, count);
  if (places === undefined) return encodeXor(column, start, count, bytes, at);
  const power = powers[places] ?? 1;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < count; index++) {
    const value = Math.round((column.values[start + index] ?? 0) * power);
    whole[index] = value;
    if (index === 0) continue;
    const delta = value - (whole[index - 1] ?? 0);
    if (delta < least) least = delta;
    if (delta > most) most = delta;
  }
  const width = count === 1 ? 0 : widthOf(most - least);
  // Wide differences are noise, at which the other form may be better; beyond 48 bits there is no room for them.
  if (width > 24) {
    const end = encodeXor(column, start, count, bytes, at);
    if (width > 48 || (end - at) * 8 <= width * count + 80) return end;
  }
  bytes[at++] = 1 + places;
  bytes[at++] = width;
  at = putVarint(bytes, at, whole[0] ?? 0);
  if (count > 1) at = putVarint(bytes, at, least);
  if (width === 0) return at;
  writer.start(bytes, at);
  for (let index = 1; index < count; index++) {
    const rest = (whole[index] ?? 0) - (whole[index - 1] ?? 0) - least;
    if (width <= 24) writer.put(rest, width);
    else writer.putWide(rest % 0x1_0000_0000 | 0, Math.floor(rest / 0x1_0000_0000), width);
  }
  return writer.end();
}

/** Reads `count` values into `column` from `start` on; answers whether markers or gaps may be among them. */
export function decodeChunk(bytes: Uint8Array, at: number, count: number, column: Column, start: number): boolean {
  const form = bytes[at] ?? 0;
  const kind = form & ~special;
  if (kind === xored || kind === constant) {
    decodeXor(bytes, at + 1, count, column, start, kind === constant);
    return form >= special;
  }
  const power = powers[kind - 1] ?? 1;
  const width = bytes[at + 1] ?? 0;
  let value = takeVarint(bytes, at + 2);
  const { values } = column;
  values[start] = value / power;
  if (count === 1) return false;
  const least = takeVarint(bytes, varintEnd);
  reader.start(bytes, varintEnd);
  for (let index = 1; index < count; index++) {
    if (width <= 24) value += least + reader.take(width);
    else value += least + reader.take32(24) + reader.take32(width - 24) * 0x100_0000;
    values[start + index] = value / power;
  }
  return false;
}

/** The least number of decimal places at which every value is a whole number, exactly; undefined where there is none. */
function placesOf({ values }: Column, start: number, count: number): number | undefined {
  let places = 0;
  let largest = 0;
  for (let index = start; index < start + count; index++) {
    const value = values[index] ?? 0;
    if (!Number.isFinite(value) || Object.is(value, -0)) return undefined;
    while (Math.round(value * (powers[places] ?? 1)) / (powers[places] ?? 1) !== value) if (++places > placesMax) return undefined;
    const size = Math.abs(value);
    if (size > largest) largest = size;
  }
  if (largest * (powers[places] ?? 1) > 2 ** 51) return undefined;
  if (places === 0) return 0;
  // What was exact with fewer places may not be with more.
  const power = powers[places] ?? 1;
  for (let index = start; index < start + count; index++) {
    if (Math.round((values[index] ?? 0) * power) / power !== values[index]) return undefined;
  }
  return places;
}

const widthOf = (range: number): number => (range < 0x8000_0000 ? 32 - Math.clz32(range) : Math.floor(Math.log2(range)) + 1);

function encodeXor({ words }: Column, start: number, count: number, bytes: Uint8Array, at: number): number {
  const formAt = at++;
  let isSpecial = false;
  let isConstant = true;
  let low = 0;
  let high = 0;
  let leading = -1;
  let trailing = 0;
  writer.start(bytes, at);
  for (let index = start; index < start + count; index++) {
    const nextLow = words[2 * index] ?? 0;
    const nextHigh = words[2 * index + 1] ?? 0;
    if (nextHigh === nanHigh && nextLow !== plainNan) isSpecial = true;
    if (index === start) {
      writer.putWide(nextLow, nextHigh, 64);
    } else {
      const xorLow = nextLow ^ low;
      const xorHigh = nextHigh ^ high;
      if ((xorLow | xorHigh) === 0) {
        writer.put(0, 1);
        continue;
      }
      isConstant = false;
      const nextLeading = xorHigh === 0 ? 32 + Math.clz32(xorLow) : Math.clz32(xorHigh);
      const nextTrailing = xorLow === 0 ? 32 + trailingZeros(xorHigh) : trailingZeros(xorLow);
      // A window that fits is used again while what it wastes stays below the 12 bits that another would cost.
      if (leading >= 0 && nextLeading >= leading && nextTrailing >= trailing && nextLeading - leading + nextTrailing - trailing < 12) {
        writer.put(1, 2);
      } else {
        leading = nextLeading;
        trailing = nextTrailing;
        writer.put(3, 2);
        writer.put(leading, 6);
        writer.put(63 - leading - trailing, 6);
      }
      const width = 64 - leading - trailing;
      if (trailing >= 32) writer.putWide(xorHigh >>> (trailing - 32), 0, width);
      else if (trailing === 0) writer.putWide(xorLow, xorHigh, width);
      else writer.putWide((xorLow >>> trailing) | (xorHigh << (32 - trailing)), xorHigh >>> trailing, width);
    }
    low = nextLow;
    high = nextHigh;
  }
  bytes[formAt] = (isConstant ? constant : xored) | (isSpecial ? special : 0);
  return isConstant ? at + 8 : writer.end();
}

function decodeXor(bytes: Uint8Array, at: number, count: number, { words }: Column, start: number, isConstant: boolean): void {
  reader.start(bytes, at);
  let low = reader.take32(32);
  let high = reader.take32(32);
  let trailing = 0;
  let width = 0;
  words[2 * start] = low;
  words[2 * start + 1] = high;
  for (let index = start + 1; index < start + count; index++) {
    if (!isConstant && reader.take(1) === 1) {
      if (reader.take(1) === 1) {
        const leading = reader.take(6);
        width = reader.take(6) + 1;
        trailing = 64 - leading - width;
      }
      const partLow = reader.take32(Math.min(width, 32));
      const partHigh = width > 32 ? reader.take32(width - 32) : 0;
      if (trailing >= 32) {
        high ^= partLow << (trailing - 32);
      } else if (trailing === 0) {
        low ^= partLow;
        high ^= partHigh;
      } else {
        low ^= partLow << trailing;
        high ^= (partLow >>> (32 - trailing)) | (partHigh << trailing);
      }
    }
    words[2 * index] = low;
    words[2 * index + 1] = high;
  }
}

const trailingZeros = (word: number): number => 31 - Math.clz32(word & -word);
