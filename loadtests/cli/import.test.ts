import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestHost, type TestHost } from '../../ops/core/test-host.ts';
import { importCommand } from './import.ts';

const folder = mkdtempSync(join(tmpdir(), 'sora-import-'));
afterAll(() => rmSync(folder, { recursive: true }));
const page = {
  startedDateTime: '2026-01-01T00:00:00Z', time: 5, request: { method: 'GET', url: 'https://app.test/', headers: [] },
  response: { status: 200, headers: [], content: { mimeType: 'text/html', text: '<p>hi</p>' } },
};
writeFileSync(join(folder, 'My visit.har'), `\uFEFF${JSON.stringify({ log: { version: '1.2', entries: [page] } })}`);
writeFileSync(join(folder, 'other.json'), '{"swagger":"2.0"}');
writeFileSync(join(folder, 'broken.har'), '{"log":{"token":"s3cret-value","entr');

let test: TestHost;
beforeEach(() => {
  test = createTestHost();
});
const run = (...args: string[]): number => importCommand({ ...test, process: { ...test.process, cwd: () => folder } }, args);

describe('load import', () => {
  it('writes a file named after the recording, tells its path on stdout and what it found on stderr', () => {
    expect(run('My visit.har')).toBe(0);
    expect(test.written.stdout).toBe(`${join(folder, 'my-visit.ts')}\n`);
    expect(test.written.stderr).toContain('1 requests in 1 operations of https://app.test');
    expect(test.written.stderr).toContain('run it: npx sora load run my-visit.ts --target');
    expect(readFileSync(join(folder, 'my-visit.ts'), 'utf8')).toContain("name: 'my-visit'");
  });

  it('replaces a file only when told to, and prints JSON when asked', () => {
    expect(run('My visit.har', '-o', 'twice.ts', '--name', 'Front Page')).toBe(0);
    expect(() => run('My visit.har', '-o', 'twice.ts')).toThrow(expect.objectContaining({ exitCode: 104, message: expect.stringContaining('twice.ts is there already') as string }));
    test = createTestHost();
    expect(run('My visit.har', '-o', 'twice.ts', '--force', '--json')).toBe(0);
    expect(JSON.parse(test.written.stdout)).toMatchObject({ schema: 'sora.import/v1', file: join(folder, 'twice.ts'), name: 'my-visit', operations: 1, carried: [], secrets: [], leftOut: [] });
  });

  it('takes -o json as every other verb does, alone and beside a file', () => {
    expect(run('My visit.har', '-o', 'named.ts', '-o', 'json')).toBe(0);
    expect(JSON.parse(test.written.stdout)).toMatchObject({ schema: 'sora.import/v1', file: join(folder, 'named.ts') });
    test = createTestHost();
    expect(run('My visit.har', '--force', '--output=json')).toBe(0);
    expect(JSON.parse(test.written.stdout)).toMatchObject({ file: join(folder, 'my-visit.ts') });
  });

  it('reaches its imports from any folder', () => {
    run('My visit.har', '-o', 'here.ts');
    expect(readFileSync(join(folder, 'here.ts'), 'utf8')).toContain("from 'sora';");
  });

  it.each<[string, string[], string]>([
    ['no file', [], 'takes one file, found 0'],
    ['two files', ['a', 'b'], 'takes one file, found 2'],
    ['a file that is not there', ['none.har'], `there is no file ${join(folder, 'none.har')}`],
    ['a file that breaks off', ['broken.har'], 'broken.har is no JSON: it breaks off or is malformed at position'],
    ['a document of another kind', ['other.json'], 'is neither a HAR recording nor an OpenAPI document'],
    ['a target that is no TypeScript', ['My visit.har', '-o', 'x.js'], 'is no TypeScript file'],
    ['two targets', ['My visit.har', '-o', 'x.ts', '-o', 'y.ts'], 'load import writes one file, found 2: x.ts, y.ts'],
    ['a pause that is none', ['My visit.har', '--think-max', '0s'], '--think-max 0s is outside 1 ms to 24 h'],
    ['an origin that is none', ['My visit.har', '--origin', 'app'], '--origin "app" is no web address'],
    ['another origin than the recorded', ['My visit.har', '--origin', 'https://b.test', '-o', 'b.ts'], 'no request to https://b.test is left; left out: 1 to app.test, another origin (--keep-origin app.test)'],
    ['an unknown flag', ['My visit.har', '--fast'], "load import has no flag --fast"],
  ])('refuses %s', (_what, args, message) => {
    expect(() => run(...args)).toThrow(expect.objectContaining({ exitCode: 104, hint: expect.any(String) as string, message: expect.stringContaining(message) as string }));
    expect(() => run(...args)).not.toThrow(/s3cret-value/);
  });
});
