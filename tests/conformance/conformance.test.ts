import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { runJudgeFile } from './judge.ts';
import notApplicable from './promql-not-applicable.json' with { type: 'json' };
import { runPromqlFolder } from './promql.ts';

const host = createNodeHost();
const { SORA_CONFORMANCE_DIR: folder } = host.process.env;
const isGiven = folder !== undefined && folder !== '';

describe.skipIf(!isGiven)(`data of others${isGiven ? '' : ' (skipped: SORA_CONFORMANCE_DIR is not set)'}`, () => {
  const file = join(folder ?? '', 'judge/classifier-cases.json');
  const results = isGiven ? runJudgeFile(host, file) : [];
  it.each(results)('judge: $name', (result) => expect(result).toMatchObject({ outcome: 'passed' }));
  it('holds cases', () => expect(results.length).toBeGreaterThan(0));
});

/** The named cases that SORA does not claim are never more than this. */
const notApplicableMax = 200;
/** Of the applicable cases of any folder at least this share passes. */
const passedRatioMin = 0.95;

describe('cases of PromQL that are not applicable', () => {
  it('are few, each named once, and none for another reason', () => {
    const { cases, files } = notApplicable;
    expect(cases.length).toBeLessThanOrEqual(notApplicableMax);
    expect(new Set(cases.map(({ file, line }) => `${file}:${line}`)).size).toBe(cases.length);
    expect(cases.filter(({ reason }) => !/^(?:native histogram in the (?:input|result)|experimental function)$/.test(reason))).toEqual([]);
    expect(cases.filter(({ file }) => !Object.hasOwn(files, file))).toEqual([]);
  });
});

describe.skipIf(!isGiven)(`PromQL of others${isGiven ? '' : ' (skipped: SORA_CONFORMANCE_DIR is not set)'}`, () => {
  it('passes, but for the cases that are named', async () => {
    const place = join(folder ?? '', 'promql');
    const results = await runPromqlFolder(host, place);
    const applicable = results.filter(({ outcome }) => outcome !== 'skipped');
    expect(applicable.length).toBeGreaterThan(0);
    expect(applicable.filter(({ outcome }) => outcome === 'passed').length / applicable.length).toBeGreaterThanOrEqual(passedRatioMin);
    // Files that we know pass as a whole, and what is skipped of them does not grow.
    const known = Object.entries(notApplicable.files).flatMap(([file, sha256]) => (host.files.exists(join(place, file)) && hashOf(join(place, file)) === sha256 ? [file] : []));
    const ofKnown = results.filter(({ group }) => group !== undefined && known.includes(group));
    expect(ofKnown.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    const named = notApplicable.cases.filter(({ file }) => known.includes(file)).map(({ file, line, expr }) => `${file}:${line} ${expr}`);
    expect(ofKnown.filter(({ outcome }) => outcome === 'skipped').map(({ name }) => name)).toEqual(named);
  });
});

const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

describe('npm run conformance', () => {
  let places: string;
  beforeEach(() => {
    places = mkdtempSync(join(tmpdir(), 'sora-conformance-'));
  });
  afterEach(() => rmSync(places, { recursive: true, force: true }));
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(host.process.execPath, [resolve(import.meta.dirname, 'main.ts'), ...args], { encoding: 'utf8' });
  const base = {
    direction: 'either', nanStrategy: 'remove', tolerance: 0.1, confidence: 0.95, control: [1, 2, 3, 4, 5, null], experiment: [11, 12, 13, 14, 'NaN', 15],
  };

  it('counts passed, failed and skipped, shows what failed, and ends with 1', () => {
    const file = join(places, 'cases.json');
    const cases = [{ ...base, name: 'right', expected: 'high' }, { ...base, name: 'wrong', expected: 'low' }, { ...base, name: 'odd', direction: 'sideways', expected: 'low' }];
    host.files.writeText(file, JSON.stringify({ cases }));
    const { status, stdout } = run('judge', file);
    expect(status).toBe(1);
    expect(stdout).toMatch(/✗ wrong\n\s+expected low\n\s+found {4}high/);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('1 passed, 1 failed, 1 skipped');
    host.files.writeText(file, JSON.stringify({ cases: cases.slice(0, 1) }));
    expect(run('judge', file)).toMatchObject({ status: 0, stdout: '1 passed, 0 failed, 0 skipped\n' });
  });

  it('ends with 1 where no case could be run', () => {
    const file = join(places, 'odd.json');
    host.files.writeText(file, JSON.stringify({ cases: [{ ...base, name: 'odd', direction: 'sideways', expected: 'low' }] }));
    const { status, stdout } = run('judge', file);
    expect(stdout).toContain('0 passed, 0 failed, 1 skipped');
    expect(status).toBe(1);
  });

  it('compares whether a metric condemns by itself, where a case says it', () => {
    const file = join(places, 'critical.json');
    const cases = [true, false].map((critical) => ({ ...base, name: `critical ${critical}`, isCritical: true, expected: 'high', critical }));
    host.files.writeText(file, JSON.stringify({ cases }));
    expect(runJudgeFile(host, file)).toEqual([
      { outcome: 'passed', name: 'critical true' },
      { outcome: 'failed', name: 'critical false', expected: 'high, not critical', found: expect.stringMatching(/^high, critical \(/) as string },
    ]);
  });

  it('runs a folder of scripts and counts each file', () => {
    const load = 'load 1m\n  a 1 2\n  h {{count:1}}\n\n';
    host.files.writeText(join(places, 'right.test'), `${load}eval instant at 1m a\n  a 2\n\neval instant at 0 histogram_count(h)\n  {} 1\n`);
    host.files.writeText(join(places, 'wrong.test'), `${load}eval instant at 1m a\n  a 3\n`);
    const { status, stdout } = run('promql', places);
    expect(status).toBe(1);
    expect(stdout).toMatch(/✗ wrong\.test:5 a\n\s+expected 1 series\n\s+found {4}a 2 instead of 3/);
    expect(stdout).toContain('◌ right.test:8 histogram_count(h): native histogram in the input\n');
    expect(stdout.trimEnd().split('\n').slice(-3)).toEqual(['right.test: 1 passed, 0 failed, 1 skipped', 'wrong.test: 0 passed, 1 failed, 0 skipped', '1 passed, 1 failed, 1 skipped']);
  });

  it('refuses what it cannot run with one message', () => {
    const text = join(places, 'text.json');
    host.files.writeText(text, 'no json');
    for (const [args, says] of [
      [['juge', text], /no kind "juge"[^]*did you mean judge/], [['judge'], /takes one path, found 0/], [['promql', join(places, 'none')], /there is no folder/], [['promql', places], /holds no \*\.test file/], [['judge', join(places, 'none')], /there is no file/],
      [['judge', text], /is no JSON/], [[], /no kind of data is named/],
    ] as const) {
      const { status, stderr } = run(...args);
      expect(status).toBe(104);
      expect(stderr).toMatch(says);
    }
  });
});
