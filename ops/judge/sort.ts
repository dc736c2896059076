/** The values in ascending order; the array given stays as it is. */
export function ascending(values: Iterable<number>): number[] {
  return [...Float64Array.from(values).sort()];
}

/**
 * The value below which a share of ascending values lies, between two of them in proportion (type 7 of Hyndman and
 * Fan, "Sample quantiles in statistical packages", 1996). NaN of none.
 */
export function quantileOf(sorted: readonly number[], ratio: number): number {
  const place = Math.min(1, Math.max(0, ratio)) * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
