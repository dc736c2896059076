import { distance } from 'fastest-levenshtein';
import { assertNever, invalidConfig } from '../../ops/core/error.ts';
import type { SoraError } from '../../ops/core/error.ts';
import { aggregations, metricSpecs } from './metrics.ts';
import type { Metric, MetricLookup } from './metrics.ts';
import type { ThresholdRule } from '../swarm/scenario.ts';
import { parseDelayMs } from './thresholds/delay.ts';
import { splitAbort } from './thresholds/flag.ts';

export type Operator = '<' | '<=' | '>' | '>=' | '==' | '===' | '!=';

/** A threshold, parsed: `response_time{op:feed}: p(95)<500`. */
export interface Threshold {
  /** As written, without surrounding space. */
  readonly expression: string;
  readonly metric: string;
  readonly tags: Readonly<Record<string, string>>;
  /** `avg`, `min`, `max`, `med`, `count`, `rate`, `value` or `p`. */
  readonly aggregation: string;
  /** Of `p(…)`, 0 to 100. */
  readonly percentile?: number;
  readonly operator: Operator;
  readonly limit: number;
  /** Ends the run when the hold so far misses it, once the hold has lasted this long. */
  readonly abort?: { readonly delayMs: number };
}

/** How a threshold ended. `ok` is null when there was nothing to measure: it proves nothing. */
export interface ThresholdResult {
  readonly expression: string;
  readonly metric: string;
  /** In the metric's own unit: ms for times, a ratio for rates. */
  readonly measured: number | null;
  readonly operator: Operator;
  readonly limit: number;
  readonly ok: boolean | null;
}

const example = "'response_time{op:feed}: p(95)<500' or 'http_req_failed: rate<0.001'";
/** What of a flag is a metric with its tags, where no colon tells. */
const flagMetricPattern = /^\s*[A-Za-z_][A-Za-z0-9_]*(?:\s*\{[^{}]*\})?/;
const metricPattern = /^([A-Za-z_][A-Za-z0-9_]*)\s*(?:\{([^{}]*)\})?$/;
/** Other names that a journey may give `user.tag`. */
const ownTagPattern = /^[\w.-]{1,64}$/;
/** A tag's name and value; a comma within quotes belongs to the value. */
const pairPattern = /(?!\s*(?:,|$))(?:"[^"]*"|'[^']*'|[^,])+/g;
const aggregationPattern = /\s*(avg|min|max|med|count|rate|value|p\(\s*(\d+(?:\.\d+)?)\s*\))\s*/y;
const operatorPattern = /\s*(===|==|!=|<=|>=|<|>)\s*/y;
const numberPattern = /\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*$/y;

/**
 * Parses one expression of one metric.
 * @param metricText name with tags, such as `response_time{op:feed}`
 * @param text k6's expression, such as `p(95)<500`
 * @throws SoraError `invalid_config` that names the expression, the position and an example
 */
export function parseThreshold(metricText: string, text: string): Threshold {
  const { metric, tags } = parseMetric(metricText.trim());
  const fail = (position: number, expected: string): SoraError =>
    invalidConfig(
      `threshold "${metricText.trim()}: ${text}" is malformed at position ${position + 1} of "${text}": expected ${expected}`,
      `write it like ${example}`,
    );
  const aggregated = matchAt(aggregationPattern, text, 0);
  if (aggregated === null) throw fail(firstText(text, 0), 'avg, min, max, med, p(95), count, rate or value');
  const afterAggregation = aggregated[0].length;
  const compared = matchAt(operatorPattern, text, afterAggregation);
  if (compared === null) throw fail(afterAggregation, 'one of < <= > >= == === !=');
  const afterOperator = afterAggregation + compared[0].length;
  const limited = matchAt(numberPattern, text, afterOperator);
  if (limited === null) throw fail(afterOperator, 'a number and nothing after it');
  const percentile = aggregated[2] === undefined ? undefined : Number(aggregated[2]);
  if (percentile !== undefined && percentile > 100) throw fail(0, 'a percentile from 0 to 100');
  const aggregation = percentile === undefined ? String(aggregated[1]) : 'p';
  requireAggregation(metric, aggregation, `${metricText.trim()}: ${text}`);
  return {
    expression: `${metricText.trim()}: ${text.trim()}`,
    metric,
    tags,
    aggregation,
    ...(percentile === undefined ? {} : { percentile }),
    operator: compared[1] as Operator,
    limit: Number(limited[1]),
  };
}

