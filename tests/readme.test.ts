import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const documents = ['README.md', 'services/README.md', 'services/seeding/README.md', 'tests/drills/README.md'];
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8');

describe('the documents', () => {
  it('show the smallest scenario as it is', () => {
    const shown = /```ts\n([\s\S]*?)```/.exec(read('README.md'))?.[1];
    expect(shown).toBe(read('loadtests/scenarios/hello.ts'));
  });

  it('link to what exists', () => {
    for (const path of documents) {
      for (const [, target = ''] of read(path).matchAll(/\]\(([^)#]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        expect(existsSync(resolve(root, dirname(path), target)), `${path} links to ${target}`).toBe(true);
      }
    }
  });

  it('name npm scripts and commands that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const path of documents) {
      for (const [, script = ''] of read(path).matchAll(/npm run ([\w:]+)/g)) expect(Object.keys(scripts), path).toContain(script);
      for (const [, noun = ''] of read(path).matchAll(/npx sora ([a-z]+)/g)) expect(existsSync(resolve(root, `ops/cli/${noun}.ts`)), noun).toBe(true);
    }
  });
});
