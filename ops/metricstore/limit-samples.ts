/** Bounds how much a question reads, before it is read. */
import { SoraError } from '../core/error.ts';
import type { SeriesSamples } from './series.ts';

/** What every source throws that was told to read at most so much; in the words of Prometheus. */
export function tooManySamples(samplesMax: number): SoraError {
  return new SoraError('execution', 'query processing would load too many samples into memory in query execution', {
    status: 422, hint: `the limit is ${samplesMax} samples: select fewer series, a shorter range or a longer step`,
  });
}

/**
 * For sources that hold their samples as they give them.
 * @throws SoraError `execution` (422) where they are more
 */
export function limitSamples(series: readonly SeriesSamples[], samplesMax: number): readonly SeriesSamples[] {
  if (countSamples(series) > samplesMax) throw tooManySamples(samplesMax);
  return series;
}

export const countSamples = (series: readonly Pick<SeriesSamples, 'values'>[]): number => series.reduce((sum, { values }) => sum + values.length, 0);
