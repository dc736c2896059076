import { assertNever } from '../../ops/core/error.ts';
import { philox4x32 } from './philox.ts';
import type { Distribution, UserRandom } from './scenario.ts';

/** Streams of one step, so that what an author draws does not shift when the engine draws. */
export const streams = {
  author: 0,
  journey: 1,
  thinkTime: 2,
  arrival: 3,
  /** Of arrivals, keyed by their number. */
  spacing: 4,
  /** Of a feeder's rows. */
  order: 5,
  /** And on: one for each pause that a function makes. */
  pause: 16,
} as const;

const twoTo53 = 2 ** 53;

/** Random numbers keyed by (seed, user, step, stream); the n-th draw is a function of these and n. */
export class KeyedRandom implements UserRandom {
  readonly #key0: number;
  readonly #key1: number;
  readonly #counter: [number, number, number, number];
  readonly #block = new Uint32Array(4);
  #left = 0;

  constructor(seed: number, user: number, step: number, stream: number = streams.author) {
    this.#key0 = seed | 0;
    this.#key1 = Math.floor(seed / 2 ** 32) | 0;
    this.#counter = [0, step | 0, user | 0, stream];
  }

  /** Starts over as the generator of another user and step; saves an allocation. */
  rekey(user: number, step: number, stream: number): this {
    this.#counter[0] = 0;
    this.#counter[1] = step | 0;
    this.#counter[2] = user | 0;
    this.#counter[3] = stream;
    this.#left = 0;
    return this;
  }

  float(): number {
    if (this.#left === 0) {
      philox4x32(this.#key0, this.#key1, this.#counter, this.#block);
      this.#counter[0] = (this.#counter[0] + 1) | 0;
      this.#left = 4;
    }
    this.#left -= 2;
    const high = this.#block[this.#left]! >>> 5;
    const low = this.#block[this.#left + 1]! >>> 6;
    return (high * 2 ** 26 + low) / twoTo53;
  }

  int(below: number): number {
    return Math.floor(this.float() * below);
  }

  zipf(below: number, exponent: number): number {
    return drawZipf(this, below, exponent);
  }
}

/** Draws from a distribution; exponential is cut at 10 times its mean. */
export function draw(distribution: Distribution, random: UserRandom): number {
  switch (distribution.kind) {
    case 'constant':
      return distribution.value;
    case 'uniform':
      return distribution.from + (distribution.to - distribution.from) * random.float();
    case 'exponential':
      return Math.min(-Math.log1p(-random.float()), 10) * distribution.mean;
    default:
      return assertNever(distribution);
  }
}

/** The mean of a distribution, for the exponential without regard to its cut (0.005 %). */
export function meanOf(distribution: Distribution): number {
  switch (distribution.kind) {
    case 'constant':
      return distribution.value;
    case 'uniform':
      return (distribution.from + distribution.to) / 2;
    case 'exponential':
      return distribution.mean;
    default:
      return assertNever(distribution);
  }
}

/**
 * What remains of a pause that a newcomer finds under way (the residual life of a renewal process).
 * Users that begin with it act at the steady rate from their first second, without a burst.
 */
export function drawResidual(distribution: Distribution, random: UserRandom): number {
  switch (distribution.kind) {
    case 'constant':
      return distribution.value * random.float();
    case 'uniform': {
      // A pause is met with a probability proportional to its length, then entered anywhere.
      const { from, to } = distribution;
      const met = Math.sqrt(from * from + (to * to - from * from) * random.float());
      return met * random.float();
    }
    case 'exponential':
      return draw(distribution, random);
    default:
      return assertNever(distribution);
  }
}

interface ZipfTable {
  readonly below: number;
  readonly exponent: number;
  readonly atFirst: number;
  readonly atLast: number;
  readonly shortcut: number;
}

let zipfTable: ZipfTable = zipfConstants(1, 1);

/** Constants are kept for the last pair asked for; journeys draw from one or two. */
function zipfConstants(below: number, exponent: number): ZipfTable {
  return {
    below,
    exponent,
    atFirst: integral(1.5, exponent) - 1,
    atLast: integral(below + 0.5, exponent),
    shortcut: 2 - inverseIntegral(integral(2.5, exponent) - 2 ** -exponent, exponent),
  };
}

/** Rejection-inversion (Hörmann and Derflinger 1996): O(1), at most 1.3 tries on average. */
function drawZipf(random: UserRandom, below: number, exponent: number): number {
  if (below <= 1) return 0;
  if (exponent <= 0) return random.int(below);
  if (zipfTable.below !== below || zipfTable.exponent !== exponent) zipfTable = zipfConstants(below, exponent);
  const { atFirst, atLast, shortcut } = zipfTable;
  for (;;) {
    const area = atLast + random.float() * (atFirst - atLast);
    const x = inverseIntegral(area, exponent);
    const rank = Math.min(Math.max(Math.round(x), 1), below);
    if (rank - x <= shortcut || area >= integral(rank + 0.5, exponent) - rank ** -exponent) return rank - 1;
  }
}

/** Integral of x^-s from 1 to x; stable around s = 1. */
function integral(x: number, exponent: number): number {
  const log = Math.log(x);
  return expm1Ratio((1 - exponent) * log) * log;
}

function inverseIntegral(area: number, exponent: number): number {
  const t = Math.max(area * (1 - exponent), -1);
  return Math.exp(log1pRatio(t) * area);
}

function expm1Ratio(x: number): number {
  return Math.abs(x) > 1e-8 ? Math.expm1(x) / x : 1 + (x / 2) * (1 + x / 3);
}

function log1pRatio(x: number): number {
  return Math.abs(x) > 1e-8 ? Math.log1p(x) / x : 1 - x * (0.5 - x / 3);
}
