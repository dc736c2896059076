/** Series as lines of text, compressed as the stores compress them: what leaves the process to be read in another. */
import { z } from 'zod';
import { ByteSink, ByteSource } from './long-term/byte-sink.ts';
import type { SeriesSamples } from './series.ts';

export const packedSeriesSchema = z.strictObject({
  labels: z.record(z.string(), z.string()),
  count: z.int().min(1).max(10_000_000),
  /** Base64. Missing where they are those of the series before. */
  times: z.string().optional(),
  /** Base64; markers of an end among them. */
  values: z.string(),
});
export type PackedSeries = z.infer<typeof packedSeriesSchema>;

/** Packs series one after the other; those of one target share their times, which are written once. */
export class SeriesPacker {
  readonly #sink = new ByteSink();
  #before = '';

  pack({ labels, timestampsMs, values, stale }: SeriesSamples): PackedSeries {
    const times = this.#text(timestampsMs);
    const isSame = times === this.#before;
    this.#before = times;
    return { labels: { ...labels }, count: values.length, ...(isSame ? {} : { times }), values: this.#text(values, stale) };
  }

  #text(numbers: ArrayLike<number>, stale?: ArrayLike<number>): string {
    this.#sink.clear();
    this.#sink.numbers(numbers, stale);
    return this.#sink.written().toString('base64');
  }
}

/** Unpacks them in the same order. */
export class SeriesUnpacker {
  #times = '';

  /** @throws RangeError where the bytes are not of so many samples */
  unpack({ labels, count, times, values }: PackedSeries): SeriesSamples {
    this.#times = times ?? this.#times;
    const stale = new Uint8Array(count);
    const read = new ByteSource(Buffer.from(values, 'base64')).numbers(count, (index) => (stale[index] = 1));
    return { labels, timestampsMs: new ByteSource(Buffer.from(this.#times, 'base64')).numbers(count), values: read, ...(stale.includes(1) ? { stale } : {}) };
  }
}
