import { describe, expect, it } from 'vitest';
import { authorPlace } from './author-frames.ts';

const own = new URL('./engine.ts', import.meta.url).pathname;
const sdk = new URL('../../services/sdk/client.ts', import.meta.url).pathname;

describe('authorPlace', () => {
  it.each([
    ['a function', 'TypeError: no\n    at Object.run (file:///home/jane/load/shop.ts:12:31)\n    at next (file:///home/jane/load/other.ts:1:1)', 'shop.ts:12:31'],
    ['no function', 'Error: no\n    at file:///home/jane/load/shop.ts:3:7', 'shop.ts:3:7'],
    ['what awaits', `Error: no\n    at act (${own}:9:1)\n    at async run (C:\\load\\shop.ts:12:31)`, 'shop.ts:12:31'],
    ['what calls a library', `Error: no\n    at parse (/load/node_modules/xml/index.js:1:2)\n    at get (${sdk}:5:6)\n    at run (/load/shop.ts:7:8)`, 'shop.ts:7:8'],
    ['what calls the runtime', 'SyntaxError: no\n    at JSON.parse (<anonymous>)\n    at node:internal/x:1:2\n    at run (/load/shop.ts:7:8)', 'shop.ts:7:8'],
    ['nothing of the author', `Error: no\n    at act (${own}:9:1)\n    at JSON.parse (<anonymous>)`, ''],
    ['no stack', '', ''],
  ])('finds %s', (_what, stack, place) => {
    expect(authorPlace(stack)).toBe(place);
  });
});
