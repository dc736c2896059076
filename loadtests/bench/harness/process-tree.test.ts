import { expect, it } from 'vitest';
import { parseProcessTree, rssOf } from './process-tree.ts';

it('adds up a process and its descendants, and nobody else', () => {
  const rows = parseProcessTree('  1     0  100\n 10     1   20\n 11    10    3\n 12    10    4\n 13    12    5\n 20     1  900\n');
  expect(rssOf(rows, 10)).toBe(32 * 1_024);
  expect(rssOf(rows, 99)).toBe(0);
});
