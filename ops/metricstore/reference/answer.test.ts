import { describe, expect, it } from 'vitest';
import { differenceOf, fromApi, fromEngine } from './answer.ts';
import { renderOpenMetrics } from './openmetrics.ts';

const plain = { isOrdered: false, hasNestedSubquery: false };
const vector = (...samples: [Record<string, string>, string][]) =>
  fromApi({ status: 'success', data: { resultType: 'vector', result: samples.map(([metric, value]) => ({ metric, value: [1.5, value] })) } });

describe('comparing answers', () => {
  it('sees another value, infinity and NaN among them, but not last digits', () => {
    const differs = (a: string, b: string): boolean => differenceOf(vector([{}, a]), vector([{}, b]), plain) !== undefined;
    expect([['1', '2'], ['+Inf', '5'], ['5', '-Inf'], ['+Inf', '-Inf'], ['NaN', '0'], ['0', 'NaN'], ['1', '1.00000001'], ['1e-7', '2e-7']].map(([a = '', b = '']) => differs(a, b))).not.toContain(false);
    expect([['1', '1.0000000000001'], ['+Inf', '+Inf'], ['NaN', 'NaN'], ['0', '1e-30'], ['0', '-0']].map(([a = '', b = '']) => differs(a, b))).not.toContain(true);
  });

  it('sees series that are missing, extra or twice, and another type', () => {
    const both = vector([{ a: '1' }, '1'], [{ a: '2' }, '2']);
    const one = vector([{ a: '1' }, '1']);
    expect(differenceOf(both, one, plain)).toMatch(/SORA has no \[\["a","2"\]\]/);
    expect(differenceOf(one, both, plain)).toMatch(/only SORA has/);
    expect(differenceOf(one, vector([{ a: '1' }, '1'], [{ a: '1' }, '1']), plain)).toMatch(/twice/);
    expect(differenceOf(one, fromApi({ status: 'success', data: { resultType: 'scalar', result: [1.5, '1'] } }), plain)).toMatch(/reference vector/);
    const swapped = vector([{ a: '2' }, '2'], [{ a: '1' }, '1']);
    expect(differenceOf(both, swapped, plain)).toBeUndefined();
    expect(differenceOf(both, swapped, { ...plain, isOrdered: true })).toMatch(/order differs at place 0/);
  });

  it('sees points at other times, other annotations and other errors', async () => {
    const matrix = (values: [number, string][]) => fromApi({ status: 'success', data: { resultType: 'matrix', result: [{ metric: {}, values }] } });
    expect(differenceOf(matrix([[1, '1'], [2, '1']]), matrix([[1, '1'], [3, '1']]), plain)).toMatch(/1@2000/);
    const warned = fromApi({ status: 'success', data: { resultType: 'vector', result: [] }, warnings: ['w'] });
    expect(differenceOf(warned, vector(), plain)).toMatch(/warnings\nreference w/);
    const failed = fromApi({ status: 'error', errorType: 'execution', error: 'many-to-many' });
    expect(differenceOf(failed, vector(), plain)).toMatch(/error execution: many-to-many/);
    expect(differenceOf(vector(), failed, plain)).toMatch(/error execution/);
    expect(differenceOf(failed, fromApi({ status: 'error', errorType: 'bad_data', error: 'x' }), plain)).toMatch(/bad_data/);
    expect(differenceOf(failed, await fromEngine(() => Promise.reject(new TypeError('no function'))), plain)).toMatch(/crash: no function/);
  });
});

describe('OpenMetrics', () => {
  it('keeps series of a metric together, with times, and leaves staleness markers out', () => {
    const series = (labels: Record<string, string>, ...values: number[]) => ({ labels, timestampsMs: Float64Array.from(values, (_, index) => index * 1_500), values: Float64Array.from(values) });
    const text = renderOpenMetrics([series({ __name__: 'a', x: 'q"\\\n' }, 1, Number.NaN, Infinity), series({ __name__: 'b' }, 1), { ...series({ __name__: 'a' }, 2, 3), stale: Uint8Array.of(0, 1) }]);
    expect(text).toBe('# TYPE a unknown\na{x="q\\"\\\\\\n"} 1 0.000\na{x="q\\"\\\\\\n"} NaN 1.500\na{x="q\\"\\\\\\n"} +Inf 3.000\na{} 2 0.000\n# TYPE b unknown\nb{} 1 0.000\n# EOF\n');
  });
});
