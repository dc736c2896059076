/** Values while a query is evaluated: columns over the steps of a grid. */
import type { Labels } from '../series.ts';

/** The times at which an expression is evaluated; an instant query has one. */
export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
}

/** The last time of a grid. */
export const endOf = ({ startMs, stepMs, count }: Grid): number => startMs + (count - 1) * stepMs;

/** One number for each step. */
export interface ScalarValue {
  readonly kind: 'scalar';
  readonly values: Float64Array;
}

export interface StringValue {
  readonly kind: 'string';
  readonly text: string;
}

/**
 * Series over the steps, in one block: row `i` stands at `i * steps` to `(i + 1) * steps` of `values` and `present`.
 * Whoever is given one may change it: nothing else holds it.
 */
export interface VectorValue {
  readonly kind: 'vector';
  readonly steps: number;
  readonly labels: readonly Labels[];
  /** 1 where the name of the row's metric is to be taken away; it is still in `labels`. */
  readonly dropped: Uint8Array;
  readonly values: Float64Array;
  /** 1 where the row has a value at the step. */
  readonly present: Uint8Array;
  /** Whether rows are known to differ in labels other than the name. */
  readonly isDistinct: boolean;
  /** Whether the order of rows means something (`sort`, `topk`). */
  readonly isOrdered?: boolean;
}

export type Value = ScalarValue | StringValue | VectorValue;

export const emptyVector = (steps: number): VectorValue => ({
  kind: 'vector', steps, labels: [], dropped: new Uint8Array(0), values: new Float64Array(0), present: new Uint8Array(0), isDistinct: true,
});

/** A vector of one series without labels. */
export const singleRow = (values: Float64Array, present: Uint8Array, labels: Labels = {}): VectorValue => ({
  kind: 'vector', steps: values.length, labels: [labels], dropped: new Uint8Array(1), values, present, isDistinct: true,
});

/** The rows given, in that order, in a block of their own. */
export function pickRows(vector: VectorValue, rows: readonly number[]): VectorValue {
  const { steps } = vector;
  const values = new Float64Array(rows.length * steps);
  const present = new Uint8Array(rows.length * steps);
  const dropped = new Uint8Array(rows.length);
  const labels = rows.map((row, index) => {
    values.set(vector.values.subarray(row * steps, (row + 1) * steps), index * steps);
    present.set(vector.present.subarray(row * steps, (row + 1) * steps), index * steps);
    dropped[index] = vector.dropped[row] ?? 0;
    return vector.labels[row] ?? {};
  });
  return { ...vector, labels, dropped, values, present };
}

/** The rows that have a value at some step. */
export function presentRows({ steps, labels, present }: VectorValue): number[] {
  const rows: number[] = [];
  for (let row = 0; row < labels.length; row += 1) {
    const found = present.indexOf(1, row * steps);
    if (found >= 0 && found < (row + 1) * steps) rows.push(row);
  }
  return rows;
}

/** Two vectors below each other. */
export function concatRows(first: VectorValue, second: VectorValue): VectorValue {
  const joined = <Column extends Float64Array | Uint8Array>(make: (length: number) => Column, a: Column, b: Column): Column => {
    const column = make(a.length + b.length);
    column.set(a);
    column.set(b, a.length);
    return column;
  };
  return {
    kind: 'vector', steps: first.steps, labels: [...first.labels, ...second.labels], isDistinct: false,
    dropped: joined((length) => new Uint8Array(length), first.dropped, second.dropped),
    values: joined((length) => new Float64Array(length), first.values, second.values),
    present: joined((length) => new Uint8Array(length), first.present, second.present),
  };
}