/**
 * Parses `metric{tags}: expression` as a flag gives it. With ` abort` behind it a miss ends the run, with
 * ` abort after 30s` once the hold has lasted that long.
 * @throws SoraError `invalid_config` as `parseThreshold`, and on a delay that is no duration
 */
export function parseThresholdFlag(flag: string): Threshold {
  const { text, abort } = splitAbort(flag);
  const threshold = parsePlainFlag(text);
  if (abort === undefined) return threshold;
  return { ...threshold, abort: { delayMs: abort.delay === undefined ? 0 : parseDelayMs(abort.delay, threshold.expression) } };
}

function parsePlainFlag(text: string): Threshold {
  const colon = text.lastIndexOf(':');
  // A colon inside the braces belongs to a tag.
  if (colon <= text.lastIndexOf('}') || colon === -1) {
    const metric = flagMetricPattern.exec(text)?.[0] ?? '';
    throw invalidConfig(
      `threshold "${text}" is malformed at position ${metric.length + 1}: expected ${metric === '' ? 'a metric, a colon and an expression' : `a colon and an expression after ${metric.trim()}`}`,
      `write it like ${example}`,
    );
  }
  return parseThreshold(text.slice(0, colon), text.slice(colon + 1).trim());
}

/** Parses a scenario's thresholds; collects every error. */
export function parseThresholds(
  thresholds: Readonly<Record<string, readonly ThresholdRule[]>>,
  onError: (error: SoraError) => void,
): Threshold[] {
  const parsed: Threshold[] = [];
  for (const [metric, rules] of Object.entries(thresholds)) {
    for (const rule of rules) {
      try {
        parsed.push(parseRule(metric, rule));
      } catch (error) {
        onError(error as SoraError);
      }
    }
  }
  return parsed;
}

/** @throws SoraError `invalid_config` as `parseThreshold`, and on a delay that is no duration */
function parseRule(metric: string, rule: ThresholdRule): Threshold {
  if (typeof rule === 'string') return parseThreshold(metric, rule);
  const threshold = parseThreshold(metric, rule.threshold);
  const delayMs = rule.delayAbortEval === undefined ? 0 : parseDelayMs(rule.delayAbortEval, threshold.expression);
  return rule.abortOnFail === true ? { ...threshold, abort: { delayMs } } : threshold;
}

/** Compares the threshold with what was measured. */
export function evaluateThreshold(threshold: Threshold, lookup: MetricLookup): ThresholdResult {
  const metric = lookup(threshold.metric, threshold.tags);
  const measured = metric === undefined ? null : aggregate(metric, threshold);
  return {
    expression: threshold.expression,
    metric: threshold.metric,
    measured,
    operator: threshold.operator,
    limit: threshold.limit,
    ok: measured === null ? null : compare(measured, threshold.operator, threshold.limit),
  };
}

