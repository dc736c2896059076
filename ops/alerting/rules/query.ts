/** Runs the queries of rules and their templates. */
import { SoraError } from '../../core/error.ts';
import { queryInstant } from '../../metricstore/promql/query.ts';
import type { Expr } from '../../metricstore/promql/expr.ts';
import type { Labels, Matcher, SampleSource, SeriesSamples, TimeSpan } from '../../metricstore/series.ts';

/** One element of an instant vector. */
export interface VectorElement {
  readonly labels: Labels;
  readonly value: number;
}

/** A source that notes whether any selector found a series: a rule that finds none is blind, not well. */
export interface WatchedSource extends SampleSource {
  readonly seriesFound: number;
}

export function watchSource(source: SampleSource): WatchedSource {
  let seriesFound = 0;
  return {
    get seriesFound() {
      return seriesFound;
    },
    async select(matchers: readonly Matcher[], span: TimeSpan, samplesMax?: number): Promise<readonly SeriesSamples[]> {
      const found = await source.select(matchers, span, samplesMax);
      seriesFound += found.length;
      return found;
    },
    series: (selectors, span) => source.series(selectors, span),
    labelNames: (selectors, span) => source.labelNames(selectors, span),
    labelValues: (label, selectors, span) => source.labelValues(label, selectors, span),
    metadata: (name) => source.metadata(name),
  };
}

/**
 * Runs an instant query whose result is a vector, or a scalar, which becomes an element without labels.
 * @throws SoraError where it fails or gives anything else
 */
export async function queryVector(source: SampleSource, expr: Expr | string, atMs: number, options: QuerySettings = {}): Promise<readonly VectorElement[]> {
  const { value } = await queryInstant(source, expr, atMs, options);
  if (value.type === 'scalar') return [{ labels: {}, value: value.value }];
  if (value.type === 'vector') return value.samples;
  throw new SoraError('bad_data', 'rule result is not a vector or scalar', { status: 400 });
}

export type QuerySettings = NonNullable<Parameters<typeof queryInstant>[3]>;
