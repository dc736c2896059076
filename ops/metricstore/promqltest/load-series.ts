import type { MemorySample, MemorySource } from '../memory-source.ts';
import type { SequenceValue, SeriesNotation } from './series-notation.ts';

/** Where a sequence's values fall: the first at `startMs`, each further one `intervalMs` later. */
export interface SequencePlace {
  readonly startMs: number;
  readonly intervalMs: number;
}

/**
 * Puts a series of the notation into a source. Gaps add nothing, nor do native histograms.
 * @returns whether any value was a native histogram
 */
export function loadSeries(source: MemorySource, { labels, values }: SeriesNotation, place: SequencePlace): boolean {
  source.addAll(labels, samplesOf(values, place));
  return values.some(({ kind }) => kind === 'native');
}

/** The samples and staleness markers of a sequence. */
export function* samplesOf(values: readonly SequenceValue[], { startMs, intervalMs }: SequencePlace): Generator<MemorySample> {
  for (const [index, value] of values.entries()) {
    const atMs = startMs + index * intervalMs;
    if (value.kind === 'float') yield { atMs, value: value.value };
    else if (value.kind === 'stale') yield { atMs, value: Number.NaN, isStale: true };
  }
}
