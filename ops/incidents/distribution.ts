/** How long things take, as a distribution: times of incidents are skewed, so a lone mean would tell nothing. */

export interface Distribution {
  readonly n: number;
  /** Undefined of none. */
  readonly median: number | undefined;
  readonly p90: number | undefined;
  readonly longest: number | undefined;
}

/** Median and 90th percentile by linear interpolation between order statistics (Hyndman and Fan's type 7, as in R and NumPy). */
export function distributionOf(values: readonly (number | undefined)[]): Distribution {
  const sorted = values.filter((value): value is number => value !== undefined).toSorted((a, b) => a - b);
  return { n: sorted.length, median: quantile(sorted, 0.5), p90: quantile(sorted, 0.9), longest: sorted.at(-1) };
}

function quantile(sorted: readonly number[], q: number): number | undefined {
  const place = (sorted.length - 1) * q;
  const low = sorted[Math.floor(place)];
  const high = sorted[Math.ceil(place)];
  return low === undefined || high === undefined ? undefined : low + (high - low) * (place - Math.floor(place));
}
