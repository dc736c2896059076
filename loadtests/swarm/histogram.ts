import type { Quantiles, SparseHistogram } from './measurement.ts';

/** Sub-buckets of one power of two: 2,048 keep 3 significant digits. */
const halfBits = 10;
const halfCount = 1 << halfBits;
const lowMask = (halfCount << 1) - 1;
const shiftBase = 31 - halfBits;
const bucketCount = 23 << halfBits;

/** The largest value kept, 1 h in µs; larger ones count as this. */
export const maxTrackableUs = 3_600_000_000;

/** The bucket that a value in µs falls to, as `Histogram` counts it. */
export function bucketOf(valueUs: number): number {
  const value = valueUs > 0 ? Math.min(valueUs, maxTrackableUs) >>> 0 : 0;
  const shift = shiftBase - Math.clz32(value | lowMask);
  return (shift << halfBits) + (value >>> shift);
}

/**
 * A histogram of fixed size in HdrHistogram's layout: 3 significant digits from 1 µs to 1 h.
 * Values below 1 µs count as 0. 94 kB, whatever is recorded.
 */
export class Histogram {
  readonly #counts = new Uint32Array(bucketCount);
  #count = 0;
  #lowest = bucketCount;
  #highest = -1;

  get count(): number {
    return this.#count;
  }

  /** Counts one value in µs. */
  record(valueUs: number): void {
    const value = valueUs > 0 ? (valueUs < maxTrackableUs ? valueUs : maxTrackableUs) >>> 0 : 0;
    const shift = shiftBase - Math.clz32(value | lowMask);
    const index = (shift << halfBits) + (value >>> shift);
    this.#counts[index]!++;
    this.#count++;
    if (index < this.#lowest) this.#lowest = index;
    if (index > this.#highest) this.#highest = index;
  }

  /** Adds another histogram's counts, lossless. */
  merge(other: Histogram): void {
    for (let index = other.#lowest; index <= other.#highest; index++) this.#add(index, other.#counts[index]!);
  }

  /** Adds counts encoded by `encode`. @throws RangeError on a bucket out of range */
  mergeSparse(sparse: SparseHistogram): void {
    for (let at = 0; at + 1 < sparse.length; at += 2) {
      const index = sparse[at]!;
      if (index >= bucketCount) throw new RangeError(`histogram bucket ${index} is not below ${bucketCount}`);
      this.#add(index, sparse[at + 1]!);
    }
  }

  #add(index: number, count: number): void {
    if (count === 0) return;
    this.#counts[index]! += count;
    this.#count += count;
    if (index < this.#lowest) this.#lowest = index;
    if (index > this.#highest) this.#highest = index;
  }

  /** The non-empty buckets as pairs of index and count. */
  encode(): SparseHistogram {
    let used = 0;
    for (let index = this.#lowest; index <= this.#highest; index++) if (this.#counts[index]! > 0) used++;
    const pairs = new Uint32Array(used * 2);
    let at = 0;
    for (let index = this.#lowest; index <= this.#highest; index++) {
      const count = this.#counts[index]!;
      if (count === 0) continue;
      pairs[at++] = index;
      pairs[at++] = count;
    }
    return pairs;
  }

  reset(): void {
    if (this.#highest >= 0) this.#counts.fill(0, this.#lowest, this.#highest + 1);
    this.#count = 0;
    this.#lowest = bucketCount;
    this.#highest = -1;
  }

  /**
   * The value in µs that at least `ratio` of all values do not exceed: the upper end of its bucket,
   * at most 0.1 % above the exact value. 0 when empty.
   * @param ratio in [0, 1]
   */
  quantile(ratio: number): number {
    const rank = Math.max(1, Math.ceil(ratio * this.#count - 1e-9));
    let seen = 0;
    for (let index = this.#lowest; index <= this.#highest; index++) {
      seen += this.#counts[index]!;
      if (seen >= rank) return bucketTopUs(index);
    }
    return 0;
  }

  /** How many values exceed `limitUs`, at the precision of a bucket. */
  countAbove(limitUs: number): number {
    let above = 0;
    for (let index = this.#highest; index >= this.#lowest && bucketTopUs(index) > limitUs; index--) {
      above += this.#counts[index]!;
    }
    return above;
  }

  /** The lower end of the lowest bucket in use, µs; 0 when empty. */
  min(): number {
    return this.#highest < 0 ? 0 : bucketBottomUs(this.#lowest);
  }

  /** Mean of the bucket middles, µs; 0 when empty. */
  mean(): number {
    let sum = 0;
    for (let index = this.#lowest; index <= this.#highest; index++) {
      const count = this.#counts[index]!;
      if (count > 0) sum += count * ((bucketTopUs(index) + bucketBottomUs(index)) / 2);
    }
    return this.#count === 0 ? 0 : sum / this.#count;
  }

  /** The usual quantiles in ms, rounded to a µs. */
  quantilesMs(): Quantiles {
    const at = (ratio: number): number => this.quantile(ratio) / 1_000;
    return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), p999: at(0.999), max: at(1) };
  }

  static fromSparse(...parts: readonly SparseHistogram[]): Histogram {
    const histogram = new Histogram();
    for (const part of parts) histogram.mergeSparse(part);
    return histogram;
  }
}

function bucketBottomUs(index: number): number {
  const shift = Math.max(0, (index >>> halfBits) - 1);
  return (index - (shift << halfBits)) * 2 ** shift;
}

/** The largest whole µs that falls in a bucket. */
function bucketTopUs(index: number): number {
  const shift = Math.max(0, (index >>> halfBits) - 1);
  return (index - (shift << halfBits) + 1) * 2 ** shift - 1;
}
