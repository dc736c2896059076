/**
 * The quantile of values by linear interpolation between the two next to its rank; NaN counts as the smallest value.
 * Sorts `values` in place.
 * @returns NaN without values or for NaN, -Inf below 0, +Inf above 1
 */
export function quantileOf(quantile: number, values: Float64Array): number {
  const count = values.length;
  if (count === 0 || Number.isNaN(quantile)) return Number.NaN;
  if (quantile < 0) return -Infinity;
  if (quantile > 1) return Infinity;
  values.sort();
  // Typed arrays sort NaN to the end.
  let nans = 0;
  while (nans < count && Number.isNaN(values[count - 1 - nans])) nans += 1;
  const at = (index: number): number => (index < nans ? Number.NaN : (values[index - nans] ?? Number.NaN));
  const rank = quantile * (count - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(count - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return at(lower) * (1 - weight) + at(upper) * weight;
}
