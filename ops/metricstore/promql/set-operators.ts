/** `and`, `or` and `unless`: sets of series at each step. */
import type { Context } from './context.ts';
import { mergeEqualRows } from './context.ts';
import type { Binary, VectorMatching } from './expr.ts';
import { rowsBySignature } from './signatures.ts';
import type { VectorValue } from './values.ts';
import { concatRows } from './values.ts';

const anyLabels: VectorMatching = { cardinality: 'many-to-many', isOn: false, labels: [], include: [], fillLeft: undefined, fillRight: undefined };

/** The union, intersection or difference of two vectors. */
export function combineSets(context: Context, { operator, matching = anyLabels }: Binary, left: VectorValue, right: VectorValue): VectorValue {
  const leftRows = rowsBySignature(context, left, matching);
  const rightRows = rowsBySignature(context, right, matching);
  if (operator === 'or') {
    for (const [key, rows] of rightRows) {
      const others = leftRows.get(key);
      if (others !== undefined) mask(right, rows, anyPresent(left, others), false);
    }
    return mergeEqualRows(context, concatRows(left, right));
  }
  for (const [key, rows] of leftRows) {
    const others = rightRows.get(key);
    if (others !== undefined) mask(left, rows, anyPresent(right, others), operator === 'and');
    else if (operator === 'and') mask(left, rows, new Uint8Array(left.steps), true);
  }
  return left;
}

/** 1 at each step at which one of the rows has a value. */
function anyPresent({ steps, present }: VectorValue, rows: readonly number[]): Uint8Array {
  const any = new Uint8Array(steps);
  for (const row of rows) for (let step = 0; step < steps; step += 1) if (present[row * steps + step] === 1) any[step] = 1;
  return any;
}

/** Takes away values at steps where `other` is not as wanted. */
function mask({ steps, present }: VectorValue, rows: readonly number[], other: Uint8Array, isWanted: boolean): void {
  for (const row of rows) for (let step = 0; step < steps; step += 1) if ((other[step] === 1) !== isWanted) present[row * steps + step] = 0;
}
