import { assertNever } from '../../core/error.ts';
import type { Matcher } from '../series.ts';
import type { Aggregation, Binary, Expr, NumberLiteral, TimeShift, VectorMatching, VectorSelector } from './expr.ts';
import { formatDurationMs, formatNumber, quote } from './literals.ts';

/** Writes an expression on one line so that it parses to the same tree (positions aside). */
export function formatPromql(expr: Expr): string {
  switch (expr.kind) {
    case 'number': return formatLiteral(expr);
    case 'string': return quote(expr.value);
    case 'selector': return formatSelector(expr) + formatShift(expr);
    case 'matrix': return `${formatSelector(expr.selector)}[${formatDurationMs(expr.rangeMs)}]${formatShift(expr.selector)}`;
    case 'subquery': return `${formatPromql(expr.expr)}[${formatDurationMs(expr.rangeMs)}:${expr.stepMs === undefined ? '' : formatDurationMs(expr.stepMs)}]${formatShift(expr)}`;
    case 'paren': return `(${formatPromql(expr.expr)})`;
    case 'unary': return `${expr.operator}${formatPromql(expr.expr)}`;
    case 'binary': return formatBinary(expr);
    case 'call': return `${expr.name}(${expr.args.map((arg) => formatPromql(arg)).join(', ')})`;
    case 'aggregation': return formatAggregation(expr);
    default: return assertNever(expr);
  }
}

function formatLiteral({ value, isDuration }: NumberLiteral): string {
  if (!isDuration) return Object.is(value, -0) ? '-0' : formatNumber(value);
  const text = formatDurationMs(Math.round(value * 1_000));
  return Object.is(value, -0) ? `-${text}` : text;
}

const isPlainName = (name: string): boolean => /^[a-zA-Z_:][\w:]*$/.test(name) && !/^(?:inf|nan|bool|ignoring|on|group_left|group_right|offset|atan2)$/i.test(name);
const formatLabel = (name: string): string => (/^[a-zA-Z_]\w*$/.test(name) ? name : quote(name));
const formatMatcher = ({ name, operator, value }: Matcher): string => `${formatLabel(name)}${operator}${quote(value)}`;

/** Writes a selector without range, offset and `@`. */
export function formatSelector({ name, matchers }: VectorSelector): string {
  const others = name === '' ? matchers : matchers.slice(1);
  const isPlain = isPlainName(name);
  const inner = [...(name !== '' && !isPlain ? [quote(name)] : []), ...others.map(formatMatcher)];
  const braces = inner.length === 0 && isPlain ? '' : `{${inner.join(', ')}}`;
  return `${isPlain ? name : ''}${braces}`;
}

function formatShift({ offsetMs, at }: TimeShift): string {
  const time = at === undefined ? '' : at.kind === 'time' ? ` @ ${(at.atMs / 1_000).toFixed(3)}` : ` @ ${at.kind}()`;
  return `${time}${offsetMs === 0 ? '' : ` offset ${formatDurationMs(offsetMs)}`}`;
}

function formatBinary({ operator, left, right, returnsBool, matching }: Binary): string {
  return `${formatPromql(left)} ${operator}${returnsBool ? ' bool' : ''}${matching === undefined ? '' : formatMatching(matching)} ${formatPromql(right)}`;
}

const formatNames = (names: readonly string[]): string => `(${names.map(formatLabel).join(', ')})`;

function formatMatching({ cardinality, isOn, labels, include, fillLeft, fillRight }: VectorMatching): string {
  const group = cardinality === 'many-to-one' ? ` group_left${formatNames(include)}` : cardinality === 'one-to-many' ? ` group_right${formatNames(include)}` : '';
  const clause = isOn || labels.length > 0 || group !== '' ? ` ${isOn ? 'on' : 'ignoring'}${formatNames(labels)}${group}` : '';
  const fills = `${fillLeft === undefined ? '' : ` fill_left(${formatNumber(fillLeft)})`}${fillRight === undefined ? '' : ` fill_right(${formatNumber(fillRight)})`}`;
  return clause + fills;
}

function formatAggregation({ operator, expr, parameter, isWithout, labels }: Aggregation): string {
  const grouping = isWithout || labels.length > 0 ? ` ${isWithout ? 'without' : 'by'} ${formatNames(labels)} ` : '';
  return `${operator}${grouping}(${parameter === undefined ? '' : `${formatPromql(parameter)}, `}${formatPromql(expr)})`;
}
