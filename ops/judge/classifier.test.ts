import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classify } from './classifier.ts';
import type { ClassifierOptions } from './classifier.ts';

const options: ClassifierOptions = { direction: 'either', nanStrategy: 'remove', tolerance: 0.1, confidence: 0.95 };
const low = [10, 11, 12, 13, 14, 15, 16];
const high = low.map((value) => value * 3);

describe('classify', () => {
  it('tells high from low, and only in the direction that counts', () => {
    expect(classify(low, high, options).classification).toBe('high');
    expect(classify(high, low, options).classification).toBe('low');
    expect(classify(low, high, { ...options, direction: 'decrease' }).classification).toBe('pass');
    expect(classify(high, low, { ...options, direction: 'increase' }).classification).toBe('pass');
  });

  it('lets pass what is too small an effect, and condemns what is a large one of a critical metric', () => {
    expect(classify(low, high, { ...options, effectLimits: [0.2, 4] }).classification).toBe('pass');
    expect(classify(low, high, { ...options, effectSize: 'cles', effectLimits: [0.2, 0.8] })).toMatchObject({ classification: 'high', effect: 1 });
    expect(classify(low, high, { ...options, isCritical: true, criticalLimits: [0.5, 2] }).critical).toBe(true);
    expect(classify(low, high, { ...options, isCritical: true, criticalLimits: [0.5, 4] })).toMatchObject({ classification: 'high', critical: false });
  });

  it('compares constant series as they are', () => {
    const of = (value: number): number[] => Array.from({ length: 5 }, () => value);
    expect(classify(of(0), of(10), options)).toMatchObject({ classification: 'high', effect: Number.POSITIVE_INFINITY });
    expect(classify(of(10), of(0), options).classification).toBe('low');
    expect(classify([1], [1, 1], options).classification).toBe('pass');
  });

  it('sees rare errors become frequent although most values stay 0', () => {
    const control = Array.from({ length: 100 }, (_, index) => (index % 20 === 0 ? 1 : 0));
    const experiment = Array.from({ length: 100 }, (_, index) => (index % 3 === 0 ? 1 : 0));
    expect(classify(control, experiment, options).classification).toBe('high');
    expect(classify(experiment, control, options).classification).toBe('low');
  });

  it('has no verdict without data, and takes gaps as it is told', () => {
    expect(classify(low, [], options).classification).toBe('nodata');
    expect(classify(low, [Number.NaN], { ...options, isCritical: true })).toMatchObject({ classification: 'nodata', critical: true });
    expect(classify([], low, { ...options, isRequired: true }).classification).toBe('nodata-failed');
    expect(classify(low, [], { ...options, nanStrategy: 'replace' }).classification).toBe('pass');
    expect(classify(high, high.map(() => Number.NaN), { ...options, nanStrategy: 'replace' }).classification).toBe('low');
  });

  it('does not depend on order or unit, and is mirrored by exchanging the sides', () => {
    const series = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 3, maxLength: 15 });
    const mirror = { high: 'low', low: 'high' } as Readonly<Record<string, string>>;
    fc.assert(fc.property(series, series, (a, b) => {
      // Without effect limits that the mean could cross while ranks do not.
      const free = { ...options, effectLimits: [Number.POSITIVE_INFINITY, 0] } as const;
      const found = classify(a, b, free).classification;
      expect(classify(a.toReversed(), b.map((value) => value), free).classification).toBe(found);
      expect(classify(a.map((value) => value * 64), b.map((value) => value * 64), free).classification).toBe(found);
      expect(classify(b, a, free).classification).toBe(mirror[found] ?? found);
    }));
  });
});
