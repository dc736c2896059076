import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interleave, median, relativeSpread, spreadOf } from './statistics.ts';

/** Without -0, which sorts with 0 in no order and which `toBe` tells apart. */
const figures = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }).map((value) => value + 0), { minLength: 1, maxLength: 30 });

describe('median', () => {
  it('is the middle, or between the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it('has as many values above as below, whatever their order', () => {
    fc.assert(fc.property(figures, (values) => {
      const middle = median(values);
      expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2);
      expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2);
      expect(median(values.toReversed())).toBe(middle);
    }));
  });
});

describe('spread', () => {
  it('holds the median between lowest and highest', () => {
    fc.assert(fc.property(figures, (values) => {
      const { median, low, high } = spreadOf(values);
      expect(low).toBeLessThanOrEqual(median);
      expect(high).toBeGreaterThanOrEqual(median);
      expect(values).toContain(low);
      expect(values).toContain(high);
    }));
  });

  it('is relative to the median', () => {
    expect(relativeSpread(spreadOf([90, 100, 120]))).toBeCloseTo(0.3);
    expect(spreadOf([]).median).toBeNaN();
  });
});

describe('interleave', () => {
  it('takes the variants in turns and leaves the warm-up out', async () => {
    const order: string[] = [];
    const measured = await interleave(['a', 'b'], 2, (variant, round) => {
      order.push(`${variant}${round}`);
      return round;
    });
    expect(order).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
    expect(measured).toEqual([[1, 2], [1, 2]]);
  });

  it('ends at the first failure', async () => {
    await expect(interleave([1], 3, () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
  });
});
