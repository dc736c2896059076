/**
 * The notation in which Prometheus' tests write series: `http_requests{job="api"} 1+2x3 _ stale`. It is the same in
 * promtool's tests of rules and in promqltest's scripts (docs/configuration/unit_testing_rules.md, "series").
 */
import { SoraError } from '../../core/error.ts';
import { unquote } from '../promql/literals.ts';
import type { Labels } from '../series.ts';

/** One place of a sequence: a sample, none, a staleness marker, or a native histogram, which SORA does not read. */
export type SequenceValue =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'gap' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'native'; readonly text: string };

/** A series and its values, one for each interval from the start. */
export interface SeriesNotation {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
}

/** A sequence may expand to no more than this; above, the notation is refused. */
export const sequenceValuesMax = 1_000_000;

const gap: SequenceValue = { kind: 'gap' };
const stale: SequenceValue = { kind: 'stale' };

const number = String.raw`(?:(?:\d(?:_?\d)*)?\.?\d(?:_?\d)*\.?(?:[eE][+-]?\d+)?|[iI][nN][fF]|[nN][aA][nN])`;
const gapItem = /^_(?:x(\d+))?$/;
const staleItem = /^stale(?:x(\d+))?$/;
const floatItem = new RegExp(String.raw`^([+-]?${number})(?:([+-]${number})?x(\d+))?$`);
const nativeItem = /^(\{\{[^]*?\}\})(?:([+-])(\{\{[^]*?\}\}))?(?:x(\d+))?$/;

/**
 * Reads one series with its values. `1+2x3` is 1 3 5 7 and `4x2` is 4 4 4 (one more than the number says), `_x3` is
 * three gaps; a step is added again and again, as Prometheus does it, so that rounding is the same.
 * @throws SoraError `bad_data` that names the item
 */
export function parseSeriesNotation(text: string): SeriesNotation {
  const { labels, end } = scanMetric(text);
  return { labels, values: parseSequence(text.slice(end)) };
}

/**
 * Reads a metric alone, such as `up{job="api"}`, `{job="api"}` or `{"name.with.dots", job="api"}`.
 * @throws SoraError `bad_data`
 */
export function parseMetricNotation(text: string): Labels {
  const { labels, end } = scanMetric(text);
  if (text.slice(end).trim() !== '') throw malformed(`"${text.slice(end).trim()}" after the metric`, text);
  return labels;
}

/**
 * Reads values alone, such as `0+10x5 stale`.
 * @throws SoraError `bad_data` that names the item
 */
export function parseSequence(text: string): SequenceValue[] {
  const values: SequenceValue[] = [];
  for (const item of itemsOf(text)) {
    const expanded = parseItem(item, sequenceValuesMax - values.length);
    for (const value of expanded) values.push(value);
  }
  return values;
}

/** Items stand between spaces, but a histogram has spaces of its own. */
function itemsOf(text: string): string[] {
  return text.match(/(?:\{\{[^]*?\}\}|[^\s{]|\{(?!\{))+/g) ?? [];
}

function parseItem(item: string, left: number): SequenceValue[] {
  const floats = floatItem.exec(item);
  if (floats !== null) {
    const [, first = '', step, times] = floats;
    return expandFloats(parseNumber(first), step === undefined ? 0 : parseNumber(step), countOf(times, 1, left, item));
  }
  const gaps = gapItem.exec(item);
  if (gaps !== null) return repeat(gap, gaps[1] === undefined ? 1 : countOf(gaps[1], 0, left, item));
  const markers = staleItem.exec(item);
  if (markers !== null) return repeat(stale, countOf(markers[1], 1, left, item));
  const native = nativeItem.exec(item);
  if (native !== null) return repeat({ kind: 'native', text: native[1] ?? item }, countOf(native[4], 1, left, item));
  throw malformed(`"${item}" is no value`, 'write a number, 1+2x3, _, _x3, stale or {{…}}');
}

function countOf(times: string | undefined, more: number, left: number, item: string): number {
  const count = Number(times ?? 0) + more;
  if (count > left) throw malformed(`"${item}" makes a sequence of more than ${sequenceValuesMax} values`, 'write a shorter one');
  return count;
}

function expandFloats(first: number, step: number, count: number): SequenceValue[] {
  const values: SequenceValue[] = [];
  for (let value = first; values.length < count; value += step) values.push({ kind: 'float', value });
  return values;
}

const repeat = (value: SequenceValue, count: number): SequenceValue[] => Array.from({ length: count }, () => value);

function parseNumber(text: string): number {
  const plain = text.replaceAll('_', '').toLowerCase();
  if (plain.endsWith('inf')) return plain.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return plain.endsWith('nan') ? Number.NaN : Number(plain);
}

const metricName = /\s*([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*/y;
const labelName = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*/y;

function scanMetric(text: string): { labels: Labels; end: number } {
  const labels: Record<string, string> = {};
  metricName.lastIndex = 0;
  const name = metricName.exec(text)?.[1];
  if (name !== undefined) labels['__name__'] = name;
  const nameEnd = metricName.lastIndex;
  if (text[nameEnd] === '{' && text[nameEnd + 1] !== '{') return { labels, end: scanLabels(text, nameEnd + 1, labels) };
  if (name === undefined) throw malformed('no metric', text);
  return { labels, end: nameEnd };
}

/** Reads pairs up to the closing brace into `labels`; returns the place after it. */
function scanLabels(text: string, from: number, labels: Record<string, string>): number {
  let at = skipSpace(text, from);
  while (text[at] !== '}') {
    const { name, end } = scanLabelName(text, at);
    at = skipSpace(text, end);
    if (text[at] === '=') {
      const start = skipSpace(text, at + 1);
      const literal = scanQuoted(text, start);
      if (literal === undefined) throw malformed(`label ${name} has no quoted value`, text);
      // An empty label is a missing one.
      if (literal.length > 2) labels[name] = unquote(literal);
      at = skipSpace(text, start + literal.length);
    } else if (text[end - 1] === '"' || text[end - 1] === "'" || text[end - 1] === '`') labels['__name__'] = name;
    else throw malformed(`no = after label ${name}`, text);
    if (text[at] === ',') at = skipSpace(text, at + 1);
    else if (text[at] !== '}') throw malformed('no , or } after a label', text);
  }
  return at + 1;
}

function scanLabelName(text: string, at: number): { name: string; end: number } {
  const literal = scanQuoted(text, at);
  if (literal !== undefined) return { name: unquote(literal), end: at + literal.length };
  labelName.lastIndex = at;
  const name = labelName.exec(text)?.[1];
  if (name === undefined) throw malformed(at >= text.length ? 'no closing }' : `no label at "${text.slice(at, at + 20)}"`, text);
  return { name, end: at + name.length };
}

/** The quoted string that begins at `from`, quotes included; undefined when none does, or it does not end. */
function scanQuoted(text: string, from: number): string | undefined {
  const quoted = /"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'|`[^`]*`/y;
  quoted.lastIndex = from;
  return quoted.exec(text)?.[0];
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text[at] ?? '')) at += 1;
  return at;
}

function malformed(what: string, where: string): SoraError {
  return new SoraError('bad_data', `series notation: ${what}`, { hint: where, status: 400 });
}
