import { SoraError } from '../../core/error.ts';
import type { FoundMetadata } from './metadata.ts';

/** The samples of one exposition, in columns that are used again for the next. */
export class SampleBatch {
  entries = new Int32Array(256);
  values = new Float64Array(256);
  /** NaN where the target gives no time. */
  timestampsMs = new Float64Array(256);
  count = 0;
  hasTimestamps = false;
  readonly metadata = new Map<string, FoundMetadata>();
  readonly #samplesMax: number;

  /** @param samplesMax of one exposition */
  constructor(samplesMax = 200_000) {
    this.#samplesMax = samplesMax;
  }

  clear(): void {
    this.count = 0;
    this.hasTimestamps = false;
    this.metadata.clear();
  }

  /** @throws SoraError `too_many_samples` */
  add(entry: number, value: number, timestampMs: number): void {
    if (this.count >= this.#samplesMax) throw tooManySamples(this.#samplesMax);
    if (this.count === this.entries.length) this.#grow();
    this.entries[this.count] = entry;
    this.values[this.count] = value;
    this.timestampsMs[this.count] = timestampMs;
    if (!Number.isNaN(timestampMs)) this.hasTimestamps = true;
    this.count++;
  }

  #grow(): void {
    const entries = new Int32Array(this.count * 2);
    const values = new Float64Array(this.count * 2);
    const timestampsMs = new Float64Array(this.count * 2);
    entries.set(this.entries);
    values.set(this.values);
    timestampsMs.set(this.timestampsMs);
    Object.assign(this, { entries, values, timestampsMs });
  }
}

const tooManySamples = (samplesMax: number): SoraError =>
  new SoraError('too_many_samples', `the target answers with more than ${samplesMax} samples`, { hint: 'drop labels of many values at the target, or raise samplesMax' });
