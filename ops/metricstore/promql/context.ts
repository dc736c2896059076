import { SoraError } from '../../core/error.ts';
import { tooManySamples } from '../limit-samples.ts';
import { labelValue } from '../matchers.ts';
import type { Labels, SeriesSamples } from '../series.ts';
import type { Annotations } from './annotations.ts';
import type { Expr, VectorSelector } from './expr.ts';
import { labelsKey, namelessKey, nameLabel, withoutName } from './labels.ts';
import type { Grid, Value, VectorValue } from './values.ts';
import { pickRows, presentRows } from './values.ts';

/**
 * Whose rules hold where releases of Prometheus 3 differ. In 3.8 a second partner of a series is no error where a
 * comparison filters it away, and functions of ranges, signs and relabelling refuse series that become the same even
 * when they have no value at one time; newer ones warn of sorts that have no effect.
 */
export type PrometheusRelease = '3.8' | 'newer';

/** What all parts of one evaluation share. */
export interface Context {
  /** The steps of the query as it was asked, for `@ start()`, `step()` and the like. */
  readonly query: Grid;
  readonly lookbackMs: number;
  /** The step of a subquery that names none. */
  readonly subqueryStepMs: number;
  /** Whether names are taken away at the end only (Prometheus' `promql-delayed-name-removal`). */
  readonly isNameRemovalDelayed: boolean;
  readonly release: PrometheusRelease;
  readonly annotations: Annotations;
  readonly fetched: ReadonlyMap<VectorSelector, readonly SeriesSamples[]>;
  readonly budget: Budget;
  /** Evaluates a part; here so that functions need not import the evaluator that imports them. */
  evaluate(expr: Expr, grid: Grid): Value;
}

/** Counts what a query touches and how long it takes. */
export class Budget {
  readonly #samplesMax: number;
  readonly #deadlineMs: number | undefined;
  readonly #nowMs: () => number;
  #samples = 0;

  /** `nowMs` and `deadlineMs` are of one monotonic clock; without a deadline time is not looked at. */
  constructor(samplesMax: number, nowMs: () => number, deadlineMs: number | undefined) {
    this.#samplesMax = samplesMax;
    this.#nowMs = nowMs;
    this.#deadlineMs = deadlineMs;
  }

  get samples(): number {
    return this.#samples;
  }

  /** Samples that may still be touched. */
  get left(): number {
    return this.#samplesMax - this.#samples;
  }

  /** @throws SoraError `execution` above the limit of samples, `timeout` after the deadline */
  spend(samples: number): void {
    this.#samples += samples;
    if (this.#samples > this.#samplesMax) throw tooManySamples(this.#samplesMax);
    if (this.#deadlineMs !== undefined && this.#nowMs() > this.#deadlineMs) {
      throw new SoraError('timeout', 'query timed out in expression evaluation', { status: 503, hint: 'select fewer series, or give the query more time' });
    }
  }
}

/** An error that Prometheus raises while it evaluates. */
export const executionError = (message: string): SoraError => new SoraError('execution', message, { status: 422 });

/** A label of a row as functions see it: a name that was taken away is missing, unless that is delayed. */
export function rowLabel(context: Context, vector: VectorValue, row: number, name: string): string {
  if (name === nameLabel && vector.dropped[row] === 1 && !context.isNameRemovalDelayed) return '';
  const labels = vector.labels[row];
  return labels === undefined ? '' : labelValue(labels, name);
}

/** The labels of a row as functions see them. */
export function rowLabels(context: Context, vector: VectorValue, row: number): Labels {
  const labels = vector.labels[row] ?? {};
  return vector.dropped[row] === 1 && !context.isNameRemovalDelayed ? withoutName(labels) : labels;
}

/** Marks the names of all rows as taken away; without delay, rows that are then the same become one, or see `mergeWholeRows`. */
export function dropNames(context: Context, vector: VectorValue, isWholeChecked = false): VectorValue {
  vector.dropped.fill(1);
  if (context.isNameRemovalDelayed) return vector;
  return isWholeChecked ? mergeWholeRows(context, vector) : mergeEqualRows(context, vector);
}

/** As `mergeEqualRows`, but in 3.8 rows with equal labels are an error at whatever steps they have values. */
export function mergeWholeRows(context: Context, vector: VectorValue): VectorValue {
  if (vector.isDistinct) return vector;
  const whole = pickRows(vector, presentRows(vector));
  const merged = mergeEqualRows(context, whole);
  if (context.release === '3.8' && merged.labels.length < whole.labels.length) throw executionError(sameLabelset);
  return merged;
}

/** The one message of two series with equal labels at one time. */
export const sameLabelset = 'vector cannot contain metrics with the same labelset';

/**
 * Joins rows with equal labels into one.
 * @param isFinal takes every dropped name as gone, also where removal is delayed
 * @throws SoraError `execution` with `message` where two have a value at one step
 */
export function mergeEqualRows(context: Context, vector: VectorValue, message = sameLabelset, isFinal = false): VectorValue {
  const count = vector.labels.length;
  if (vector.isDistinct || count < 2) return vector;
  const firsts = new Map<string, number>();
  const kept: number[] = [];
  for (let row = 0; row < count; row += 1) {
    const labels = vector.labels[row] ?? {};
    const isDropped = vector.dropped[row] === 1 && (isFinal || !context.isNameRemovalDelayed);
    const key = isDropped ? namelessKey(labels) : labelsKey(labels);
    const first = firsts.get(key);
    if (first === undefined) {
      firsts.set(key, row);
      kept.push(row);
    } else mergeRow(vector, first, row, message);
  }
  return kept.length === count ? vector : pickRows(vector, kept);
}

function mergeRow({ steps, values, present, dropped }: VectorValue, into: number, from: number, message: string): void {
  for (let step = 0; step < steps; step += 1) {
    const at = from * steps + step;
    if (present[at] === 0) continue;
    const to = into * steps + step;
    if (present[to] === 1) throw executionError(message);
    present[to] = 1;
    values[to] = values[at] ?? 0;
  }
  if (dropped[from] === 1) dropped[into] = 1;
}
