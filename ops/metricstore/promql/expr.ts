/** The tree of a PromQL expression, as the parser makes it and the engine reads it. */
import { assertNever } from '../../core/error.ts';
import type { Matcher } from '../series.ts';

/** Where a node stands in the text: offsets of its characters, and line and column of its start, counted from 1. */
export interface Position {
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly column: number;
}

export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

/** The time of `@`. */
export type AtModifier = { readonly kind: 'time'; readonly atMs: number } | { readonly kind: 'start' } | { readonly kind: 'end' };

/** What moves the time a selector or subquery looks at. */
export interface TimeShift {
  /** How far back; negative looks ahead. 0 where there is no `offset`. */
  readonly offsetMs: number;
  readonly at: AtModifier | undefined;
}

export interface NumberLiteral {
  readonly kind: 'number';
  readonly value: number;
  /** Whether it was written as a duration, such as `5m` for 300. */
  readonly isDuration: boolean;
  readonly position: Position;
}

export interface StringLiteral {
  readonly kind: 'string';
  readonly value: string;
  readonly position: Position;
}

export interface VectorSelector extends TimeShift {
  readonly kind: 'selector';
  /** The name before the braces or quoted within; empty where a matcher on `__name__` stands for it, or none. */
  readonly name: string;
  /** Every matcher, the one of the name included and first. */
  readonly matchers: readonly Matcher[];
  readonly position: Position;
}

/** A selector with a range; its offset and `@` are those of the selector. */
export interface MatrixSelector {
  readonly kind: 'matrix';
  readonly selector: VectorSelector;
  readonly rangeMs: number;
  readonly position: Position;
}

export interface Subquery extends TimeShift {
  readonly kind: 'subquery';
  readonly expr: Expr;
  readonly rangeMs: number;
  /** undefined takes the engine's default. */
  readonly stepMs: number | undefined;
  readonly position: Position;
}

export interface Paren {
  readonly kind: 'paren';
  readonly expr: Expr;
  readonly position: Position;
}

export interface Unary {
  readonly kind: 'unary';
  readonly operator: '+' | '-';
  readonly expr: Expr;
  readonly position: Position;
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2';
export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type SetOperator = 'and' | 'or' | 'unless';
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator;

/** How the series of two vectors find each other. */
export interface VectorMatching {
  readonly cardinality: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  /** Whether `labels` are those of `on`; otherwise of `ignoring`. */
  readonly isOn: boolean;
  readonly labels: readonly string[];
  /** Labels that `group_left` or `group_right` takes over from the side with one. */
  readonly include: readonly string[];
  /** Values for a partner that is missing, by `fill`, `fill_left` and `fill_right`. */
  readonly fillLeft: number | undefined;
  readonly fillRight: number | undefined;
}

export interface Binary {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expr;
  readonly right: Expr;
  readonly returnsBool: boolean;
  /** undefined where a side is a scalar. */
  readonly matching: VectorMatching | undefined;
  readonly position: Position;
}

export interface Call {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expr[];
  readonly position: Position;
}

export type AggregationOperator =
  | 'sum' | 'avg' | 'count' | 'min' | 'max' | 'group' | 'stddev' | 'stdvar'
  | 'topk' | 'bottomk' | 'quantile' | 'count_values' | 'limitk' | 'limit_ratio';

export interface Aggregation {
  readonly kind: 'aggregation';
  readonly operator: AggregationOperator;
  readonly expr: Expr;
  /** The first argument of those that take two. */
  readonly parameter: Expr | undefined;
  readonly isWithout: boolean;
  readonly labels: readonly string[];
  readonly position: Position;
}

export type Expr = NumberLiteral | StringLiteral | VectorSelector | MatrixSelector | Subquery | Paren | Unary | Binary | Call | Aggregation;

/** Operators that compare. */
export const comparisonOperators: ReadonlySet<BinaryOperator> = new Set<BinaryOperator>(['==', '!=', '<', '<=', '>', '>=']);
/** Operators that take two vectors as sets. */
export const setOperators: ReadonlySet<BinaryOperator> = new Set<BinaryOperator>(['and', 'or', 'unless']);
/** Aggregations whose first argument is a parameter. */
export const parameterOperators: ReadonlySet<AggregationOperator> = new Set<AggregationOperator>(['topk', 'bottomk', 'quantile', 'count_values', 'limitk', 'limit_ratio']);

/** The direct parts of an expression, in the order of the text. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'number': case 'string': case 'selector': return [];
    case 'matrix': return [expr.selector];
    case 'subquery': case 'paren': case 'unary': return [expr.expr];
    case 'binary': return [expr.left, expr.right];
    case 'call': return expr.args;
    case 'aggregation': return expr.parameter === undefined ? [expr.expr] : [expr.parameter, expr.expr];
    default: return assertNever(expr);
  }
}

/** Every selector of an expression, in the order of the text. */
export function selectorsOf(expr: Expr): VectorSelector[] {
  return expr.kind === 'selector' ? [expr] : childrenOf(expr).flatMap((child) => selectorsOf(child));
}

/** The expression inside any parentheses. */
export function withoutParens(expr: Expr): Expr {
  return expr.kind === 'paren' ? withoutParens(expr.expr) : expr;
}
