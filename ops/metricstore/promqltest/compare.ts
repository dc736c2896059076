/** Whether a query's result is the one a script expects, by the rules of Prometheus' own runner. */
import { assertNever } from '../../core/error.ts';
import { quote } from '../promql/literals.ts';
import type { QueryResult, QueryValue } from '../promql/query.ts';
import type { Labels } from '../series.ts';
import type { AnnotationCheck, EvalCommand, MessageCheck } from './eval-command.ts';
import type { SequenceValue, SeriesNotation } from './series-notation.ts';

/** Relative error that is allowed. */
export const epsilon = 0.000_001;
/** The smallest number that a double holds in full precision. */
const smallestNormal = 2.225_073_858_507_201_4e-308;

/** Whether two values are equal as far as rounding lets one tell (util/almost of Prometheus); NaN equals NaN. */
export function isAlmostEqual(a: number, b: number): boolean {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < smallestNormal) return difference < epsilon * smallestNormal;
  return difference / Math.min(sum, Number.MAX_VALUE) < epsilon;
}

/** What differs between a value and the expected one; undefined when nothing does. */
export function compareValue({ result, points, isOrdered }: EvalCommand, value: QueryValue): string | undefined {
  switch (value.type) {
    case 'string': return (result.kind === 'string' ? result.text : '') === value.value ? undefined : `string ${quote(value.value)}`;
    case 'scalar': return result.kind === 'scalar' && isAlmostEqual(result.value, value.value) ? undefined : `scalar ${value.value}`;
    case 'vector': return result.kind === 'series' ? compareVector(result.series, value, isOrdered) : `vector ${renderVector(value)}`;
    case 'matrix':
      if (result.kind !== 'series') return `matrix of ${value.series.length} series`;
      return isOrdered ? 'a matrix, whose order is that of labels' : compareMatrix(result.series, value, points);
    default: return assertNever(value);
  }
}

type VectorValue = Extract<QueryValue, { type: 'vector' }>;
type MatrixValue = Extract<QueryValue, { type: 'matrix' }>;
type PlacedSeries = SeriesNotation & { readonly place: number };

/** The same for equal label sets. */
export const keyOf = (labels: Labels): string => JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** A label set as Prometheus writes it. */
export function renderLabels(labels: Labels): string {
  const pairs = Object.entries(labels).filter(([name]) => name !== '__name__').sort(([a], [b]) => (a < b ? -1 : 1));
  const name = labels['__name__'] ?? '';
  return pairs.length === 0 && name !== '' ? name : `${name}{${pairs.map(([label, value]) => `${label}=${quote(value)}`).join(', ')}}`;
}

function renderVector({ samples }: VectorValue): string {
  return samples.length === 0 ? 'nothing' : samples.map(({ labels, value }) => `${renderLabels(labels)} ${value}`).join(' · ');
}

function compareVector(expected: readonly PlacedSeries[], value: VectorValue, isOrdered: boolean): string | undefined {
  const wanted = new Map(expected.map((series) => [keyOf(series.labels), series]));
  for (const [index, { labels, value: found }] of value.samples.entries()) {
    const series = wanted.get(keyOf(labels));
    if (series === undefined) return `an unexpected or second ${renderLabels(labels)} ${found} in ${renderVector(value)}`;
    wanted.delete(keyOf(labels));
    if (isOrdered && series.place !== index + 1) return `${renderLabels(labels)} at place ${index + 1} instead of ${series.place}: ${renderVector(value)}`;
    const [first] = series.values;
    if (first?.kind !== 'float' || !isAlmostEqual(first.value, found)) return `${renderLabels(labels)} ${found} instead of ${renderValue(first)}`;
  }
  return missing(wanted);
}

function missing(wanted: ReadonlyMap<string, SeriesNotation>): string | undefined {
  const [first] = wanted.values();
  return first === undefined ? undefined : `no ${renderLabels(first.labels)}, expected ${first.values.slice(0, 10).map(renderValue).join(' ')}`;
}

function renderValue(value: SequenceValue | undefined): string {
  if (value === undefined) return 'nothing';
  return value.kind === 'float' ? String(value.value) : value.kind === 'native' ? value.text : value.kind === 'gap' ? '_' : 'stale';
}

