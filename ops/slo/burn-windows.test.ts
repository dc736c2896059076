import { describe, expect, it } from 'vitest';
import { burnAlertsOf, burnFactor, burnRows } from './burn-windows.ts';

const dayMs = 86_400_000;
const factors = (days: number): number[] => burnRows.map((row) => Number(burnFactor(row, days * dayMs).toFixed(3)));

describe('burnFactor', () => {
  it.each([
    [30, [14.4, 6, 3, 1]],
    [28, [13.44, 5.6, 2.8, 0.933]],
    [14, [6.72, 2.8, 1.4, 0.467]],
    [7, [3.36, 1.4, 0.7, 0.233]],
  ])('is share · period / window: %i days', (days, expected) => {
    expect(factors(days)).toEqual(expected);
  });
});

describe('burnAlertsOf', () => {
  const kept = (days: number, targetRatio: number): string[] => burnAlertsOf({ periodMs: days * dayMs, targetRatio }).map(({ severity }) => severity);

  it('leaves out what would tell of a pace that keeps the budget', () => {
    expect(kept(28, 0.999)).toEqual(['critical', 'high', 'medium', 'low']);
    expect(kept(14, 0.999)).toEqual(['critical', 'high', 'medium']);
    expect(kept(7, 0.999)).toEqual(['critical', 'high']);
  });

  it('leaves out what could never fire', () => {
    expect(kept(30, 0.9)).toEqual(['high', 'medium', 'low']);
  });

  it('limits the share of bad events to the factor times the budget, with a twelfth of the window beside it', () => {
    for (const { factor, thresholdRatio, longMs, shortMs } of burnAlertsOf({ periodMs: 30 * dayMs, targetRatio: 0.995 })) {
      expect(thresholdRatio).toBeCloseTo(factor * 0.005, 12);
      expect(longMs / shortMs).toBe(12);
    }
  });
});
