import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { runJudgeFile } from './judge.ts';

const host = createNodeHost();
const { SORA_CONFORMANCE_DIR: folder } = host.process.env;
const isGiven = folder !== undefined && folder !== '';

describe.skipIf(!isGiven)(`data of others${isGiven ? '' : ' (skipped: SORA_CONFORMANCE_DIR is not set)'}`, () => {
  const file = join(folder ?? '', 'judge/classifier-cases.json');
  const results = isGiven ? runJudgeFile(host, file) : [];
  it.each(results)('judge: $name', (result) => expect(result).toMatchObject({ outcome: 'passed' }));
  it('holds cases', () => expect(results.length).toBeGreaterThan(0));
});

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

  it('refuses what it cannot run with one message', () => {
    const text = join(places, 'text.json');
    host.files.writeText(text, 'no json');
    for (const [args, says] of [
      [['juge', text], /no kind "juge"[^]*did you mean judge/], [['judge'], /takes one path, found 0/], [['judge', join(places, 'none')], /there is no file/],
      [['judge', text], /is no JSON/], [[], /no kind of data is named/],
    ] as const) {
      const { status, stderr } = run(...args);
      expect(status).toBe(104);
      expect(stderr).toMatch(says);
    }
  });
});
