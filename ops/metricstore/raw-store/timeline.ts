/**
 * The times at which the samples of one target arrived. All series of a scrape share its time, so a series keeps only
 * the number of its first scrape and one value each: times cost eight bytes a scrape and not a sample.
 */
export class Timeline {
  readonly id: number;
  readonly key: string;
  #times = new Float64Array(16);
  /** Number of the oldest tick that is kept. */
  #base = 0;
  #count = 0;

  constructor(id: number, key: string) {
    this.id = id;
    this.key = key;
  }

  /** Number of the oldest tick that is kept; ticks are numbered from 0 and never again. */
  get base(): number {
    return this.#base;
  }

  /** Number of the next tick. */
  get end(): number {
    return this.#base + this.#count;
  }

  /** Time of the last tick; -Infinity before the first. */
  get lastMs(): number {
    return this.#count === 0 ? Number.NEGATIVE_INFINITY : (this.#times[this.#count - 1] ?? 0);
  }

  /** The number of the tick at this time: a new one, or the last again. -1 where the time lies before the last. */
  tick(atMs: number): number {
    const { lastMs } = this;
    if (atMs === lastMs) return this.end - 1;
    if (atMs < lastMs) return -1;
    if (this.#count === this.#times.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#times);
      this.#times = larger;
    }
    this.#times[this.#count++] = atMs;
    return this.end - 1;
  }

  /** Time of a tick; -Infinity of one that was forgotten, as it lies before every span. */
  timeMs(tick: number): number {
    return this.#times[tick - this.#base] ?? Number.NEGATIVE_INFINITY;
  }

  /** Copies the times of `count` ticks. */
  copyTimes(tick: number, count: number, into: Float64Array, at: number): void {
    const from = tick - this.#base;
    for (let index = 0; index < count; index++) into[at + index] = this.#times[from + index] ?? Number.NEGATIVE_INFINITY;
  }

  /** Forgets ticks before `beforeMs`. */
  expire(beforeMs: number): void {
    let old = 0;
    while (old < this.#count && (this.#times[old] ?? 0) < beforeMs) old++;
    // Moved only when it is worth it.
    if (old < 16 || old < this.#count / 4) return;
    this.#times.copyWithin(0, old, this.#count);
    this.#base += old;
    this.#count -= old;
  }
}
