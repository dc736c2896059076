/** Answers to a query in one shape, whether Prometheus' HTTP API gave them or SORA's engine, to be compared. */
import { assertNever, messageOf, SoraError } from '../../core/error.ts';
import type { QueryResult } from '../promql/query.ts';
import { keyOf } from '../promqltest/compare.ts';
import type { Labels } from '../series.ts';
import type { ApiAnswer } from './prometheus.ts';

interface Point {
  readonly atMs: number;
  readonly value: number;
}

export type Answer =
  | { readonly kind: 'error'; readonly type: string; readonly message: string }
  | {
    readonly kind: 'value';
    readonly type: string;
    /** By key of the label set, in the order of the answer. */
    readonly series: readonly (readonly [key: string, points: readonly Point[]])[];
    readonly text?: string;
    readonly warnings: readonly string[];
    readonly infos: readonly string[];
  };

type ApiPoint = readonly [seconds: number, value: string];
interface ApiSeries {
  readonly metric: Labels;
  readonly value?: ApiPoint;
  readonly values?: readonly ApiPoint[];
}

/** What the API of a Prometheus answered to `query` or `query_range`. */
export function fromApi({ status, data, errorType = '', error = '', warnings = [], infos = [] }: ApiAnswer): Answer {
  if (status !== 'success') return { kind: 'error', type: errorType, message: error };
  const { resultType, result } = data as { resultType: string; result: unknown };
  const common = { kind: 'value', type: resultType, warnings, infos } as const;
  if (resultType === 'string') return { ...common, series: [], text: (result as ApiPoint)[1] };
  if (resultType === 'scalar') return { ...common, series: [['', [readPoint(result as ApiPoint)]]] };
  const series = (result as readonly ApiSeries[]).map(({ metric, value, values = [] }) => [keyOf(metric), (value === undefined ? values : [value]).map(readPoint)] as const);
  return { ...common, series };
}

const readPoint = ([seconds, value]: ApiPoint): Point => ({ atMs: Math.round(seconds * 1_000), value: Number(value.replace('Inf', 'Infinity')) });

/** What SORA's engine gives. */
export async function fromEngine(ask: () => Promise<QueryResult>): Promise<Answer> {
  try {
    const { value, warnings, infos } = await ask();
    const common = { kind: 'value', type: value.type, warnings, infos } as const;
    switch (value.type) {
      case 'string': return { ...common, series: [], text: value.value };
      case 'scalar': return { ...common, series: [['', [{ atMs: value.atMs, value: value.value }]]] };
      case 'vector': return { ...common, series: value.samples.map(({ labels, atMs, value: found }) => [keyOf(labels), [{ atMs, value: found }]] as const) };
      case 'matrix': return { ...common, series: value.series.map(({ labels, timestampsMs, values }) => [keyOf(labels), Array.from(values, (found, index) => ({ atMs: timestampsMs[index] ?? 0, value: found }))] as const) };
      default: return assertNever(value);
    }
  } catch (error) {
    return { kind: 'error', type: error instanceof SoraError ? error.code : 'crash', message: messageOf(error) };
  }
}

/** Go's mathematics library and V8's differ in the last bits of some functions; more than this is a difference. */
const relativeMax = 1e-9;
/** The difference of two values that are equal but for these bits is not 0. */
const absoluteMax = 1e-12;

function isSameValue(a: number, b: number): boolean {
  if (Object.is(a, b) || a === b) return true;
  if (!Number.isFinite(a) || !Number.isFinite(b)) return false;
  return Math.abs(a - b) <= Math.max(absoluteMax, relativeMax * Math.max(Math.abs(a), Math.abs(b)));
}

/**
 * What differs between the reference's answer and SORA's; undefined when nothing does. Of errors only the kind counts:
 * Prometheus names whichever series its maps gave first.
 * @param isOrdered whether the order of the values counts (series of equal value may change places)
 * @param hasNestedSubquery leaves out what is said of a query, and an error of the reference alone: it evaluates a
 *   subquery within a subquery at one step more than any window holds, where the outer one does not end at a step
 */
export function differenceOf(reference: Answer, found: Answer, { isOrdered, hasNestedSubquery }: { readonly isOrdered: boolean; readonly hasNestedSubquery: boolean }): string | undefined {
  // A crash of the reference says nothing of what is right.
  if (reference.kind === 'error' && reference.message.startsWith('unexpected error: ')) return undefined;
  if (reference.kind === 'error' && found.kind === 'value' && reference.type === 'execution' && hasNestedSubquery) return undefined;
  if (reference.kind === 'error' || found.kind === 'error') {
    if (reference.kind === found.kind && 'type' in found && reference.type === found.type) return undefined;
    return `reference ${render(reference)}\nSORA      ${render(found)}`;
  }
  if (reference.type !== found.type || reference.text !== found.text) return `reference ${render(reference)}\nSORA      ${render(found)}`;
  const values = compareSeries(reference.series, found.series);
  if (values !== undefined) return values;
  const order = isOrdered ? reference.series.findIndex(([, points], index) => !isSameValue(points[0]?.value ?? 0, found.series[index]?.[1][0]?.value ?? 0)) : -1;
  if (order >= 0) return `order differs at place ${order}: ${render(reference)}\nSORA      ${render(found)}`;
  if (hasNestedSubquery) return undefined;
  return compareTexts('warnings', reference.warnings, found.warnings) ?? compareTexts('infos', reference.infos, found.infos);
}

type AnswerSeries = Extract<Answer, { kind: 'value' }>['series'];

function compareSeries(reference: AnswerSeries, found: AnswerSeries): string | undefined {
  const ours = new Map(found);
  if (ours.size !== found.length) return `SORA has a label set twice: ${found.map(([key]) => key).join(' ')}`;
  for (const [key, points] of reference) {
    const other = ours.get(key);
    if (other === undefined) return `SORA has no ${key} (${renderPoints(points)})`;
    ours.delete(key);
    const isSame = points.length === other.length && points.every(({ atMs, value }, index) => atMs === other[index]?.atMs && isSameValue(value, other[index].value));
    if (!isSame) return `${key}\nreference ${renderPoints(points)}\nSORA      ${renderPoints(other)}`;
  }
  const [extra] = ours;
  return extra === undefined ? undefined : `only SORA has ${extra[0]} (${renderPoints(extra[1])})`;
}

function compareTexts(what: string, reference: readonly string[], found: readonly string[]): string | undefined {
  // The API shows at most ten and says how many more there are.
  if (reference.length > 9 || found.length > 9) return undefined;
  const [theirs, ours] = [[...reference].sort(), [...found].sort()];
  return JSON.stringify(theirs) === JSON.stringify(ours) ? undefined : `${what}\nreference ${theirs.join(' · ')}\nSORA      ${ours.join(' · ')}`;
}

const renderPoints = (points: readonly Point[]): string => points.slice(0, 30).map(({ atMs, value }) => `${value}@${atMs}`).join(' ');

function render(answer: Answer): string {
  if (answer.kind === 'error') return `error ${answer.type}: ${answer.message}`;
  return `${answer.type} ${answer.text ?? answer.series.slice(0, 10).map(([key, points]) => `${key} ${renderPoints(points)}`).join(' · ')}`;
}
