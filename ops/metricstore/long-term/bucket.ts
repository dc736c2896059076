/**
 * Five minutes of one series in a few figures, and back: samples that stand for those that were there.
 *
 * What holds for the samples that `expand` gives, over whole buckets (the bucket that ends at B is (B - 5 min, B]):
 * - Counters: 2 samples a bucket, the first and the last as they were, and up to 2 more where the counter was reset. The change of the
 *   counter, resets within and between buckets counted, is exactly that of the raw samples. So is what `increase` and `rate`
 *   answer, whose estimate for the ends of the range depends on the times of the first and last sample alone as long as neither
 *   is further from its end than 1.1 times the mean distance of samples. A bucket that begins or ends with a gap is given as many
 *   samples as it had, at even distances, so that the mean distance is the raw one there.
 * - Gauges: as many samples as there were, or 300 if there were more: the first and the last as they were, the least, the greatest, and
 *   the others alike, such that the sum is kept. So `min_over_time`, `max_over_time`, `last_over_time`, `delta`, `sum_over_time`,
 *   `count_over_time` and `avg_over_time` are exact, and each bucket weighs what its samples weigh, also beside raw samples in one
 *   window: an average of recorded rates over a day counts its last two hours, which are raw, for no more than they are.
 * - Deviations, quantiles and changes are of these samples: of as many as there were, but alike between the extremes. So is
 *   `count_over_time` of counters.
 */
import type { SeriesSamples } from '../series.ts';

export const bucketMs = 300_000;

export interface Bucket {
  /** The last moment in it, a multiple of 5 min. */
  readonly endMs: number;
  /** Samples, NaNs left out; 0 where there is but a marker, whose time is then `lastMs`. */
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly first: number;
  readonly last: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** How often a value was below the one before. */
  readonly resets: number;
  /** The sum of the values before those: what a counter counted and then forgot. */
  readonly lost: number;
  /** Whether a staleness marker came after the last sample. */
  readonly ended: boolean;
}

/** The end of the bucket in which a moment lies. */
export const bucketEndOf = (atMs: number): number => Math.ceil(atMs / bucketMs) * bucketMs;

/** The bucket that ends at `endMs`; undefined where it has no samples and no marker. Of markers only one that nothing follows is kept. */
export function aggregate({ timestampsMs, values, stale }: SeriesSamples, endMs: number): Bucket | undefined {
  let count = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let first = 0;
  let last = 0;
  let firstMs = 0;
  let lastMs = 0;
  let resets = 0;
  let lost = 0;
  let ended = false;
  for (let index = 0; index < timestampsMs.length; index++) {
    const atMs = timestampsMs[index] ?? 0;
    if (atMs <= endMs - bucketMs || atMs > endMs) continue;
    if (stale?.[index] === 1) {
      ended = true;
      if (count === 0) firstMs = lastMs = atMs;
      continue;
    }
    const value = values[index] ?? 0;
    if (Number.isNaN(value)) continue;
    if (count === 0) {
      first = value;
      firstMs = atMs;
    } else if (value < last) {
      resets++;
      lost += last;
    }
    ended = false;
    count++;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
    last = value;
    lastMs = atMs;
  }
  if (count === 0 && !ended) return undefined;
  if (count === 0) min = max = 0;
  return { endMs, count, sum, min, max, first, last, firstMs, lastMs, resets, lost, ended };
}

/** One a second: of a bucket that had more, no more are given back. */
const samplesMax = 300;

export interface SyntheticSamples {
  readonly timestampsMs: number[];
  readonly values: number[];
  /** Places of markers among them. */
  readonly markers: number[];
}

/** Adds the samples that stand for a bucket. */
export function expand(bucket: Bucket, isCounter: boolean, into: SyntheticSamples): void {
  const { count, firstMs, lastMs } = bucket;
  const values = count === 0 ? [] : isCounter ? counterValues(bucket) : gaugeValues(bucket);
  values.forEach((value, index) => {
    into.timestampsMs.push(index === 0 ? firstMs : index === values.length - 1 ? lastMs : firstMs + ((lastMs - firstMs) * index) / (values.length - 1));
    into.values.push(value);
  });
  if (!bucket.ended) return;
  into.markers.push(into.values.length);
  into.timestampsMs.push(count === 0 ? lastMs : lastMs + 1);
  into.values.push(Number.NaN);
}

function counterValues(bucket: Bucket): number[] {
  const { count, first, last, resets, lost, min } = bucket;
  if (count === 1) return [first];
  const values = [first];
  if (resets > 0) {
    // One fall from the sum of all that was lost loses as much. The last value is below it, or else the least, after which it rose again.
    // So there are no more samples than there were.
    if (lost !== first) values.push(lost);
    if (last >= lost) values.push(min);
  }
  const wanted = hasGap(bucket) ? Math.min(count, samplesMax) : 0;
  do values.push(last);
  while (values.length < wanted);
  return values;
}

/** Whether the first or last sample is further from its end of the bucket than `rate` bridges. */
function hasGap({ count, firstMs, lastMs, endMs }: Bucket): boolean {
  const reachMs = (1.1 * (lastMs - firstMs)) / (count - 1);
  return firstMs - (endMs - bucketMs) >= reachMs || endMs - lastMs >= reachMs;
}

function gaugeValues({ count, sum, first, last, min, max }: Bucket): number[] {
  const length = Math.min(count, samplesMax);
  if (length === 1) return [first];
  const inner: number[] = [];
  // What the first and the last show already need not be shown again.
  if (max !== first && max !== last) inner.push(max);
  if (min !== first && min !== last) inner.push(min);
  const rest = length - 2 - inner.length;
  if (rest > 0) {
    const shown = inner.reduce((total, value) => total + value, first + last);
    const mean = ((sum / count) * length - shown) / rest;
    // Beside infinities that are shown any value makes up the same mean.
    const filler = Number.isNaN(mean) ? last : Math.min(max, Math.max(min, mean));
    for (let index = 0; index < rest; index++) inner.push(filler);
  }
  return [first, ...inner, last];
}
