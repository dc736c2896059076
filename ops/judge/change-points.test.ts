import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findChangePoints } from './change-points.ts';
import { normalQuantile } from './normal.ts';
import { seededUniform, shuffle } from './random.ts';

const noise = (seed: number, count: number): number[] => {
  const uniform = seededUniform(seed);
  return Array.from({ length: count }, () => normalQuantile((uniform() * 9_999 + 0.5) / 10_000));
};

/** So many values at each level, with noise of sd 2. */
const levels = (seed: number, ...parts: readonly [count: number, level: number][]): number[] => {
  const means = parts.flatMap(([count, level]) => Array.from({ length: count }, () => level));
  const noises = noise(seed, means.length);
  return means.map((mean, index) => mean + 2 * (noises[index] ?? 0));
};

const isNear = (places: readonly number[], expected: readonly number[]): boolean =>
  places.length === expected.length && places.every((at, index) => Math.abs(at - (expected[index] ?? 0)) <= 1);

const meanDistance = (left: readonly number[], right: readonly number[]): number =>
  left.reduce((sum, a) => sum + right.reduce((sum, b) => sum + Math.abs(a - b), 0), 0) / (left.length * right.length);

/** Of all pairs of different values of one part. */
const meanWithin = (part: readonly number[]): number => (meanDistance(part, part) * part.length) / (part.length - 1);

/** Every split that the definition gives with both ends searched, in O(n⁴) and without a test of significance. */
function allSplits(values: readonly number[], leastSide: number, from = 0): number[] {
  let best = { at: 0, energy: 0 };
  for (let at = leastSide; at + leastSide <= values.length; at++) {
    for (let end = at + leastSide; end <= values.length; end++) {
      const [left, right] = [values.slice(0, at), values.slice(at, end)];
      const energy = ((at * (end - at)) / end) * (2 * meanDistance(left, right) - meanWithin(left) - meanWithin(right));
      if (energy > best.energy) best = { at, energy };
    }
  }
  if (best.at === 0) return [];
  return [...allSplits(values.slice(0, best.at), leastSide, from), from + best.at, ...allSplits(values.slice(best.at), leastSide, from + best.at)];
}

describe('findChangePoints', () => {
  it('finds steps where they were made', () => {
    const series = noise(1, 60).map((value, index) => value + (index >= 40 ? 14 : index >= 20 ? 6 : 0));
    expect(findChangePoints(series).map(({ at }) => at)).toEqual([20, 40]);
  });

  it('finds both ends of a change that came and went', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const large = findChangePoints(levels(seed, [30, 100], [10, 200], [30, 100]), { permutations: 999 });
      expect(isNear(large.map(({ at }) => at), [30, 40]), `seed ${seed}: ${JSON.stringify(large)}`).toBe(true);
      const small = findChangePoints(levels(seed, [20, 100], [10, 120], [20, 100]), { permutations: 999 });
      expect(isNear(small.map(({ at }) => at), [20, 30]), `seed ${seed}: ${JSON.stringify(small)}`).toBe(true);
    }
  });

  it('splits where the definition does, whatever the fewest values of a side', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const leastSide = 2 + (seed % 4);
      const series = levels(seed, [9, 100], [5, 105], [10, 100]);
      const places = findChangePoints(series, { permutations: 0, significance: 1, leastSide }).map(({ at }) => at);
      expect(places).toEqual(allSplits(series, leastSide));
    }
  });

  it('finds a change of spread alone', () => {
    const series = noise(2, 120).map((value, index) => value * (index >= 60 ? 12 : 1));
    const [first] = findChangePoints(series, { permutations: 199 });
    expect(Math.abs((first?.at ?? 0) - 60)).toBeLessThan(8);
  });

  it('says the same whatever the unit, and the same twice', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: -8, max: 8 }), (seed, jump) => {
      const series = noise(seed, 24).map((value, index) => value + (index >= 12 ? jump : 0));
      const places = findChangePoints(series, { permutations: 199 }).map(({ at }) => at);
      expect(findChangePoints(series.map((value) => value * 1_024 + 4_096), { permutations: 199 }).map(({ at }) => at)).toEqual(places);
      if (Math.abs(jump) >= 6) expect(places).toContain(12);
    }), { numRuns: 20 });
  });

  it('finds next to nothing where nothing changed', () => {
    let found = 0;
    for (let seed = 1; seed <= 200; seed++) if (findChangePoints(noise(seed * 77, 20), { permutations: 199, significance: 0.05, seed }).length > 0) found++;
    // 5 % of 200 are 10; three standard deviations more are 19.
    expect(found).toBeLessThanOrEqual(19);
    expect(found).toBeGreaterThan(0);
  });

  it('finds nothing in nearly all longer series of noise at its usual significance', () => {
    let found = 0;
    for (let seed = 1; seed <= 100; seed++) if (findChangePoints(levels(seed * 31, [60, 100]), { seed }).length > 0) found++;
    // 1 % of 100 is 1; three standard deviations more are 4.
    expect(found).toBeLessThanOrEqual(4);
  });

  it('has nothing to say of a constant or a short series, and refuses a long one', () => {
    expect(findChangePoints(Array.from({ length: 50 }, () => 3))).toEqual([]);
    expect(findChangePoints([1, 9, 9])).toEqual([]);
    expect(findChangePoints([])).toEqual([]);
    expect(() => findChangePoints(Array.from({ length: 2_001 }, () => 0))).toThrow(/2001 values/);
  });
});

describe('seededUniform', () => {
  it('is even over its range, and the same for the same seed', () => {
    const uniform = seededUniform(9);
    const counts = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 10_000; draw++) counts[Math.floor(uniform() * 10)]! += 1;
    // χ² with 9 degrees of freedom is above 27.9 once in a thousand.
    expect(counts.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0)).toBeLessThan(27.9);
    expect(seededUniform(9)()).toBe(seededUniform(9)());
    expect(seededUniform(9)()).not.toBe(seededUniform(10)());
  });
  it('shuffles without losing any', () => {
    fc.assert(fc.property(fc.array(fc.integer()), fc.integer(), (values, seed) => {
      const shuffled = [...values];
      shuffle(shuffled, seededUniform(seed));
      expect(shuffled.toSorted((a, b) => a - b)).toEqual(values.toSorted((a, b) => a - b));
    }));
  });
});
