import * as fc from 'fast-check';
import { seriesSpan } from './random-series.ts';

/** A random query: an expression over the random series, and when it is evaluated. */
export interface RandomQuery {
  readonly expr: string;
  readonly startMs: number;
  /** Steps after the first; with 0 it is an instant query. */
  readonly steps: number;
  readonly stepMs: number;
}

const { startMs, endMs } = seriesSpan;
const pick = fc.constantFrom;
const ranges = pick('15s', '30s', '1m', '1m30s', '5m', '13m7s', '1h');
const matcher = pick('job="a"', 'job!="a"', 'instance=~"1|2"', 'instance!~"[23]"', 'code=~"5.*"', 'code="200"', 'code!=""', 'version=""', 'job=~".+"', 'le="+Inf"', 'le=~"0.*"');
const metric = fc.oneof(
  { weight: 20, arbitrary: pick('temperature', 'level', 'build', 'requests_total', 'errors_total', 'limit', 'lone', 'latency_bucket', 'latency_sum', 'latency_count') },
  { weight: 1, arbitrary: pick('absent_metric', '{__name__=~"l.*"}', '{job="a"}') },
);
const counters = pick('requests_total', 'errors_total', 'latency_bucket', 'latency_count');
const atTime = fc.noBias(fc.integer({ min: startMs / 1_000, max: endMs / 1_000 })).map((seconds) => ` @ ${seconds}`);
const shift = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') }, { weight: 2, arbitrary: pick(' offset 1m', ' offset 7m30s', ' offset -2m', ' offset 3ms') },
  { weight: 1, arbitrary: atTime }, { weight: 1, arbitrary: pick(' @ start()', ' @ end()', ' @ end() offset 4m') },
);

function select(names: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(names, fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.uniqueArray(matcher, { maxLength: 2 }) })).map(([name, matchers]) => (matchers.length === 0 || name.startsWith('{') ? name : `${name}{${matchers.join(',')}}`));
}

const labelList = fc.uniqueArray(pick('job', 'instance', 'code', 'le', 'version', 'none'), { maxLength: 3 }).map((labels) => `(${labels.join(', ')})`);
const quantile = pick('0.5', '0.9', '0', '1', '0.25', '-1', '2', 'NaN', 'scalar(lone)');
const numbers = pick('0', '1', '2', '-1', '0.5', '3', '100', '1e3', 'Inf', 'NaN', '-0.1', '5m');

const overTime = pick(
  'avg_over_time', 'min_over_time', 'max_over_time', 'sum_over_time', 'count_over_time', 'last_over_time', 'present_over_time',
  'absent_over_time', 'rate', 'increase', 'delta', 'irate', 'idelta', 'changes', 'resets',
  // Those that 3.x calls experimental.
  'first_over_time', 'ts_of_first_over_time', 'ts_of_last_over_time', 'ts_of_max_over_time', 'ts_of_min_over_time',
);
const mathFunction = pick('abs', 'ceil', 'floor', 'exp', 'sqrt', 'ln', 'log2', 'log10', 'sgn', 'atan', 'asin', 'acos', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'deg', 'rad', 'absent');
const dateFunction = pick('minute', 'hour', 'day_of_month', 'day_of_week', 'day_of_year', 'days_in_month', 'month', 'year');
const aggregation = pick('sum', 'avg', 'count', 'min', 'max', 'group');
const grouping = fc.oneof(fc.constant(''), fc.tuple(pick('by', 'without'), labelList).map(([how, labels]) => ` ${how} ${labels}`));
const arithmetic = pick('+', '-', '*', '/', 'atan2');
const comparison = pick('==', '!=', '<', '<=', '>', '>=');
const matching = fc.oneof(
  fc.constant(''), fc.tuple(pick('on', 'ignoring'), labelList).map(([how, labels]) => ` ${how} ${labels}`),
  fc.tuple(pick('on (job)', 'on (job, instance)', 'ignoring (code)', 'ignoring (code, instance)', 'ignoring (le)'), pick('group_left', 'group_right'), pick('', ' (version)', ' (none)', ' ()')).map((parts) => ` ${parts[0]} ${parts[1]}${parts[2]}`),
);

