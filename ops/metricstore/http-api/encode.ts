/** Writes results as Prometheus' HTTP API does: values as text, times in seconds, labels by name. */
import { assertNever } from '../../core/error.ts';
import type { QueryValue, ResultSeries } from '../promql/query.ts';
import type { Labels } from '../series.ts';

/** A number as Go writes its shortest form; very large and very small ones with an exponent. */
export function encodeValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const text = String(value);
  // Both change to exponents at 1e-6 and 1e21; Go's have two digits.
  return text.includes('e') ? text.replace(/e([+-])(\d)$/, 'e$10$2') : text;
}

function encodePlain(value: number): string {
  const text = encodeValue(value);
  const [, sign = '', whole = '', fraction = '', exponent] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? [];
  if (exponent === undefined) return text;
  const digits = whole + fraction;
  const shift = Number(exponent);
  return shift < 0 ? `${sign}0.${'0'.repeat(-shift - 1)}${digits}` : `${sign}${digits.padEnd(shift + 1, '0')}`;
}

function encodePoint(atMs: number, value: number): string {
  return `[${atMs / 1_000},"${encodeValue(value)}"]`;
}

export function encodeLabels(labels: Labels): string {
  const pairs = Object.keys(labels).sort().map((name) => `${JSON.stringify(name)}:${JSON.stringify(labels[name] ?? '')}`);
  return `{${pairs.join(',')}}`;
}

function encodeSeries({ labels, timestampsMs, values }: ResultSeries): string {
  const points: string[] = [];
  for (let index = 0; index < values.length; index++) points.push(encodePoint(timestampsMs[index] ?? 0, values[index] ?? 0));
  return `{"metric":${encodeLabels(labels)},"values":[${points.join(',')}]}`;
}

/** The member `data` of a query's answer, as JSON. */
export function encodeResult(value: QueryValue): string {
  const data = (result: string): string => `{"resultType":"${value.type}","result":${result}}`;
  switch (value.type) {
    // Alone of all, scalars have no exponent.
    case 'scalar': return data(`[${value.atMs / 1_000},"${encodePlain(value.value)}"]`);
    case 'string': return data(`[${value.atMs / 1_000},${JSON.stringify(value.value)}]`);
    case 'vector': return data(`[${value.samples.map((sample) => `{"metric":${encodeLabels(sample.labels)},"value":${encodePoint(sample.atMs, sample.value)}}`).join(',')}]`);
    case 'matrix': return data(`[${value.series.map(encodeSeries).join(',')}]`);
    default: return assertNever(value);
  }
}

/** The first of many. */
export function truncate(value: QueryValue, limit: number): { value: QueryValue; isTruncated: boolean } {
  if (limit > 0 && value.type === 'vector' && value.samples.length > limit) return { value: { ...value, samples: value.samples.slice(0, limit) }, isTruncated: true };
  if (limit > 0 && value.type === 'matrix' && value.series.length > limit) return { value: { ...value, series: value.series.slice(0, limit) }, isTruncated: true };
  return { value, isTruncated: false };
}
