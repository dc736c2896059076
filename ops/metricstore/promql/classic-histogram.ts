/** Quantiles and fractions of classic histograms: cumulative counts by upper bound, after promql/quantile.go. */

/** A bucket: how many observations are at most `upperBound`. */
export interface Bucket {
  readonly upperBound: number;
  count: number;
}

/** Differences no larger than this, relative to both, are errors of rounding. */
const smallDelta = 1e-12;
const smallestNormal = 2 ** -1022;

function isAlmostEqual(a: number, b: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < smallestNormal) return difference < smallDelta * smallestNormal;
  return difference / Math.min(sum, Number.MAX_VALUE) < smallDelta;
}

/** Sorts by bound, in place, and adds up buckets of the same bound; empty where the last is not +Inf. */
function prepare(buckets: Bucket[]): Bucket[] {
  buckets.sort((a, b) => (a.upperBound < b.upperBound ? -1 : a.upperBound > b.upperBound ? 1 : 0));
  if (buckets.at(-1)?.upperBound !== Infinity) return [];
  const joined: Bucket[] = [];
  for (const bucket of buckets) {
    const last = joined.at(-1);
    if (last !== undefined && last.upperBound === bucket.upperBound) last.count += bucket.count;
    else joined.push(bucket);
  }
  return joined;
}

/** Raises counts that are below one before, in place; tells whether that was more than an error of rounding. */
function forceMonotonic(buckets: readonly Bucket[]): boolean {
  let isForced = false;
  let before = buckets[0]?.count ?? 0;
  for (const bucket of buckets) {
    if (bucket.count === before) continue;
    if (isAlmostEqual(before, bucket.count)) bucket.count = before;
    else if (bucket.count < before) {
      bucket.count = before;
      isForced = true;
    } else before = bucket.count;
  }
  return isForced;
}

/**
 * The quantile by linear interpolation within its bucket. Takes the buckets over: their order and counts may change.
 * @returns NaN without observations or without a bucket to +Inf; whether counts had to be forced to rise
 */
export function bucketQuantile(quantile: number, given: Bucket[]): { value: number; isForced: boolean } {
  const plain = (value: number): { value: number; isForced: boolean } => ({ value, isForced: false });
  if (Number.isNaN(quantile)) return plain(Number.NaN);
  if (quantile < 0) return plain(-Infinity);
  if (quantile > 1) return plain(Infinity);
  const buckets = prepare(given);
  if (buckets.length === 0) return plain(Number.NaN);
  const isForced = forceMonotonic(buckets);
  return { value: buckets.length < 2 ? Number.NaN : interpolate(quantile, buckets), isForced };
}

function interpolate(quantile: number, buckets: readonly Bucket[]): number {
  const lastIndex = buckets.length - 1;
  const total = buckets[lastIndex]?.count ?? 0;
  if (total === 0) return Number.NaN;
  let rank = quantile * total;
  // As Go's sort.Search, which a NaN count leads past the end.
  let low = 0;
  let high = lastIndex;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((buckets[middle]?.count ?? 0) >= rank) high = middle;
    else low = middle + 1;
  }
  const found = buckets[low];
  if (low === lastIndex || found === undefined) return buckets[lastIndex - 1]?.upperBound ?? Number.NaN;
  if (low === 0 && found.upperBound <= 0) return found.upperBound;
  const before = low > 0 ? buckets[low - 1] : undefined;
  const start = before?.upperBound ?? 0;
  const count = found.count - (before?.count ?? 0);
  rank -= before?.count ?? 0;
  return start + (found.upperBound - start) * (rank / count);
}

/** The share of observations between two values. Takes the buckets over: their order and counts may change. */
export function bucketFraction(lower: number, upper: number, given: Bucket[]): number {
  const buckets = prepare(given);
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  return (Math.min(total, countBelow(upper, buckets)) - Math.min(total, countBelow(lower, buckets))) / total;
}

/** Observations up to a value; those of a bucket without a finite bound on one side are not divided. */
function countBelow(value: number, buckets: readonly Bucket[]): number {
  let start = (buckets[0]?.upperBound ?? 0) > 0 ? 0 : -Infinity;
  let count = 0;
  for (const bucket of buckets) {
    if (value <= start) return count;
    if (value < bucket.upperBound) return start === -Infinity ? bucket.count : count + ((bucket.count - count) * (value - start)) / (bucket.upperBound - start);
    count = bucket.count;
    start = bucket.upperBound;
  }
  return count;
}
