import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { putVarint, takeVarint, varintEnd } from './bits.ts';
import { chunkBytesMax, createColumn, decodeChunk, encodeChunk, isMissing, isStale, setMissing, setStale, setValue } from './chunk-codec.ts';

type Entry = number | 'stale' | 'missing';

function roundTrip(entries: readonly Entry[]): { read: Entry[]; bytes: number } {
  const column = createColumn(entries.length + 3);
  entries.forEach((entry, index) => {
    if (entry === 'stale') setStale(column, index + 3);
    else if (entry === 'missing') setMissing(column, index + 3);
    else setValue(column, index + 3, entry);
  });
  const bytes = new Uint8Array(5 + chunkBytesMax(entries.length));
  const end = encodeChunk(column, 3, entries.length, bytes, 5);
  expect(end).toBeLessThanOrEqual(bytes.length);
  const into = createColumn(entries.length + 2);
  const hasSpecial = decodeChunk(bytes.slice(0, end), 5, entries.length, into, 2);
  const read = entries.map((_, index): Entry => (isStale(into, index + 2) ? 'stale' : isMissing(into, index + 2) ? 'missing' : (into.values[index + 2] ?? 0)));
  expect(hasSpecial).toBe(entries.some((entry) => typeof entry === 'string'));
  return { read, bytes: end - 5 };
}

const counter = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 255 }).map((steps) => {
  let sum = 0;
  return steps.map((step) => (sum += step));
});
const decimals = fc.array(fc.integer({ min: -1e6, max: 1e6 }).map((value) => value / 1_000), { minLength: 1, maxLength: 255 });
const anything = fc.array(
  fc.oneof(fc.double(), fc.maxSafeInteger(), fc.constantFrom<Entry>(0, -0, 1e300, 5e-324, Number.NaN, Infinity, -Infinity, 'stale', 'missing', 2 ** 53, -(2 ** 53), 0.1, 1e22)),
  { minLength: 1, maxLength: 255 },
);

describe('a chunk', () => {
  it('gives back exactly what was put in', () => {
    fc.assert(fc.property(fc.oneof(counter, decimals, anything), (entries) => {
      const { read } = roundTrip(entries);
      expect(read.every((entry, index) => Object.is(entry, entries[index]))).toBe(true);
    }), { numRuns: 500 });
  });

  it('takes little where a series counts, stands still or has few places', () => {
    const steps = Array.from({ length: 64 }, (_, index) => index * 100 + ((index * 7919) % 64));
    expect(roundTrip(Array.from({ length: 64 }, () => 0)).bytes).toBeLessThanOrEqual(9);
    expect(roundTrip(steps).bytes).toBeLessThanOrEqual(64);
    expect(roundTrip(steps.map((step) => step / 100)).bytes).toBeLessThanOrEqual(64);
  });

  it('takes no more than 9.7 bytes a value whatever they are', () => {
    fc.assert(fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 64, maxLength: 64 }), (values) => {
      expect(roundTrip(values).bytes).toBeLessThanOrEqual(chunkBytesMax(64));
    }));
  });
});

describe('a varint', () => {
  it('holds every whole number of up to 2^53', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (value) => {
      const bytes = new Uint8Array(9);
      const end = putVarint(bytes, 1, value);
      expect(takeVarint(bytes, 1)).toBe(value === 0 ? 0 : value);
      expect(varintEnd).toBe(end);
    }));
  });
});
