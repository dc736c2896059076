import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { philox4x32 } from './philox.ts';
import { draw, drawResidual, KeyedRandom, meanOf, streams } from './random.ts';
import type { Distribution } from './scenario.ts';

const draws = 200_000;

function moments(next: () => number): { mean: number; deviation: number } {
  let sum = 0;
  let squares = 0;
  for (let n = 0; n < draws; n++) {
    const value = next();
    sum += value;
    squares += value * value;
  }
  const mean = sum / draws;
  return { mean, deviation: Math.sqrt(squares / draws - mean * mean) };
}

describe('philox4x32', () => {
  // The known answers that the authors of Random123 publish.
  it.each([
    [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    [[-1, -1, -1, -1], [-1, -1], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('answers as published for counter %j', (counter, key, expected) => {
    const out = new Uint32Array(4);
    philox4x32(key[0]!, key[1]!, counter as [number, number, number, number], out);
    expect([...out]).toEqual(expected);
  });
});

describe('KeyedRandom', () => {
  it('is a function of seed, user, step and stream, each of which matters', () => {
    const first = (seed: number, user: number, step: number, stream: number): number[] => {
      const random = new KeyedRandom(seed, user, step, stream);
      return [random.float(), random.float(), random.float()];
    };
    const key = fc.tuple(fc.nat(2 ** 31), fc.nat(1_000_000), fc.nat(10_000), fc.nat(3));
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(first(...a)).toEqual(first(...a));
        if (a.join() !== b.join()) expect(first(...a)).not.toEqual(first(...b));
      }),
    );
    expect(new KeyedRandom(2 ** 40, 1, 1).float()).not.toBe(new KeyedRandom(0, 1, 1).float());
  });

  it('rekeys to what a new generator would be', () => {
    const used = new KeyedRandom(9, 1, 1);
    used.float();
    expect(used.rekey(5, 6, streams.thinkTime).float()).toBe(new KeyedRandom(9, 5, 6, streams.thinkTime).float());
  });

  it('is uniform along draws, users and steps', () => {
    const along = new KeyedRandom(7, 1, 1);
    let at = 0;
    const shared = new KeyedRandom(7, 0, 0);
    for (const next of [
      () => along.float(),
      () => shared.rekey(at++, 3, 0).float(),
      () => shared.rekey(3, at++, 0).float(),
    ]) {
      const { mean, deviation } = moments(next);
      expect(Math.abs(mean - 0.5)).toBeLessThan(0.004);
      expect(Math.abs(deviation - Math.sqrt(1 / 12))).toBeLessThan(0.003);
    }
  });

  it('covers 16 cells evenly by a chi-squared test', () => {
    const random = new KeyedRandom(11, 4, 2);
    const cells = new Uint32Array(16);
    for (let n = 0; n < draws; n++) cells[random.int(16)]!++;
    const expected = draws / 16;
    const chi = cells.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chi).toBeLessThan(37.7); // 99.9 % of 15 degrees of freedom
  });

  it.each([0.5, 0.99, 1, 1.2])('draws ranks by 1/(rank+1)^%f', (exponent) => {
    const below = 50;
    const random = new KeyedRandom(3, 1, 1);
    const counts = new Uint32Array(below);
    for (let n = 0; n < draws; n++) counts[random.zipf(below, exponent)]!++;
    const weights = Array.from(counts, (_, rank) => (rank + 1) ** -exponent);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const chi = weights.reduce((sum, weight, rank) => {
      const expected = (draws * weight) / total;
      return sum + (counts[rank]! - expected) ** 2 / expected;
    }, 0);
    expect(chi).toBeLessThan(85.4); // 99.9 % of 49 degrees of freedom
  });

  it('stays in range over a million ranks and with one', () => {
    const random = new KeyedRandom(3, 1, 1);
    for (let n = 0; n < 20_000; n++) {
      const rank = random.zipf(1_000_000, 1.07);
      expect(rank >= 0 && rank < 1_000_000 && Number.isInteger(rank)).toBe(true);
    }
    expect(random.zipf(1, 1)).toBe(0);
  });
});

describe('draw', () => {
  it.each<[Distribution, number]>([
    [{ kind: 'constant', value: 40 }, 0],
    [{ kind: 'uniform', from: 10, to: 70 }, 60 / Math.sqrt(12)],
    [{ kind: 'exponential', mean: 40 }, 40],
  ])('has the mean and deviation of %j', (distribution, deviation) => {
    const random = new KeyedRandom(5, 1, 1);
    const found = moments(() => draw(distribution, random));
    expect(Math.abs(found.mean - 40)).toBeLessThan(0.5);
    expect(Math.abs(found.deviation - deviation)).toBeLessThan(0.5);
    expect(meanOf(distribution)).toBe(40);
  });

  it('cuts the exponential at ten means', () => {
    const random = new KeyedRandom(5, 1, 1);
    let longest = 0;
    for (let n = 0; n < draws; n++) longest = Math.max(longest, draw({ kind: 'exponential', mean: 1 }, random));
    expect(longest).toBeLessThanOrEqual(10);
  });

  it.each<[Distribution, number]>([
    [{ kind: 'constant', value: 40 }, 20],
    [{ kind: 'uniform', from: 10, to: 70 }, (40 ** 2 + 300) / 80],
    [{ kind: 'exponential', mean: 40 }, 40],
  ])('leaves the residual mean E[X²]/2E[X] of %j', (distribution, mean) => {
    const random = new KeyedRandom(5, 1, 1);
    expect(Math.abs(moments(() => drawResidual(distribution, random)).mean - mean)).toBeLessThan(0.5);
  });
});
