/** `label_replace`, `label_join` and the sorts. */
import { messageOf } from '../../core/error.ts';
import { compileFind, expandGroups } from '../regex/re2.ts';
import { rememberPatterns } from '../regex/remember.ts';
import type { Labels } from '../series.ts';
import { compareLabels } from './aggregate-select.ts';
import type { Context } from './context.ts';
import { executionError, mergeWholeRows, rowLabel, rowLabels } from './context.ts';
import { nameLabel, withLabel } from './labels.ts';
import { quote } from './literals.ts';
import type { VectorValue } from './values.ts';
import { pickRows } from './values.ts';

const isLabelName = (name: string): boolean => name !== '' && name.isWellFormed();

/** Sets a label of each row; a name that is set so is no longer taken away. */
function relabel(context: Context, vector: VectorValue, target: string, valueOf: (row: number) => string | undefined): VectorValue {
  const labels: Labels[] = [];
  const dropped = vector.dropped.slice();
  for (const [row, own] of vector.labels.entries()) {
    const value = valueOf(row);
    if (value === undefined) labels.push(own);
    else {
      labels.push(withLabel(rowLabels(context, vector, row), target, value));
      if (target === nameLabel) dropped[row] = 0;
    }
  }
  return mergeWholeRows(context, { ...vector, labels, dropped, isDistinct: false });
}

/** Sets `target` where `pattern` matches the whole of the label `source`. */
export function labelReplace(context: Context, vector: VectorValue, [target = '', replacement = '', source = '', pattern = '']: readonly string[]): VectorValue {
  const replace = compileForReplace(pattern, replacement);
  if (!isLabelName(target)) throw executionError(`invalid destination label name in label_replace(): ${target}`);
  return relabel(context, vector, target, (row) => replace(rowLabel(context, vector, row, source)));
}

/** Asks each value once: the series of one vector share few. */
function compileForReplace(pattern: string, replacement: string): (value: string) => string | undefined {
  const find = findWhole(pattern);
  const answers = new Map<string, string | undefined>();
  return (value) => {
    if (answers.has(value)) return answers.get(value);
    const [match] = find(value).take(1);
    const answer = match === undefined ? undefined : expandGroups(replacement, match);
    answers.set(value, answer);
    return answer;
  };
}

/** Put together as text, as Prometheus does. */
const compileWholeFind = rememberPatterns(100, (pattern) => compileFind(`^(?s:${pattern})$`));

function findWhole(pattern: string): ReturnType<typeof compileFind> {
  try {
    return compileWholeFind(pattern);
  } catch (error) {
    throw executionError(`invalid regular expression in label_replace(): ${pattern} (${messageOf(error)})`);
  }
}

/** Sets `target` to the labels given, joined. */
export function labelJoin(context: Context, vector: VectorValue, [target = '', separator = '', ...sources]: readonly string[]): VectorValue {
  const wrong = sources.find((source) => !isLabelName(source));
  if (wrong !== undefined) throw executionError(`invalid source label name in label_join(): ${wrong}`);
  if (!isLabelName(target)) throw executionError(`invalid destination label name in label_join(): ${quote(target)}`);
  return relabel(context, vector, target, (row) => sources.map((source) => rowLabel(context, vector, row, source)).join(separator));
}

const ordered = (vector: VectorValue, compare: (a: number, b: number) => number): VectorValue => {
  const rows = vector.labels.map((_, row) => row).filter((row) => vector.present[row * vector.steps] === 1);
  return { ...pickRows(vector, rows.sort(compare)), isOrdered: true };
};

/** Rows of an instant vector by value, NaN last. */
export function sortByValue(vector: VectorValue, isDescending: boolean): VectorValue {
  const valueOf = (row: number): number => vector.values[row] ?? 0;
  return ordered(vector, (a, b) => {
    const [first, second] = [valueOf(a), valueOf(b)];
    if (Number.isNaN(first) || Number.isNaN(second)) return Number(Number.isNaN(first)) - Number(Number.isNaN(second));
    return isDescending ? second - first || 0 : first - second || 0;
  });
}

/** Rows of an instant vector by labels in natural order (2 before 10), then by all labels. */
export function sortByLabels(context: Context, vector: VectorValue, names: readonly string[], isDescending: boolean): VectorValue {
  const sign = isDescending ? -1 : 1;
  return ordered(vector, (a, b) => {
    for (const name of names) {
      const order = compareNaturally(rowLabel(context, vector, a, name), rowLabel(context, vector, b, name));
      if (order !== 0) return sign * order;
    }
    return sign * compareLabels(vector.labels[a] ?? {}, vector.labels[b] ?? {});
  });
}

/** Compares text part by part, numbers by their value. */
function compareNaturally(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.match(/\d+|\D+/g) ?? []);
  for (let index = 0; index < Math.max(left?.length ?? 0, right?.length ?? 0); index += 1) {
    const [first, second] = [left?.[index], right?.[index]];
    if (first === undefined || second === undefined) return first === undefined ? -1 : 1;
    if (first === second) continue;
    const [firstNumber, secondNumber] = [Number(first), Number(second)];
    if (/^\d/.test(first) && /^\d/.test(second) && firstNumber !== secondNumber) return firstNumber - secondNumber;
    return first < second ? -1 : 1;
  }
  return 0;
}
