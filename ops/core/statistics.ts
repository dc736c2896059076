/** The small statistics of benchmarks: pure, over a handful of rounds each. */

/** Several measurements of one thing. Median because a neighbour on the machine spoils single rounds, not most of them. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The middle value; of an even number the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Median, lowest and highest; all NaN where there are no values. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) return { median: Number.NaN, low: Number.NaN, high: Number.NaN };
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) };
}

/** (highest - lowest) / median: 0.1 says that the rounds differ by 10 %. */
export function relativeSpread({ median, low, high }: Spread): number {
  return (high - low) / median;
}

/**
 * Measures every variant once a round, one after the other, so that what disturbs the machine for a
 * while meets all alike. Round 0 warms up and is left out.
 * @returns the values of each variant, in the order of the rounds
 */
export async function interleave<Variant, Value>(
  variants: readonly Variant[],
  rounds: number,
  measure: (variant: Variant, round: number) => Promise<Value> | Value,
): Promise<Value[][]> {
  const measured = variants.map((): Value[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, variant] of variants.entries()) {
      const value = await measure(variant, round);
      if (round > 0) measured[index]?.push(value);
    }
  }
  return measured;
}
