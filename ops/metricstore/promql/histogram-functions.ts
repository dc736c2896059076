/** `histogram_quantile`, `histogram_quantiles` and `histogram_fraction` over classic histograms. */
import type { Labels } from '../series.ts';
import { labelValue } from '../matchers.ts';
import { ofMetric } from './annotations.ts';
import { bucketFraction, bucketQuantile } from './classic-histogram.ts';
import type { Bucket } from './classic-histogram.ts';
import type { Context } from './context.ts';
import { executionError, mergeEqualRows, rowLabels } from './context.ts';
import type { Position } from './expr.ts';
import { keyWithout, labelsKey, nameLabel, omitLabels, withLabel } from './labels.ts';
import { formatShort, quote } from './literals.ts';
import type { VectorValue } from './values.ts';
import { concatRows, emptyVector } from './values.ts';

const bucketLabel = 'le';
const bucketOnly: ReadonlySet<string> = new Set([bucketLabel]);

interface Histogram {
  readonly labels: Labels;
  readonly rows: number[];
  readonly upperBounds: number[];
}

/** The histograms of a vector: rows that differ only in `le`. */
function histogramsOf(context: Context, vector: VectorValue, position: Position): Histogram[] {
  const histograms = new Map<string, Histogram>();
  for (const row of vector.labels.keys()) {
    const own = rowLabels(context, vector, row);
    const le = labelValue(own, bucketLabel);
    const upperBound = parseBound(le);
    if (upperBound === undefined) {
      const name = context.isNameRemovalDelayed ? labelValue(own, nameLabel) : '';
      context.annotations.warn(`bucket label "le" is missing or has a malformed value of ${quote(le)}${ofMetric(name)}`, position);
      continue;
    }
    const key = `${labelValue(own, nameLabel)}\x01${keyWithout(own, bucketOnly)}`;
    const known = histograms.get(key);
    if (known === undefined) histograms.set(key, { labels: omitLabels(own, bucketOnly), rows: [row], upperBounds: [upperBound] });
    else {
      known.rows.push(row);
      known.upperBounds.push(upperBound);
    }
  }
  return [...histograms.values()];
}

/** A bound as Go reads numbers: `+Inf`, `.2`, `1e0`, `0x1p-2`. */
function parseBound(text: string): number | undefined {
  const special = /^([+-]?)(?:inf|infinity)$/i.exec(text);
  if (special !== null) return special[1] === '-' ? -Infinity : Infinity;
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}

/** One row for each histogram; `compute` is given the buckets it has at a step. */
function overHistograms(context: Context, vector: VectorValue, histograms: readonly Histogram[], compute: (buckets: Bucket[], step: number, histogram: Histogram) => number): VectorValue {
  const { steps } = vector;
  const size = histograms.length * steps;
  context.budget.spend(size);
  const values = new Float64Array(size);
  const present = new Uint8Array(size);
  for (const [index, histogram] of histograms.entries()) {
    for (let step = 0; step < steps; step += 1) {
      const buckets: Bucket[] = [];
      for (const [at, row] of histogram.rows.entries()) {
        const cell = row * steps + step;
        if (vector.present[cell] === 1) buckets.push({ upperBound: histogram.upperBounds[at] ?? 0, count: vector.values[cell] ?? 0 });
      }
      if (buckets.length === 0) continue;
      values[index * steps + step] = compute(buckets, step, histogram);
      present[index * steps + step] = 1;
    }
  }
  const out: VectorValue = { kind: 'vector', steps, labels: histograms.map(({ labels }) => labels), dropped: new Uint8Array(histograms.length).fill(1), values, present, isDistinct: false };
  return context.isNameRemovalDelayed ? out : mergeEqualRows(context, out);
}

/** Warns of quantiles outside 0 to 1, each once. */
export function checkQuantiles(context: Context, quantiles: Float64Array, position: Position): void {
  for (const quantile of new Set(quantiles)) {
    if (!(quantile >= 0 && quantile <= 1)) context.annotations.warn(`quantile value should be between 0 and 1, got ${formatShort(quantile)}`, position);
  }
}

/** Where the arguments of a histogram function stand, for annotations. */
export interface HistogramPositions {
  readonly quantile: Position;
  readonly vector: Position;
}

export function histogramQuantile(context: Context, quantiles: Float64Array, vector: VectorValue, positions: HistogramPositions): VectorValue {
  checkQuantiles(context, quantiles, positions.quantile);
  return overHistograms(context, vector, histogramsOf(context, vector, positions.vector), (buckets, step, { labels }) => {
    const { value, isForced } = bucketQuantile(quantiles[step] ?? Number.NaN, buckets);
    if (isForced) {
      const name = context.isNameRemovalDelayed ? labelValue(labels, nameLabel) : '';
      context.annotations.info(`input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)${ofMetric(name)}`, positions.vector);
    }
    return value;
  });
}

/** Several quantiles at once, told apart by a label. */
export function histogramQuantiles(context: Context, label: string, quantiles: readonly Float64Array[], vector: VectorValue, positions: readonly HistogramPositions[]): VectorValue {
  if (label === '' || !label.isWellFormed()) throw executionError(`invalid label name ${quote(label)}`);
  let all: VectorValue = emptyVector(vector.steps);
  for (const [index, column] of quantiles.entries()) {
    const position = positions[index];
    if (position === undefined) continue;
    const one = histogramQuantile(context, column, vector, position);
    const value = formatQuantile(column[0] ?? Number.NaN);
    all = concatRows(all, { ...one, labels: one.labels.map((labels) => withLabel(labels, label, value)) });
  }
  refuseTwins(context, all);
  return mergeEqualRows(context, all);
}

/** A quantile as the value of a label: whole numbers with `.0`. */
const formatQuantile = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : formatShort(value));

function refuseTwins(context: Context, vector: VectorValue): void {
  const keys = new Set(vector.labels.map((_, row) => labelsKey(rowLabels(context, vector, row))));
  if (keys.size < vector.labels.length) throw executionError('vector cannot contain metrics with the same labelset');
}

export function histogramFraction(context: Context, lower: Float64Array, upper: Float64Array, vector: VectorValue, position: Position): VectorValue {
  return overHistograms(context, vector, histogramsOf(context, vector, position), (buckets, step) => bucketFraction(lower[step] ?? Number.NaN, upper[step] ?? Number.NaN, buckets));
}
