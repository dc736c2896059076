import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileQuick } from './quick-test.ts';
import { compileWhole } from './re2.ts';

const piece = fc.constantFrom('.*', '.+', 'a', 'b', 'ab', 'ba', '.', '\\.', '\\-', '💥', '(a|b)', '(?:b|ab|)', '(a)', '()', '|', '\n', 'a*', '[ab]', '^', '$', '(.*|b)', '\\d', 'a{2}', '(?i)', ']', '-');
const patterns = fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.join(''));
const texts = fc.array(fc.constantFrom('a', 'b', '.', '-', '💥', '\n', '1'), { maxLength: 8 }).map((letters) => letters.join(''));

describe('quick tests of patterns', () => {
  it('agree with RE2', () => {
    fc.assert(fc.property(patterns, fc.array(texts, { minLength: 1, maxLength: 10 }), (pattern, values) => {
      const test = compileQuick(pattern);
      if (test === undefined) return;
      const reference = compileWhole(pattern);
      for (const value of values) expect([value, test(value)]).toEqual([value, reference(value)]);
    }), { numRuns: 1_000 });
  });

  it.each(['', 'a', 'a|b|c', '10\\.0\\.0\\.1:90', '(get|put)-(ok|no)', '.*', '.+', 'api-.*', '.*foo.*', '.+foo', 'a.*b.+c', '(a|b)c.*', 'a|b.*|', '(?:a|b)'])('are made of %s', (pattern) => {
    expect(compileQuick(pattern)).toBeDefined();
  });

  it.each(['a*', '[ab]', 'a.b', '(a', 'a)', '(?i)a', '(a.*|b)', '((a))', '.*?', '.*.+', '(a|b)*', 'a{2}', '^a$', '\\d', '\\', '\ud83d.*', '(0|1|2|3|4|5|6|7|8|9)'.repeat(4), 'a.*|'.repeat(20), 'a.*'.repeat(20)])('leave %s to RE2', (pattern) => {
    expect(compileQuick(pattern)).toBeUndefined();
  });
});
