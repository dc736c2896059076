import type { MetricType } from '../series.ts';
import { badExposition } from './format.ts';
import type { ExpositionFormat } from './format.ts';
import { endOfQuoted, isBlank, quote, skipBlanks, textOf, unescape } from './series-text.ts';

export interface FoundMetadata {
  type: MetricType;
  help: string;
  unit: string;
}

/** Characters of a help text that are kept. */
const helpLengthMax = 1_000;

const textTypes: Readonly<Record<string, MetricType>> = { counter: 'counter', gauge: 'gauge', histogram: 'histogram', summary: 'summary', untyped: 'unknown', unknown: 'unknown' };
const openMetricsTypes: Readonly<Record<string, MetricType>> = {
  counter: 'counter', gauge: 'gauge', histogram: 'histogram', gaugehistogram: 'gaugehistogram', summary: 'summary', info: 'info', stateset: 'stateset', unknown: 'unknown',
};

/**
 * Reads a line that begins with `#`: `HELP`, `TYPE` or `UNIT` (OpenMetrics) of a metric; other comments say nothing, and in OpenMetrics
 * there are none.
 * @throws SoraError `bad_exposition`
 */
export function readMetadata(bytes: Buffer, from: number, to: number, format: ExpositionFormat, line: number, found: Map<string, FoundMetadata>): void {
  const keywordAt = skipBlanks(bytes, from + 1);
  let at = keywordAt;
  while (at < to && !isBlank(bytes[at])) at++;
  const keyword = bytes.toString('latin1', keywordAt, at);
  const isKnown = keywordAt > from + 1 && (keyword === 'HELP' || keyword === 'TYPE' || (keyword === 'UNIT' && format === 'openmetrics'));
  if (!isKnown) {
    if (format === 'openmetrics') throw badExposition(line, 'OpenMetrics knows no comments but HELP, TYPE, UNIT and EOF');
    return;
  }
  at = skipBlanks(bytes, at);
  let name: string;
  if (bytes[at] === quote) {
    const end = endOfQuoted(bytes, at, to, line);
    name = unescape(textOf(bytes, at + 1, end, line));
    at = end + 1;
  } else {
    const start = at;
    while (at < to && !isBlank(bytes[at])) at++;
    name = textOf(bytes, start, at, line);
  }
  if (name === '') throw badExposition(line, `${keyword} names no metric`);
  const text = at < to ? textOf(bytes, skipBlanks(bytes, at), to, line) : '';
  let metadata = found.get(name);
  if (metadata === undefined) found.set(name, (metadata = { type: 'unknown', help: '', unit: '' }));
  if (keyword === 'HELP') metadata.help = unescape(text).slice(0, helpLengthMax);
  else if (keyword === 'UNIT') metadata.unit = text.slice(0, helpLengthMax);
  else metadata.type = typeOf(text, format, line);
}

function typeOf(text: string, format: ExpositionFormat, line: number): MetricType {
  const types = format === 'text' ? textTypes : openMetricsTypes;
  const type = Object.hasOwn(types, text.trim()) ? types[text.trim()] : undefined;
  if (type === undefined) throw badExposition(line, `${JSON.stringify(text)} is no metric type; they are ${Object.keys(types).join(', ')}`);
  return type;
}
