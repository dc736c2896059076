import type { Context } from './context.ts';
import type { VectorMatching } from './expr.ts';
import { keyOf, keyWithout, nameLabel, omitLabels, pickLabels, withoutName } from './labels.ts';
import type { VectorValue } from './values.ts';
import type { Labels } from '../series.ts';

/** The rows of a vector by the labels on which they match. */
export function rowsBySignature(context: Context, vector: VectorValue, { isOn, labels: names }: VectorMatching): Map<string, number[]> {
  const omitted = new Set(names);
  const seesNames = isOn && names.includes(nameLabel) && !context.isNameRemovalDelayed;
  const rows = new Map<string, number[]>();
  for (const [row, own] of vector.labels.entries()) {
    const labels = seesNames && vector.dropped[row] === 1 ? withoutName(own) : own;
    const key = isOn ? keyOf(labels, names) : keyWithout(labels, omitted);
    const known = rows.get(key);
    if (known === undefined) rows.set(key, [row]);
    else known.push(row);
  }
  return rows;
}

/** The labels on which a row matches, for messages. */
export const matchLabels = (labels: Labels, { isOn, labels: names }: VectorMatching): Labels => (isOn ? pickLabels(labels, names) : omitLabels(labels, new Set([...names, nameLabel])));
