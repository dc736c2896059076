import { describe, expect, it } from 'vitest';
import { compileMatcher, labelValue, meetsAll } from './matchers.ts';

const matches = (pattern: string, value: string): boolean => compileMatcher({ name: 'a', operator: '=~', value: pattern })(value);

describe('matchers', () => {
  it.each([
    ['a|b', 'b', true], ['a|b', 'ab', false], ['', '', true], ['a|', '', true], ['.*', '', true], ['.+', '', false], ['api-.+', 'api-', false], ['api-.*', 'api-', true],
    ['api-.+', 'api-x', true], ['5..', '503', true], ['5..', '5033', false], ['a.b', 'a\nb', true], ['(?-s)a.b', 'a\nb', false], ['.*((?i)DUC).*', 'production', true],
    ['((?i)PRO).*', 'produCtion', true], ['((?i)PRO)C', 'proc', false], ['a(?i)b|c', 'C', true], ['a(?i)b|c', 'AB', false], ['(?i:PRO).*', 'production', true],
    ['[[:alpha:]]+', 'abc', true], ['[^[:digit:]x]+', 'ab1', false], ['[]a]+', ']a', true], ['[^]a]', ']', false], ['\\pL+', 'äb', true], ['\\p{Greek}', 'α', true],
    ['\\PL', '1', true], ['\\Qa.b\\E+', 'a.bbb', true], ['\\Qa.b\\E+', 'a.ba.b', false], ['\\x{e4}', 'ä', true], ['\\x41\\102', 'AB', true], ['a{2,3}', 'aaa', true], ['a{,3}', 'a{,3}', true], ['x{', 'x{', true],
    ['(?P<n>a)', 'a', true], ['a-b_c d"', 'a-b_c d"', true], ['\\-\\_\\"', '-_"', true], ['[\\w-]+', 'a-b', true], ['[a-c\\-]+', 'b-', true], ['\\Aab\\z', 'ab', true],
    ['[\\S]+', 'a b', false], ['\\d+\\.\\d+', '1.5', true], ['a|b.c|', 'bxc', true], ['(?U)a+', 'aa', true], ['ü+', 'üü', true], ['💥.', '💥💥', true], ['foo/bar', 'foo/bar', true], ['0^*a\\b*', '0a', true], ['(?m)a$\n^b', 'a\nb', true],
  ])('%s on %s is %s', (pattern, value, expected) => expect(matches(pattern, value)).toBe(expected));

  it.each([
    ['(.*', 'missing closing ): `(.*`'], ['a)', 'unexpected ): `a)`'], ['a)|(b', 'unexpected ): `a)|(b`'], ['(?=a)', 'invalid or unsupported Perl syntax: `(?=`'], ['(?<=a)b', 'invalid named capture: `(?<=a)b`'],
    ['*a', 'missing argument to repetition operator: `*`'], ['a**', 'invalid nested repetition operator: `**`'], ['[a', 'missing closing ]: `[a`'], ['a{2000}', 'invalid repeat count: `{2000}`'],
    ['(a{100}){100}', 'invalid repeat count: `{100}`'], ['\\1', 'invalid escape sequence: `\\1`'], ['\\C', 'invalid escape sequence: `\\C`'], ['\\', 'trailing backslash at end of expression: ``'], ['a{3,2}', 'invalid repeat count: `{3,2}`'],
    ['[[:foo:]]', 'invalid character class range: `[:foo:]`'], ['\\pX', 'invalid character class range: `\\pX`'], ['(?P<n a>b)', 'invalid named capture: `(?P<n a>`'], ['.*(', 'missing closing ): `.*(`'],
  ])('refuses %s in the words of Go', (pattern, words) => expect(() => matches(pattern, '')).toThrow(`error parsing regexp: ${words}`));

  it('refuses what is too long, also when repetitions are written out', () => {
    expect(() => matches('[ab]'.repeat(5_000), '')).toThrow('the regular expression has 20000 characters; the limit is 16384');
    expect(() => matches('(?:[ab]{20}c{5}){40}'.repeat(20), '')).toThrow('the regular expression has 20000 characters, counted repetitions written out; the limit is 16384');
  });

  it('negates', () => {
    expect(compileMatcher({ name: 'a', operator: '!~', value: 'b.*' })('bc')).toBe(false);
    expect(compileMatcher({ name: 'a', operator: '!=', value: 'b' })('')).toBe(true);
    expect(meetsAll({ a: 'b' }, [{ name: 'a', operator: '=', value: 'b' }, { name: 'x', operator: '=', value: '' }])).toBe(true);
  });

  it('takes names of object properties for missing labels', () => expect(labelValue({}, 'constructor')).toBe(''));
});
