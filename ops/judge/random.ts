/** A source of numbers uniform in [0, 1). */
export type Uniform = () => number;

/**
 * A seeded generator for resampling: the same seed, the same verdict. SplitMix32, the 32-bit form of the mixer of
 * Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014); 2^32 values, then it repeats.
 * @param seed any whole number; its lower 32 bits count
 */
export function seededUniform(seed: number): Uniform {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** Puts the values in random order, in place (Fisher and Yates; Durstenfeld 1964). */
export function shuffle(values: { [index: number]: number; readonly length: number }, uniform: Uniform): void {
  for (let last = values.length - 1; last > 0; last--) {
    const other = Math.floor(uniform() * (last + 1));
    const kept = values[last] ?? Number.NaN;
    values[last] = values[other] ?? Number.NaN;
    values[other] = kept;
  }
}
