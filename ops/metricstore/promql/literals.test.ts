import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDurationMs, formatNumber, formatShort, parseDurationMs, parseNumber, quote, unquote } from './literals.ts';

describe('literals', () => {
  it.each([['12.34e6', 12_340_000], ['0x1F', 31], ['010', 8], ['08', 8], ['1_000', 1_000], ['inF', Infinity], ['1h30m', 5_400], ['1ms', 0.001], ['.5', 0.5]])('reads %s as %d', (text, value) => {
    expect(parseNumber(text).value).toBe(value);
  });

  it.each([['1y2w3d', 33_004_800_000], ['1s500ms', 1_500], ['0s', 0]])('reads the duration %s', (text, durationMs) => expect(parseDurationMs(text)).toBe(durationMs));
  it.each(['', '5', '1m1h', '-5m', '5m '])('takes %j for no duration', (text) => expect(parseDurationMs(text)).toBeUndefined());

  it.each([[1e21, '1000000000000000000000'], [1.5e-7, '0.00000015'], [-1.25e22, '-12500000000000000000000'], [Infinity, '+Inf'], [Number.NaN, 'NaN'], [100, '100']])('writes %d in full', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
  it.each([[1e21, '1e+21'], [1.5e-7, '1.5e-07'], [-0.1, '-0.1'], [1.01, '1.01'], [Number.NaN, 'NaN']])('writes %d for messages', (value, text) => expect(formatShort(value)).toBe(text));

  it('keeps bytes that are no UTF-8 apart', () => {
    expect(unquote('"\\xff"')).toBe('\udcff');
    expect(quote(unquote('"a\\xc5z"'))).toBe('"a\\xc5z"');
    expect(unquote('"\\xc3\\xa9"')).toBe('é');
    expect(unquote('"\\u00e9\\U0001F600\\101"')).toBe('é😀A');
  });
  it.each(['"\\q"', '"\\\'"', "'\\\"'", '"a', '"\\ud800"'])('refuses %s', (text) => expect(() => unquote(text)).toThrow());

  it('reads what it writes', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => unquote(quote(text)) === text));
    fc.assert(fc.property(fc.integer({ min: 0, max: 1e13 }), (durationMs) => parseDurationMs(formatDurationMs(durationMs)) === durationMs));
    fc.assert(fc.property(fc.double({ noNaN: true, min: 0 }), (value) => parseNumber(formatNumber(value).replace('+', '')).value === value));
  });
});
