import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SoraError } from '../../core/error.ts';
import { arbitraryExpr } from './arbitrary-expr.ts';
import type { Expr } from './expr.ts';
import { selectorsOf } from './expr.ts';
import { formatPromql } from './format.ts';
import { parsePromql } from './parse.ts';

/** The tree without positions, numbers of every kind told apart. */
export const shapeOf = (expr: Expr): unknown => JSON.parse(JSON.stringify(expr, (key, value: unknown) => {
  if (key === 'position') return undefined;
  return typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)) ? `number ${Object.is(value, -0) ? '-0' : value}` : value;
}));

/** An expression with brackets around every operation, to show how it binds. */
function bound(expr: Expr): string {
  if (expr.kind === 'binary') return `(${bound(expr.left)} ${expr.operator} ${bound(expr.right)})`;
  if (expr.kind === 'unary') return `(${expr.operator}${bound(expr.expr)})`;
  return expr.kind === 'paren' ? bound(expr.expr) : formatPromql(expr);
}

describe('parser', () => {
  it.each([
    ['-1 ^ 2', '(-(1 ^ 2))'], ['2 ^ 3 ^ 2', '(2 ^ (3 ^ 2))'], ['-a * b', '((-a) * b)'], ['1 - -1', '(1 - -1)'], ['a + b * c % d', '(a + ((b * c) % d))'],
    ['-a @ 100', '(-a @ 100.000)'], ['a + b offset 5m * c', '(a + (b offset 5m * c))'], ['a unless b and c or d', '(((a unless b) and c) or d)'], ['a == 1 + 2 > 3', '((a == (1 + 2)) > 3)'],
    ['2 ^ -x ^ 2', '(2 ^ (-(x ^ 2)))'], ['a atan2 b * c', '((a atan2 b) * c)'], ['- - a', '(-(-a))'], ['a -1', '(a - 1)'], ['1 -1', '(1 - 1)'],
  ])('binds %s as %s', (text, expected) => expect(bound(parsePromql(text))).toBe(expected));

  it.each([
    ['SUM BY (group) (x)', 'sum by (group) (x)'], ['sum(x) by (a,)', 'sum by (a) (x)'], ['{"a.b", "c d"="e"}', '{"a.b", "c d"="e"}'], ['x{a=\'b"c\'}', 'x{a="b\\"c"}'], ['x[600]', 'x[10m]'],
    ['x[1.5]', 'x[1s500ms]'], ['x[5m*2]', 'x[10m]'], ['x offset -50', 'x offset -50s'], ['x[5m:] @ end() offset 1m', 'x[5m:] @ end() offset 1m'], ['min_of(1, 2.)', 'min_of(1, 2)'],
    ['2.e3 + 1./6.', '2000 + 1 / 6'], ['a / on(x, "y z") group_right("q") b', 'a / on(x, "y z") group_right(q) b'], ['by', 'by'], ['start + end', 'start + end'],
    ['x{a="b"} # why\n + y', 'x{a="b"} + y'], ['x @ 1m40s', 'x @ 100.000'], ['"2. is kept"', '"2. is kept"'], ['a + on(x) fill_right(0) b', 'a + on(x) fill_right(0) b'], ['010 + 0x10 + Inf', '8 + 16 + +Inf'],
    ['x[max_of(1m, 2m)]', 'x[2m]'], ['count_values("v", x)', 'count_values("v", x)'], ['{__name__=~"a|b"}', '{__name__=~"a|b"}'], ['{"on"}', '{"on"}'],
  ])('reads %s as %s', (text, expected) => expect(formatPromql(parsePromql(text))).toBe(expected));

  it.each([
    ['', '1:1: parse error: no expression found in input'], ['# only this', '1:1: parse error: no expression found in input'], ['1 +', '1:4: parse error: unexpected end of input'], ['1 2', '1:3: parse error: unexpected "2"'],
    ['foo(1)', '1:1: parse error: unknown function with name "foo"'], ['a\n  + Rate(x[5m])', '2:5: parse error: unknown function with name "Rate"'], ['"abc', '1:1: parse error: unterminated quoted string'],
    ['sum(1)', '1:5: parse error: expected type instant vector in aggregation expression, got scalar'], ['rate(x)', '1:6: parse error: expected type range vector in call to function "rate", got instant vector'],
    ['count_values(1, x)', '1:14: parse error: expected type string in aggregation parameter, got scalar'], ['topk(x)', '1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1'],
    ['sum()', '1:1: parse error: no arguments for aggregate expression provided'], ['rate(x[5m], 1)', '1:1: parse error: expected 1 argument(s) in call to "rate", got 2'],
    ['round(x, 1, 2)', '1:1: parse error: expected at most 2 argument(s) in call to "round", got 3'], ['label_join(x, "a")', '1:1: parse error: expected at least 3 argument(s) in call to "label_join", got 2'],
    ['a and 1', '1:1: parse error: set operator "and" not allowed in binary scalar expression'], ['1 > 2', '1:3: parse error: comparisons between scalars must use BOOL modifier'],
    ['a + bool b', '1:3: parse error: bool modifier can only be used on comparison operators'], ['a + on(b) 1', '1:1: parse error: vector matching only allowed between instant vectors'],
    ['a and on(b) group_left c', '1:1: parse error: no grouping allowed for "and" operation'], ['a + on(b) group_left(b) c', '1:3: parse error: label "b" must not occur in ON and GROUP clause at once'],
    ['x[5m] + 1', '1:1: parse error: binary expression must contain only scalar and instant vector types'], ['-x[5m]', '1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "range vector"'],
    ['x{a=~".*"} or {a=~".*"}', '1:15: parse error: vector selector must contain at least one non-empty matcher'], ['x{__name__="y"}', '1:1: parse error: metric name must not be set twice: "x" or "y"'],
    ['x{a=~"("}', '1:6: parse error: error parsing regexp: missing closing ): `(`'], ['x offset 5m offset 3m', '1:1: parse error: offset may not be set multiple times'], ['x @ 1 @ 2', '1:1: parse error: @ <timestamp> may not be set multiple times'],
    ['sum(x) offset 5m', '1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery'], ['x @ Inf', '1:1: parse error: timestamp out of bounds for @ modifier: Infinity'],
    ['(x)[5m]', '1:1: parse error: ranges only allowed for vector selectors'], ['x[0]', '1:3: parse error: duration must be greater than 0'], ['x[5m][3m:]', '1:1: parse error: subquery is only allowed on instant vector, got matrix instead'],
    ['x smoothed', '1:1: parse error: smoothed modifier is experimental and not enabled'], ['1e999', '1:1: parse error: error parsing number: 1e999 is out of range'], ['1 + atan2', '1:5: parse error: unexpected "atan2"'], ['x[1m/0]', '1:5: parse error: division by zero'],
  ])('refuses %j', (text, message) => expect(() => parsePromql(text)).toThrow(new SoraError('bad_data', message, { status: 400 })));

  it('bounds length, nesting and chains', () => {
    expect(() => parsePromql(`x{a="${'b'.repeat(70_000)}"}`)).toThrow(/the limit is 65536/);
    expect(() => parsePromql('('.repeat(300) + 'x' + ')'.repeat(300))).toThrow(/nested deeper than 200/);
    for (const count of [601, 640, 3_000]) expect(() => parsePromql(`x${' + x'.repeat(count)}`)).toThrow(/more than 600 operators/);
    expect(formatPromql(parsePromql(`x${' + x'.repeat(600)}`))).toHaveLength(2_401);
    expect(() => parsePromql(`${'-'.repeat(5_000)}x`)).toThrow(/more than 600 operators/);
  });

  it('finds selectors in the order of the text', () => {
    expect(selectorsOf(parsePromql('topk(scalar(k), sum(rate(a[5m])) / on() (b or c[1h:]))'.replace('c[1h:]', 'sum_over_time(c[1h:])'))).map(({ name }) => name)).toEqual(['k', 'a', 'b', 'c']);
  });

  it('reads what the formatter writes', () => {
    fc.assert(fc.property(arbitraryExpr('vector'), (expr) => {
      const text = formatPromql(expr);
      expect(shapeOf(parsePromql(text)), text).toEqual(shapeOf(expr));
    }), { numRuns: 500 });
  });

  it('says where a damaged query is wrong, and never fails in another way', () => {
    fc.assert(fc.property(arbitraryExpr('vector'), fc.nat(), fc.constantFrom('(', ')', '"', '[', ' 1 ', '{', 'by', ',', '@'), (expr, at, insert) => {
      const text = formatPromql(expr);
      const damaged = text.slice(0, at % (text.length + 1)) + insert + text.slice(at % (text.length + 1));
      try {
        parsePromql(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(SoraError);
        expect((error as SoraError).message).toMatch(/^\d+:\d+: parse error: /);
      }
    }), { numRuns: 500 });
  });
});