function compareMatrix(expected: readonly PlacedSeries[], value: MatrixValue, points: EvalCommand['points']): string | undefined {
  const wanted = new Map(expected.map((series) => [keyOf(series.labels), series]));
  let before: Labels | undefined;
  for (const found of value.series) {
    if (before !== undefined && compareLabels(before, found.labels) > 0) return `series out of order: ${renderLabels(before)} before ${renderLabels(found.labels)}`;
    before = found.labels;
    const series = wanted.get(keyOf(found.labels));
    if (series === undefined) return `an unexpected or second ${renderLabels(found.labels)} with ${[...found.values].join(' ')}`;
    wanted.delete(keyOf(found.labels));
    const difference = comparePoints(series.values, found, points);
    if (difference !== undefined) return `${renderLabels(found.labels)}: ${difference}`;
  }
  return missing(wanted);
}

function comparePoints(expected: readonly SequenceValue[], { timestampsMs, values }: MatrixValue['series'][number], points: EvalCommand['points']): string | undefined {
  if (points === undefined) return 'a matrix, though the query is an instant one without "expect range vector"';
  const { startMs, endMs, stepMs } = points;
  if (startMs + (expected.length - 1) * stepMs > endMs) return `${expected.length} values are expected, more than there are steps`;
  const wanted = expected.flatMap((value, index) => (value.kind === 'gap' ? [] : [{ atMs: startMs + index * stepMs, value }]));
  const found = Array.from(values, (value, index) => `${value} @${timestampsMs[index] ?? 0}`).join(' ');
  const isSame = wanted.length === values.length && wanted.every(({ atMs, value }, index) =>
    value.kind === 'float' && timestampsMs[index] === atMs && isAlmostEqual(value.value, values[index] ?? Number.NaN));
  return isSame ? undefined : `${found} instead of ${wanted.map(({ atMs, value }) => `${renderValue(value)} @${atMs}`).join(' ')}`;
}

/** The order of label sets in Prometheus: label by label, names before values; of two that begin alike the shorter first. */
export function compareLabels(a: Labels, b: Labels): number {
  const pairs = [a, b].map((labels) => Object.entries(labels).sort(([x], [y]) => compareText(x, y)));
  const [first = [], second = []] = pairs;
  for (const [index, [name, value]] of first.entries()) {
    const other = second[index];
    if (other === undefined) return 1;
    const order = compareText(name, other[0]) || compareText(value, other[1]);
    if (order !== 0) return order;
  }
  return first.length - second.length;
}

/** By bytes of UTF-8, which is by code points; JavaScript's own order is by UTF-16 units. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** What is wrong with the annotations of a result; undefined when nothing is. */
export function compareAnnotations({ warn, info }: EvalCommand, { warnings, infos }: Pick<QueryResult, 'warnings' | 'infos'>): string | undefined {
  return compareAnnotationsOf('warning', warn, warnings) ?? compareAnnotationsOf('info', info, infos);
}

function compareAnnotationsOf(what: string, { expected, isRequired, isForbidden }: AnnotationCheck, found: readonly string[]): string | undefined {
  if (isForbidden) return found.length === 0 ? undefined : `unexpected ${what}: ${found.join(' · ')}`;
  if ((isRequired || expected.length > 0) && found.length === 0) return `no ${what}`;
  const unmet = expected.find((check) => !found.some((message) => meets(check, message)));
  if (unmet !== undefined) return `no ${what} such as ${renderCheck(unmet)}, but ${found.join(' · ')}`;
  const stray = expected.length === 0 ? undefined : found.find((message) => !expected.some((check) => meets(check, message)));
  return stray === undefined ? undefined : `unexpected ${what}: ${stray}`;
}

/** Whether a message is one that a script expects. */
export function meets(check: MessageCheck, message: string): boolean {
  if (check === undefined) return true;
  return check.kind === 'message' ? check.text === message : check.pattern.test(message);
}

export function renderCheck(check: MessageCheck): string {
  if (check === undefined) return 'any';
  return check.kind === 'message' ? quote(check.text) : `/${check.pattern.source}/`;
}
