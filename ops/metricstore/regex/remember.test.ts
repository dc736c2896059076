import { expect, it } from 'vitest';
import { rememberPatterns } from './remember.ts';

it('keeps the patterns last used, and no failure', () => {
  const made: string[] = [];
  const make = rememberPatterns(2, (pattern) => {
    made.push(pattern);
    if (pattern === '(') throw new Error('malformed');
    return pattern.length;
  });
  expect(['a', 'bb', 'a', 'ccc', 'a', 'bb'].map(make)).toEqual([1, 2, 1, 3, 1, 2]);
  expect(made).toEqual(['a', 'bb', 'ccc', 'bb']);
  for (let time = 0; time < 2; time += 1) expect(() => make('(')).toThrow('malformed');
  expect(make('bb')).toBe(2);
  expect(made.slice(4)).toEqual(['(', '(']);
});
