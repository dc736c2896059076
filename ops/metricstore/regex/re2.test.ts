import { describe, expect, it } from 'vitest';
import { compileFind, compileSearch, compileWhole, expandGroups, patternLengthMax } from './re2.ts';

const found = (pattern: string, text: string): (string | undefined)[] => [...compileFind(pattern)(text)].map(({ at, groups }) => `${at}:${groups.join()}`);
const expand = (template: string, pattern: string, text: string): string | undefined => compileFind(pattern)(text).map((match) => expandGroups(template, match)).next().value ?? undefined;

describe('RE2', () => {
  it('matches a whole text with line breaks, and a part without', () => {
    expect(compileWhole('a.b')('a\nb')).toBe(true);
    expect(compileWhole('a')('ab')).toBe(false);
    expect(compileWhole('a|ab')('ab')).toBe(true);
    expect(compileSearch('a.b')('a\nb')).toBe(false);
    expect(compileSearch('b')('abc')).toBe(true);
    expect(compileSearch('^(?:a|b)$')('ab')).toBe(false);
  });

  // Values of Go 1.26's `FindAllStringSubmatch`.
  it.each([
    ['a*', 'baaac', ['0:', '1:aaa', '5:']], ['(a)|(b)', 'ab', ['0:a,a,', '1:b,,b']], ['', '💥a', ['0:', '2:', '3:']], ['(a|ab)(c|bcd)?', 'abcd', ['0:abcd,a,bcd']], ['x', 'abc', []],
  ])('finds %s in %s', (pattern, text, matches) => expect(found(pattern, text)).toEqual(matches));

  it.each([
    ['$1-${2}x', '(a)(b)', 'ab', 'a-bx'], ['$1x', '(a)', 'a', ''], ['$$1', '(a)', 'a', '$1'], ['${n}$m', '(?P<n>a)(?<m>b)', 'ab', 'ab'], ['$0$9$01', '(a)', 'a', 'a'], ['$ ${ $', 'a', 'a', '$ ${ $'], ['$né', '(?P<n>a)', 'a', ''],
  ])('expands %s for %s', (template, pattern, text, expanded) => expect(expand(template, pattern, text)).toBe(expanded));

  it('quotes a malformed pattern as Go does, without the flags that are set for it', () => {
    for (const compile of [compileWhole, compileSearch, compileFind]) expect(() => compile('(a')).toThrow('error parsing regexp: missing closing ): `(a`');
    const nested = '('.repeat(1_001) + ')'.repeat(1_001);
    expect(() => compileWhole(nested)).toThrow(`error parsing regexp: expression nests too deeply: \`${nested}\``);
  });

  it.each([['(ab){3}', 8_192], ['[]x]{1000}', 17], ['\\pL{1000}', 17], ['((a{10}){10}){10}', 17], ['(a|\\Q){\\E{500})', 33]])('counts %s as what it is written out', (pattern, times) => {
    expect(() => compileWhole(pattern.repeat(times))).toThrow(`the limit is ${patternLengthMax}`);
    expect(() => compileWhole(pattern)).not.toThrow();
  });

  it('keeps the right answer when the states of a pattern outgrow its memory', () => {
    const test = compileWhole('.*a.{12}');
    // Every text of 13 characters of two kinds leads to a state of its own.
    for (let bits = 0; bits < 2_000; bits += 1) {
      const text = ((bits * 2_654_435_761) >>> 0).toString(2).padStart(32, '0').replaceAll('0', 'b').replaceAll('1', 'a');
      expect(test(text)).toBe(text.at(-13) === 'a');
    }
  });
});
