/** Numbers that are a function of (seed, stream, index) and nothing else, for data that is the same each time. */

/** Keeps the draws of one kind of thing apart from those of another. */
export const streams = {
  rank: 1, following: 2, followee: 3, author: 4, body: 5, like: 6, chatPrice: 7, name: 8, message: 9, words: 10, salt: 11,
} as const;

/** 32 well-mixed bits (the finalizer of MurmurHash3, twice, over seed, stream and index). */
export function hash32(seed: number, stream: number, index: number): number {
  let bits = Math.imul(seed ^ Math.floor(seed / 2 ** 32), 0x9e3779b1) ^ Math.imul(stream, 0x85ebca77);
  bits = mix(bits ^ Math.imul(Math.floor(index / 2 ** 32), 0xc2b2ae3d));
  return mix(bits ^ index) >>> 0;
}

function mix(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

/** Uniform in [0, 1). */
export function hashFloat(seed: number, stream: number, index: number): number {
  return hash32(seed, stream, index) / 2 ** 32;
}

/** Uniform whole number in [0, below). */
export function hashInt(seed: number, stream: number, index: number, below: number): number {
  return Math.floor(hashFloat(seed, stream, index) * below);
}

/**
 * Ranks on a power law: rank r is drawn with weight (r + flat)^-exponent. `flat` takes the edge off
 * the first ranks, so that a few are large and none is absurd.
 */
export class PowerLaw {
  readonly #cumulative: Float64Array;

  constructor(count: number, exponent: number, flat: number) {
    this.#cumulative = new Float64Array(count);
    let total = 0;
    for (let rank = 0; rank < count; rank++) {
      total += (rank + flat) ** -exponent;
      this.#cumulative[rank] = total;
    }
  }

  /** @param uniform in [0, 1) */
  rank(uniform: number): number {
    const cumulative = this.#cumulative;
    const target = uniform * (cumulative[cumulative.length - 1] ?? 0);
    let low = 0;
    let high = cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((cumulative[middle] ?? 0) > target) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** A fixed shuffle of 0 … count-1: which user (0-based) holds a rank. */
export function rankedUsers(seed: number, count: number): Int32Array {
  const users = Int32Array.from({ length: count }, (_, index) => index);
  for (let index = count - 1; index > 0; index--) {
    const other = hashInt(seed, streams.rank, index, index + 1);
    const kept = users[index] ?? 0;
    users[index] = users[other] ?? 0;
    users[other] = kept;
  }
  return users;
}
