import { describe, expect, it } from 'vitest';
import { compareAnnotations, compareLabels, compareValue, isAlmostEqual, renderLabels } from './compare.ts';
import type { EvalCommand } from './eval-command.ts';
import { parseScript } from './script.ts';

const expected = (lines: string, head = 'eval instant at 1m x'): EvalCommand => {
  const [command] = parseScript(`${head}\n${lines}`);
  if (command?.kind !== 'eval') throw new Error(JSON.stringify(command));
  return command;
};
const vector = (...samples: [Record<string, string>, number][]) => ({ type: 'vector', samples: samples.map(([labels, value]) => ({ labels, atMs: 60_000, value })) }) as const;

describe('comparing with what a script expects', () => {
  it.each([
    [1, 1.000_000_1, true], [1, 1.000_01, false], [Number.NaN, Number.NaN, true], [Infinity, Infinity, true], [Infinity, -Infinity, false], [0, 1e-300, false],
    [0, -0, true], [Number.NaN, 1, false], [1e308, 1e308 * (1 + 1e-7), true], [Infinity, 1, false], [Number.MIN_VALUE, 0, true],
  ])('%s and %s are almost equal: %s', (a, b, isEqual) => expect([isAlmostEqual(a, b), isAlmostEqual(b, a)]).toEqual([isEqual, isEqual]));

  it('compares vectors whatever their order, or with it', () => {
    const result = vector([{ a: '1' }, 1], [{ a: '2' }, 2]);
    expect(compareValue(expected('{a="2"} 2\n{a="1"} 1'), result)).toBeUndefined();
    expect(compareValue(expected('{a="2"} 2\n{a="1"} 1', 'eval_ordered instant at 1m x'), result)).toMatch(/at place 1 instead of 2/);
    expect(compareValue(expected('{a="2"} 2'), result)).toMatch(/unexpected or second \{a="1"\} 1/);
    expect(compareValue(expected('{a="1"} 1\n{a="2"} 3'), result)).toMatch(/\{a="2"\} 2 instead of 3/);
    expect(compareValue(expected('{a="1"} 1\n{a="2"} 2\nm{a="3"} 3'), result)).toMatch(/no m\{a="3"\}, expected 3/);
    expect(compareValue(expected('{a="1"} 1'), vector([{ a: '1' }, 1], [{ a: '1' }, 1]))).toMatch(/second/);
    expect(compareValue(expected('1'), result)).toMatch(/^vector/);
    expect(compareValue(expected(''), vector())).toBeUndefined();
    expect(compareValue(expected('{a="1"} {{count:1}}'), vector([{ a: '1' }, 1]))).toMatch(/instead of \{\{count:1\}\}/);
  });

  it('compares matrices point by point with their times', () => {
    const head = 'eval range from 0 to 2m step 1m x';
    const matrix = (timestampsMs: number[], values: number[]) => ({ type: 'matrix', series: [{ labels: { a: '1' }, timestampsMs: Float64Array.from(timestampsMs), values: Float64Array.from(values) }] }) as const;
    expect(compareValue(expected('{a="1"} 1 _ 3', head), matrix([0, 120_000], [1, 3]))).toBeUndefined();
    expect(compareValue(expected('{a="1"} 1 2 3', head), matrix([0, 120_000], [1, 3]))).toMatch(/1 @0 3 @120000 instead of/);
    expect(compareValue(expected('{a="1"} 1 2', head), matrix([0, 120_000], [1, 2]))).toMatch(/instead of/);
    expect(compareValue(expected('{a="1"} 1 2 3 4', head), matrix([0], [1]))).toMatch(/more than there are steps/);
    expect(compareValue(expected('', head), matrix([0], [1]))).toMatch(/unexpected/);
    expect(compareValue(expected('{a="1"} 1'), matrix([0], [1]))).toMatch(/expect range vector/);
    const unsorted = { type: 'matrix', series: ['2', '1'].map((a) => ({ labels: { a }, timestampsMs: Float64Array.of(0), values: Float64Array.of(1) })) } as const;
    expect(compareValue(expected('{a="1"} 1\n{a="2"} 1', head), unsorted)).toMatch(/out of order/);
  });

  it('compares scalars and strings', () => {
    expect(compareValue(expected('1'), { type: 'scalar', atMs: 0, value: 1 })).toBeUndefined();
    expect(compareValue(expected('{} 1'), { type: 'scalar', atMs: 0, value: 1 })).toMatch(/scalar 1/);
    expect(compareValue(expected('expect string "a"'), { type: 'string', atMs: 0, value: 'a' })).toBeUndefined();
    expect(compareValue(expected('expect string "a"'), { type: 'string', atMs: 0, value: 'b' })).toMatch(/string "b"/);
  });

  it('holds annotations to what is expected, forbidden or required', () => {
    const none = { warnings: [], infos: [] };
    const check = (lines: string, found: { warnings: string[]; infos: string[] }, head?: string): string | undefined => compareAnnotations(expected(lines, head), found);
    expect(check('', { warnings: ['a'], infos: ['b'] })).toBeUndefined();
    expect(check('expect no_warn', { warnings: ['a'], infos: [] })).toMatch(/unexpected warning: a/);
    expect(check('expect info', none)).toBe('no info');
    expect(check('', none, 'eval_warn instant at 1m x')).toBe('no warning');
    expect(check('expect warn msg: a\nexpect warn regex: ^b', { warnings: ['a', 'bc'], infos: [] })).toBeUndefined();
    expect(check('expect warn msg: a', { warnings: ['a', 'b'], infos: [] })).toMatch(/unexpected warning: b/);
    expect(check('expect warn msg: c', { warnings: ['a'], infos: [] })).toMatch(/no warning such as "c"/);
  });

  it('orders and writes label sets as Prometheus does', () => {
    expect(compareLabels({ a: '1' }, { a: '1', b: '' })).toBeLessThan(0);
    expect(compareLabels({ b: '1' }, { a: '9', b: '1' })).toBeGreaterThan(0);
    expect(compareLabels({ a: '\u{1F600}' }, { a: '\uFFFD' })).toBeGreaterThan(0);
    expect(renderLabels({ b: 'x"', __name__: 'm', a: '1' })).toBe('m{a="1", b="x\\""}');
  });
});