function parseMetric(text: string): { metric: string; tags: Record<string, string> } {
  const match = metricPattern.exec(text);
  if (match === null) {
    throw invalidConfig(`threshold metric "${text}" is malformed`, `write it like ${example}`);
  }
  const metric = String(match[1]);
  const spec = metricSpecs[metric];
  if (spec === undefined || !Object.hasOwn(metricSpecs, metric)) {
    const nearest = Object.keys(metricSpecs).toSorted((a, b) => distance(a, metric) - distance(b, metric))[0];
    throw invalidConfig(
      `threshold metric "${metric}" is not measured here`,
      `did you mean ${nearest}? Known: ${Object.keys(metricSpecs).join(', ')}`,
    );
  }
  const tags: Record<string, string> = {};
  for (const pair of (match[2] ?? '').match(pairPattern) ?? []) {
    const [name, ...rest] = pair.split(':');
    const written = unquote(String(name));
    const given = unquote(rest.join(':'));
    // What k6 calls a group, and names `::login`, is an operation here.
    const isGroup = written === 'group' && Object.hasOwn(spec.tags, 'op');
    const [key, value] = isGroup ? ['op', given.replace(/^::/, '')] : [written, given];
    if (value === '' || !(Object.hasOwn(spec.tags, key) || (spec.byOwnTags === true && ownTagPattern.test(key)))) {
      const known = Object.keys(spec.tags);
      const own = spec.byOwnTags === true ? ' and what journeys tag, such as plan' : '';
      const names = known.length === 0 ? 'it has no tags' : `its tags are ${known.join(', ')}${own}`;
      const quotes = pair.includes(':') ? '' : '; a value with a comma in it needs quotes, such as {role:"admin, chief"}';
      throw invalidConfig(`threshold metric "${text}": "${pair.trim()}" is not a tag of ${metric}`, `${names}${quotes}; write it like ${example}`);
    }
    const values = spec.tags[key];
    if (values !== undefined && !values.includes(value)) {
      throw invalidConfig(`threshold metric "${text}": there is no ${key} "${value}"`, `use ${values.join(', ')}`);
    }
    if (Object.hasOwn(tags, key)) throw invalidConfig(`threshold metric "${text}": ${key} is given twice${key === 'op' ? ', and group is another name of it' : ''}`, 'give it once');
    tags[key] = value;
  }
  return { metric, tags };
}

/** k6 allows blanks and quotes around both parts of a tag. */
function unquote(text: string): string {
  return text.trim().replaceAll(/^["']+|["']+$/g, '');
}

function requireAggregation(metric: string, aggregation: string, expression: string): void {
  const kind = metricSpecs[metric]?.kind ?? 'trend';
  const allowed = aggregations[kind];
  if (allowed.includes(aggregation)) return;
  throw invalidConfig(
    `threshold "${expression}": ${metric} is a ${kind} and has no ${aggregation}`,
    `use ${allowed.map((name) => (name === 'p' ? 'p(95)' : name)).join(', ')}; for example ${example}`,
  );
}

function aggregate(metric: Metric, threshold: Threshold): number | null {
  switch (metric.kind) {
    case 'trend':
      if (threshold.aggregation === 'count') return metric.count;
      if (metric.count === 0) return null;
      if (threshold.aggregation === 'p') return metric.quantile((threshold.percentile ?? 0) / 100);
      if (threshold.aggregation === 'med') return metric.quantile(0.5);
      return metric[threshold.aggregation as 'avg' | 'min' | 'max'];
    case 'rate':
      return metric.count === 0 ? null : metric.rate;
    case 'counter':
      return threshold.aggregation === 'rate' ? metric.rate : metric.count;
    case 'gauge':
      return metric.value;
    default:
      return assertNever(metric);
  }
}

/** Whether a figure meets a limit. */
export function compare(measured: number, operator: Operator, limit: number): boolean {
  switch (operator) {
    case '<':
      return measured < limit;
    case '<=':
      return measured <= limit;
    case '>':
      return measured > limit;
    case '>=':
      return measured >= limit;
    case '==':
    case '===':
      return measured === limit;
    case '!=':
      return measured !== limit;
    default:
      return assertNever(operator);
  }
}

function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position;
  return pattern.exec(text);
}

function firstText(text: string, from: number): number {
  const found = text.slice(from).search(/\S/);
  return found === -1 ? text.length : from + found;
}
