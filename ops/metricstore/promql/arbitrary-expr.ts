/** Random expressions for property tests; they are of the shapes that the parser makes. */
import * as fc from 'fast-check';
import type { Matcher } from '../series.ts';
import type { AggregationOperator, AtModifier, BinaryOperator, Expr, Position, VectorMatching, VectorSelector } from './expr.ts';
import { comparisonOperators, setOperators } from './expr.ts';
import { parseNumber } from './literals.ts';

const position: Position = { start: 0, end: 0, line: 1, column: 1 };

const metricNames = fc.constantFrom('x', 'y_total', 'job:rate5m', 'sum', 'by', 'a.b', 'on');
const labelNames = fc.constantFrom('job', 'instance', 'le', 'with space', 'offset');
const labelLists = fc.uniqueArray(labelNames, { maxLength: 3 });
const durations = fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.constantFrom(60_000, 300_000, 3_600_000, 86_400_000));
const offsets = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -600_000, max: 600_000 }) });
const ats: fc.Arbitrary<AtModifier | undefined> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.oneof(fc.integer({ min: -1_000_000, max: 1_000_000 }).map((atMs) => ({ kind: 'time' as const, atMs })), fc.constantFrom({ kind: 'start' as const }, { kind: 'end' as const })) });
const matchers: fc.Arbitrary<Matcher> = fc.record({ name: labelNames, operator: fc.constantFrom('=', '!=', '=~', '!~'), value: fc.constantFrom('', 'a', 'a|b', '.*', 'ä"\\', '\n').filter((value) => !value.includes('\\')) });
const numbers = fc.oneof(fc.double().map((value) => ({ value, isDuration: false })), fc.integer({ min: 1, max: 100_000 }).map((durationMs) => parseNumber(`${durationMs}ms`)));

const selectors: fc.Arbitrary<VectorSelector> = fc.record({ name: metricNames, others: fc.array(matchers, { maxLength: 2 }), offsetMs: offsets, at: ats }).map(({ name, others, offsetMs, at }) => (
  { kind: 'selector', name, matchers: [{ name: '__name__', operator: '=', value: name }, ...others], offsetMs, at, position }));

const simple: Partial<VectorMatching> = { include: [], fillLeft: undefined, fillRight: undefined };
const matchings = (operator: BinaryOperator): fc.Arbitrary<VectorMatching> => fc.record({
  cardinality: setOperators.has(operator) ? fc.constant('many-to-many' as const) : fc.constantFrom('one-to-one' as const, 'many-to-one' as const, 'one-to-many' as const),
  isOn: fc.boolean(), labels: labelLists, include: fc.uniqueArray(fc.constantFrom('role', 'dc'), { maxLength: 2 }),
}).map((matching) => ({ ...matching, ...simple, include: matching.cardinality === 'many-to-one' || matching.cardinality === 'one-to-many' ? matching.include : [] } as VectorMatching));

const operators = fc.constantFrom<BinaryOperator>('+', '-', '*', '/', '%', '^', 'atan2', '==', '!=', '<', '<=', '>', '>=', 'and', 'or', 'unless');
const paren = (expr: Expr): Expr => ({ kind: 'paren', expr, position });
/** Operands stand in brackets, so that what binds them is written. */
const operand = (expr: Expr): Expr => (expr.kind === 'binary' || expr.kind === 'unary' || expr.kind === 'number' ? paren(expr) : expr);
const call = (name: string, ...args: Expr[]): Expr => ({ kind: 'call', name, args, position });

/** A type, not an interface, as `letrec` asks for an index. */
type Kinds = { vector: Expr; scalar: Expr; matrix: Expr };

const trees = fc.letrec<Kinds>((tie) => ({
  scalar: fc.oneof({ maxDepth: 3 },
    numbers.map((number): Expr => ({ kind: 'number', ...number, position })),
    tie('vector').map((expr) => call('scalar', expr)),
    fc.constantFrom('time', 'pi').map((name) => call(name)),
    fc.tuple(tie('scalar'), tie('scalar')).map(([left, right]): Expr => ({ kind: 'binary', operator: '+', left: operand(left), right: operand(right), returnsBool: false, matching: undefined, position }))),
  matrix: fc.oneof({ maxDepth: 3 },
    fc.tuple(selectors, durations).map(([selector, rangeMs]): Expr => ({ kind: 'matrix', selector, rangeMs, position })),
    fc.record({ expr: tie('vector').map(operand), rangeMs: durations, stepMs: fc.option(durations, { nil: undefined }), offsetMs: offsets, at: ats })
      .filter(({ expr }) => expr.kind !== 'selector' || (expr.offsetMs === 0 && expr.at === undefined))
      .map((subquery): Expr => ({ kind: 'subquery', ...subquery, position }))),
  vector: fc.oneof({ maxDepth: 4 },
    selectors,
    tie('vector').map(paren),
    tie('vector').map((expr): Expr => ({ kind: 'unary', operator: '-', expr: operand(expr), position })),
    fc.tuple(fc.constantFrom('rate', 'increase', 'avg_over_time', 'last_over_time', 'changes'), tie('matrix')).map(([name, arg]) => call(name, arg)),
    fc.tuple(fc.constantFrom('abs', 'absent', 'sort', 'ceil'), tie('vector')).map(([name, arg]) => call(name, arg)),
    fc.tuple(tie('vector'), fc.string()).map(([expr, text]) => call('label_replace', expr, ...['dst', text, 'src', '(.*)'].map((value): Expr => ({ kind: 'string', value, position })))),
    fc.tuple(fc.constantFrom<AggregationOperator>('sum', 'avg', 'max', 'count', 'group'), tie('vector'), fc.boolean(), labelLists)
      .map(([operator, expr, isWithout, labels]): Expr => ({ kind: 'aggregation', operator, expr, parameter: undefined, isWithout, labels, position })),
    fc.tuple(fc.constantFrom<AggregationOperator>('topk', 'quantile'), tie('scalar'), tie('vector'), labelLists)
      .map(([operator, parameter, expr, labels]): Expr => ({ kind: 'aggregation', operator, expr, parameter, isWithout: false, labels, position })),
    fc.tuple(operators, tie('vector'), tie('vector'), fc.boolean()).chain(([operator, left, right, isBool]) => matchings(operator).map((matching): Expr => (
      { kind: 'binary', operator, left: operand(left), right: operand(right), returnsBool: isBool && comparisonOperators.has(operator), matching, position }))),
    fc.tuple(operators.filter((operator) => !setOperators.has(operator)), tie('vector'), tie('scalar')).map(([operator, left, right]): Expr => (
      { kind: 'binary', operator, left: operand(left), right: operand(right), returnsBool: false, matching: undefined, position }))),
}));

/** Expressions of a type. */
export const arbitraryExpr = (type: 'vector' | 'scalar'): fc.Arbitrary<Expr> => trees[type];
