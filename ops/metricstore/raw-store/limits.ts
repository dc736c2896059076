/** What the raw store holds at most. Beyond it refuses and counts by reason, so that memory does not grow. */
export interface StoreLimits {
  /** Series at one time, those that ended within the retention among them. Default 60,000. */
  readonly seriesMax: number;
  /** Labels of one series, its name among them. Default 40. */
  readonly labelsMax: number;
  /** Characters of a label's name. Default 200. */
  readonly labelNameLengthMax: number;
  /** Characters of a label's value. Default 1,024. */
  readonly labelValueLengthMax: number;
  /** Characters of all labels of all series. Default 32 million. */
  readonly labelCharactersMax: number;
  /** Metric names with a type and help text. Default 10,000. */
  readonly metadataMax: number;
  /**
   * Bytes of compressed samples. Default 320 MiB, at which 72 million samples (50,000 series every 5 s for 2 h) may take 4.6 bytes
   * each; those of our processes take 1, numbers without any pattern 7, and of those 75 min are kept. When all are used the
   * oldest samples are given up before their time, which is counted as well: the newest are what alerts are made of.
   */
  readonly chunkBytesMax: number;
}

export const defaultLimits: StoreLimits = {
  seriesMax: 60_000,
  labelsMax: 40,
  labelNameLengthMax: 200,
  labelValueLengthMax: 1_024,
  labelCharactersMax: 32_000_000,
  metadataMax: 10_000,
  chunkBytesMax: 320 * 1024 * 1024,
};

/** Why something was not stored. */
export type RefusalReason =
  | 'series'
  | 'labels'
  | 'label_length'
  | 'label_characters'
  | 'metadata'
  | 'duplicate'
  | 'out_of_order'
  | 'too_old'
  | 'too_far_ahead';

/** How much was refused, by reason. */
export class Refusals {
  readonly #counts = new Map<RefusalReason, number>();

  count(reason: RefusalReason, number = 1): void {
    this.#counts.set(reason, this.of(reason) + number);
  }

  of(reason: RefusalReason): number {
    return this.#counts.get(reason) ?? 0;
  }

  entries(): IterableIterator<[RefusalReason, number]> {
    return this.#counts.entries();
  }
}
