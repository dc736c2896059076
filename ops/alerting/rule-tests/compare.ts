/** Compares what rules gave with what tests expect, and writes differences as promtool does. */
import type { AlertInstance } from '../alert.ts';
import type { Labels } from '../../metricstore/series.ts';
import { formatDurationMs } from '../../metricstore/promql/literals.ts';
import { formatFloat } from '../template/go-float.ts';
import { quote } from '../template/printf.ts';
import { compareBytes } from '../template/value.ts';
import type { AlertTest, ExprTest } from './test-file.ts';

type Labelled = { readonly labels: Labels; readonly annotations: Labels };

export const goQuoted = (text: string): string => quote(text);
export const formatSpan = (durationMs: number): string => formatDurationMs(durationMs);

/** No failure, or one with what was expected and what fired. */
export function alertMismatch(testName: string, test: AlertTest, firing: readonly AlertInstance[]): string[] {
  const expected = sortAlerts(test.expected);
  const got = sortAlerts(firing);
  if (renderAlerts(expected) === renderAlerts(got)) return [];
  const name = testName === '' ? '' : `    name: ${testName},\n`;
  return [`${name}    alertname: ${test.alertname}, time: ${formatSpan(test.evalTimeMs)}, \n        exp:${indent(renderAlerts(expected), 12)}, \n        got:${indent(renderAlerts(got), 12)}`];
}

function sortAlerts(alerts: readonly Labelled[]): Labelled[] {
  return alerts.toSorted((a, b) => compareLabels(a.labels, b.labels) || compareLabels(a.annotations, b.annotations));
}

function renderAlerts(alerts: readonly Labelled[]): string {
  if (alerts.length === 0) return '[]';
  const each = alerts.map(({ labels, annotations }, at) => `${at}:${indent(`\nLabels:${renderLabels(labels)}\nAnnotations:${renderLabels(annotations)}`, 2)}`);
  return `[\n${each.join(',\n')}\n]`;
}

const indent = (text: string, width: number): string => text.replaceAll('\n', `\n${' '.repeat(width)}`);

/** `{a="1", b="2"}`. */
export function renderLabels(labels: Labels): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => compareBytes(a, b));
  return `{${pairs.map(([name, value]) => `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name)}=${quote(value)}`).join(', ')}}`;
}

/** Prometheus' order: by names and values one after the other, then the shorter first. */
export function compareLabels(a: Labels, b: Labels): number {
  const [left, right] = [a, b].map((labels) => Object.entries(labels).sort(([one], [other]) => compareBytes(one, other))) as [[string, string][], [string, string][]];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const [name = '', value = ''] = left[at] ?? [];
    const [otherName = '', otherValue = ''] = right[at] ?? [];
    const order = compareBytes(name, otherName) || compareBytes(value, otherValue);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

interface Sample { readonly labels: Labels; readonly value: number }

/** No failure, or one with both sides. A NaN equals nothing, as in promtool. */
export function sampleMismatch(test: ExprTest, expected: readonly Sample[], got: readonly Sample[], isFuzzy: boolean): string[] {
  const [wanted, found] = [expected, got].map((samples) => samples.toSorted((a, b) => compareLabels(a.labels, b.labels))) as [Sample[], Sample[]];
  const isEqual = wanted.length === found.length && wanted.every(({ labels, value }, at) => {
    const other = found[at];
    return other !== undefined && compareLabels(labels, other.labels) === 0 && equals(value, other.value, isFuzzy);
  });
  if (isEqual) return [];
  return [`    expr: ${goQuoted(test.expr)}, time: ${formatSpan(test.evalTimeMs)},\n        exp: ${renderSamples(wanted)}\n        got: ${renderSamples(found)}`];
}

const renderSamples = (samples: readonly Sample[]): string =>
  (samples.length === 0 ? 'nil' : samples.map(({ labels, value }) => `${renderLabels(labels)} ${formatFloat(value, 'E', -1)}`).join(', '));

function equals(one: number, other: number, isFuzzy: boolean): boolean {
  if (one === other) return true;
  return isFuzzy && Number.isFinite(one) && Number.isFinite(other) && (neighbour(one, 1n) === other || neighbour(one, -1n) === other);
}

const view = new DataView(new ArrayBuffer(8));

/** The next double away from zero, or towards it. */
function neighbour(value: number, step: bigint): number {
  if (value === 0) return step > 0n ? Number.MIN_VALUE : -Number.MIN_VALUE;
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + step);
  return view.getFloat64(0);
}
