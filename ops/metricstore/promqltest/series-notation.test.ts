import { describe, expect, it } from 'vitest';
import { parseMetricNotation, parseSequence, parseSeriesNotation } from './series-notation.ts';
import type { SequenceValue } from './series-notation.ts';

const plain = (values: readonly SequenceValue[]): (number | string)[] => values.map((value) => (value.kind === 'float' ? value.value : value.kind));

describe('series notation', () => {
  it.each([
    ['1+2x3', [1, 3, 5, 7]], ['4x2', [4, 4, 4]], ['_', ['gap']], ['_x3', ['gap', 'gap', 'gap']], ['1 _ stale 2', [1, 'gap', 'stale', 2]],
    ['0.5-0.1x2', [0.5, 0.4, 0.30000000000000004]], ['-Inf NaN +Inf inf', [-Infinity, NaN, Infinity, Infinity]], ['-2-4x1', [-2, -6]],
    ['1e3 .5 2. 1_000', [1_000, 0.5, 2, 1_000]], ['10x0', [10]], ['1e-1+1e1x1', [0.1, 10.1]], ['NaNx1', [NaN, NaN]], ['', []], ['_x0 1', [1]],
    ['{{schema:0 sum:1 buckets:[1 2]}}x1 3', ['native', 'native', 3]], ['{{}}+{{sum:1}}x2', ['native', 'native', 'native']],
  ] as const)('expands %s', (text, expected) => expect(plain(parseSequence(text))).toEqual(expected));

  it('adds the step again and again, with its rounding', () => {
    let sum = 0;
    const added = Array.from({ length: 11 }, (_, index) => (index === 0 ? 0 : (sum += 0.1)));
    expect(plain(parseSequence('0+0.1x10'))).toEqual(added);
  });

  it('reads metrics of every form', () => {
    expect(parseSeriesNotation('up{job="a", instance=\'b\',} 1 2')).toEqual({
      labels: { __name__: 'up', job: 'a', instance: 'b' }, values: [{ kind: 'float', value: 1 }, { kind: 'float', value: 2 }],
    });
    expect(parseSeriesNotation('{} 3').labels).toEqual({});
    expect(parseSeriesNotation('a:b\t5')).toMatchObject({ labels: { __name__: 'a:b' }, values: [{ value: 5 }] });
    expect(parseMetricNotation('{"with.dots", "ä b"="x\\n\\"\\u00e4\\xc3\\xa4"}')).toEqual({ __name__: 'with.dots', 'ä b': 'x\n"ää' });
    expect(parseMetricNotation('m { a = `\\n` , b="" }')).toEqual({ __name__: 'm', a: '\\n' });
    expect(parseSeriesNotation('native {{schema:1 count:2}} _')).toMatchObject({ values: [{ kind: 'native' }, { kind: 'gap' }] });
  });

  it.each([
    ['up{job="a"} 1+2', /"1\+2" is no value/], ['up{job} 1', /no = after label job/], ['up{job="a" 1', /no , or }/], ['up 1x2000000', /more than 1000000/],
    ['{job="a', /no quoted value/], ['up{', /no closing }/], ['up 0x5z', /is no value/], ['up{a="\\q"} 1', /unknown escape/], ['5', /no metric/],
  ])('refuses %s', (text, says) => expect(() => parseSeriesNotation(text)).toThrow(says));
});
