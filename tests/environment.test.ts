import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8');
const schemas = ['services/platform/environment.ts', 'services/api/main.ts', 'services/gateway/config.ts', 'services/mocks/payments/main.ts'];

/** The table of services/README.md. */
const rows = [...read('services/README.md').matchAll(/^\| `([A-Z][A-Z0-9_]+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$/gm)]
  .map(([, name = '', readers = '', byDefault = '']) => ({ name, readers: readers.trim(), byDefault: byDefault.trim() }));

/** Numbers that a schema names instead of writing them. */
const constants = new Map([...read('services/accounts/token.ts').matchAll(/^export const (\w+) = (\d+);$/gm)].map(([, name = '', value = '']) => [name, value]));
const resolved = (text: string | undefined): string | undefined => (text === undefined ? undefined : (constants.get(text) ?? text));

/** Variables that a schema declares: `NAME: z.…,` or, for a schema named before, `NAME: port,`. */
function declared(path: string): { name: string; byDefault: string | undefined; isRequired: boolean }[] {
  return [...read(path).matchAll(/^ {2}([A-Z][A-Z0-9_]+): (.+),$/gm)].map(([, name = '', schema = '']) => ({
    name,
    byDefault: resolved(/\.default\((.*?)\)/.exec(schema)?.[1]?.replaceAll(/['_]/g, '')),
    isRequired: !/\.default\(|\.optional\(/.test(schema),
  }));
}

describe('the table of environment variables', () => {
  test.each(schemas)('holds what %s declares, with its default', (path) => {
    const variables = declared(path);
    expect(variables.length).toBeGreaterThan(4);
    for (const { name, byDefault, isRequired } of variables) {
      const defaults = rows.filter((row) => row.name === name).map((row) => row.byDefault);
      expect(defaults.length, name).toBeGreaterThan(0);
      if (isRequired) expect(defaults, name).toContain('required');
      else if (byDefault !== undefined) expect(defaults, name).toContain(byDefault === '' ? 'none' : byDefault);
    }
  });

  test('holds nothing that no code reads', () => {
    const code = [...schemas, 'services/mocks/ai/main.ts', 'services/workers/main.ts', 'ops/telemetry/tracing.ts', 'ops/telemetry/telemetry.ts', 'ops/telemetry/user-hash.ts'].map(read).join('\n');
    for (const { name } of rows) expect(code).toMatch(new RegExp(`\\b${name}\\b`));
  });
});