const grammar = fc.letrec<{ vector: string; leaf: string; scalar: string; matrix: string; rated: string }>((tie) => ({
  leaf: fc.tuple(select(metric), shift).map((parts) => parts.join('')),
  rated: fc.tuple(pick('rate', 'increase', 'irate'), select(counters), ranges, shift).map(([name, selected, range, moved]) => `${name}(${selected}[${range}]${moved})`),
  matrix: fc.oneof(
    { weight: 4, arbitrary: fc.tuple(select(metric), ranges, shift).map(([selected, range, moved]) => `${selected}[${range}]${moved}`) },
    { weight: 1, arbitrary: fc.tuple(tie('vector'), ranges, pick('', '30s', '1m', '47s'), shift).map(([expr, range, step, moved]) => `(${expr})[${range}:${step}]${moved}`) },
  ),
  scalar: fc.oneof(
    { maxDepth: 4 }, { weight: 5, arbitrary: numbers }, { weight: 1, arbitrary: pick('time()', 'pi()') },
    { weight: 1, arbitrary: tie('vector').map((expr) => `scalar(${expr})`) }, { weight: 1, arbitrary: fc.tuple(tie('scalar'), arithmetic, tie('scalar')).map(([a, operator, b]) => `(${a} ${operator} ${b})`) },
  ),
  vector: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'vector' },
    { weight: 3, arbitrary: tie('leaf') }, { weight: 3, arbitrary: tie('rated') },
    { weight: 4, arbitrary: fc.tuple(overTime, tie('matrix')).map(([name, matrix]) => `${name}(${matrix})`) },
    { weight: 1, arbitrary: fc.tuple(quantile, tie('matrix')).map(([q, matrix]) => `quantile_over_time(${q}, ${matrix})`) },
    { weight: 1, arbitrary: fc.tuple(tie('matrix'), numbers).map(([matrix, seconds]) => `predict_linear(${matrix}, ${seconds})`) },
    { weight: 2, arbitrary: fc.tuple(mathFunction, tie('vector')).map(([name, expr]) => `${name}(${expr})`) },
    // With both @ and offset, Prometheus forgets the offset here.
    { weight: 1, arbitrary: fc.tuple(select(metric), pick('', ' offset 1m', ' offset -2m', ' @ start()')).map(([selected, moved]) => `timestamp(${selected}${moved})`) },
    { weight: 1, arbitrary: tie('rated').map((expr) => `timestamp(${expr})`) },
    // Not of NaN and infinities, which Go turns into whichever whole number the processor gives.
    { weight: 1, arbitrary: fc.tuple(dateFunction, pick('limit * 1e7', 'timestamp(temperature)', 'vector(time())', 'temperature * 1e8')).map(([name, expr]) => `${name}(${expr})`) },
    { weight: 1, arbitrary: tie('scalar').map((expr) => `vector(${expr})`) },
    { weight: 1, arbitrary: fc.tuple(pick('clamp_min', 'clamp_max', 'round'), tie('vector'), tie('scalar')).map(([name, expr, limit]) => `${name}(${expr}, ${limit})`) },
    { weight: 1, arbitrary: fc.tuple(tie('vector'), numbers, numbers).map(([expr, low, high]) => `clamp(${expr}, ${low}, ${high})`) },
    { weight: 5, arbitrary: fc.tuple(aggregation, grouping, tie('vector')).map(([name, by, expr]) => `${name}${by} (${expr})`) },
    // These make much of last digits, in which Prometheus itself differs from time to time: it adds up in the order of a map.
    { weight: 1, arbitrary: fc.tuple(pick('stddev_over_time', 'stdvar_over_time', 'mad_over_time', 'deriv'), select(metric), ranges, shift).map(([name, selected, range, moved]) => `${name}(${selected}[${range}]${moved})`) },
    { weight: 1, arbitrary: fc.tuple(pick('sin', 'cos', 'tan'), fc.oneof(tie('leaf'), tie('rated'))).map(([name, expr]) => `${name}(${expr})`) },
    { weight: 1, arbitrary: fc.tuple(pick('stddev', 'stdvar'), grouping, fc.oneof(tie('leaf'), tie('rated'))).map(([name, by, expr]) => `${name}${by} (${expr})`) },
    { weight: 1, arbitrary: fc.tuple(tie('leaf'), pick('%', '^'), matching, tie('leaf')).map(([a, operator, how, b]) => `(${a} ${operator}${how} ${b})`) },
    { weight: 1, arbitrary: fc.tuple(tie('leaf'), pick('%', '^'), numbers).map(([a, operator, b]) => `(${a} ${operator} ${b})`) },
    { weight: 1, arbitrary: fc.tuple(grouping, quantile, tie('vector')).map(([by, q, expr]) => `quantile${by} (${q}, ${expr})`) },
    // Not of a computed value, whose last digits would become a label.
    { weight: 1, arbitrary: fc.tuple(grouping, tie('leaf')).map(([by, expr]) => `count_values${by} ("value", ${expr})`) },
    // Where values tie, which of them stay is not said; a temperature never does.
    { weight: 1, arbitrary: fc.tuple(pick('topk', 'bottomk'), grouping, pick('1', '2', '0', '-1', '100'), shift).map(([name, by, k, moved]) => `${name}${by} (${k}, temperature${moved})`) },
    // With a time pinned by @, Prometheus takes the parameter of the first step for all.
    { weight: 1, arbitrary: fc.tuple(pick('topk', 'bottomk'), grouping).map(([name, by]) => `${name}${by} (scalar(lone), temperature)`) },
    { weight: 2, arbitrary: fc.tuple(pick('0.5', '0.9', '0.99', '0', '1', '-1', '1.5', 'NaN', 'scalar(lone)'), grouping, tie('rated')).map(([q, by, expr]) => `histogram_quantile(${q}, sum${by === '' ? ' by (le)' : by} (${expr}))`) },
    { weight: 1, arbitrary: fc.tuple(pick('0, 1', '0.2, 0.7', '-Inf, +Inf', '1, 0.5'), tie('rated')).map(([limits, expr]) => `histogram_fraction(${limits}, ${expr})`) },
    { weight: 1, arbitrary: fc.tuple(tie('vector'), pick('"job", "$1-x", "instance", "(.*)"', '"new", "$1", "code", "(.).."', '"job", "", "", ""', '"instance", "${1}0", "job", "(a|b)"')).map(([expr, rest]) => `label_replace(${expr}, ${rest})`) },
    { weight: 1, arbitrary: fc.tuple(tie('vector'), pick('"job", "-", "job", "instance"', '"new", ""', '"new", "/", "none", "code"')).map(([expr, rest]) => `label_join(${expr}, ${rest})`) },
    { weight: 1, arbitrary: tie('vector').map((expr) => `-${expr}`) },
    { weight: 4, arbitrary: fc.tuple(tie('vector'), arithmetic, matching, tie('vector')).map(([a, operator, how, b]) => `(${a} ${operator}${how} ${b})`) },
    { weight: 3, arbitrary: fc.tuple(tie('vector'), comparison, pick('', ' bool'), matching, tie('vector')).map(([a, operator, bool, how, b]) => `(${a} ${operator}${bool}${how} ${b})`) },
    { weight: 2, arbitrary: fc.tuple(tie('vector'), arithmetic, tie('scalar')).map(([a, operator, b]) => `(${a} ${operator} ${b})`) },
    { weight: 1, arbitrary: fc.tuple(tie('scalar'), comparison, pick('', ' bool'), tie('vector')).map(([a, operator, bool, b]) => `(${a} ${operator}${bool} ${b})`) },
    { weight: 2, arbitrary: fc.tuple(tie('vector'), pick('and', 'or', 'unless'), fc.oneof(fc.constant(''), fc.tuple(pick('on', 'ignoring'), labelList).map(([how, labels]) => ` ${how} ${labels}`)), tie('vector')).map(([a, operator, how, b]) => `(${a} ${operator}${how} ${b})`) },
  ),
}));

const root = fc.oneof(
  { weight: 12, arbitrary: grammar.vector }, { weight: 1, arbitrary: grammar.scalar }, { weight: 1, arbitrary: grammar.matrix },
  { weight: 1, arbitrary: fc.tuple(pick('sort', 'sort_desc'), grammar.vector).map(([name, expr]) => `${name}(${expr})`) },
);

/** Queries over the random series, half of them instant. */
export const randomQuery: fc.Arbitrary<RandomQuery> = fc.record({
  expr: root,
  // Seldom before the first or after the last sample, and without fast-check's bias to the smallest numbers.
  startMs: fc.noBias(fc.integer({ min: -2 * 60_000, max: 66 * 60_000 })).map((laterMs) => startMs + laterMs),
  steps: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 12 })),
  stepMs: pick(15_000, 1_000, 60_000, 61_007, 300_000),
});

/** Whether the order of an answer is the query's: only that of sorts, and of the largest and smallest of one group. */
export const isOrdered = ({ expr, steps }: RandomQuery): boolean => steps === 0 && /^(?:sort|sort_desc|topk|bottomk) ?\(/.test(expr);
