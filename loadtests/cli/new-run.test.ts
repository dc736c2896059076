import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { RunStore } from '../runs/store.ts';
import { requireNewRun } from './new-run.ts';

const main = join(import.meta.dirname, '../main.ts');
const home = mkdtempSync(join(tmpdir(), 'sora-new-run-'));
afterAll(() => rmSync(home, { recursive: true }));

it('refuses a name that is taken, before the run and before a stack is started for it', { timeout: 60_000 }, () => {
  const load = (...args: string[]) =>
    spawnSync(process.execPath, [main, ...args, 'hello', '--target', 'http://127.0.0.1:1', '--run-id', 'r2'], { env: { PATH: process.env['PATH'] ?? '', SORA_HOME: home }, encoding: 'utf8' });
  expect(load('plan').status).toBe(0);
  expect(load('run', '--users', '5', '--ramp', '0s', '--duration', '1s').status).toBe(99);
  const summary = join(home, 'runs/r2/summary.json');
  const first = readFileSync(summary, 'utf8');
  for (const again of [load('plan'), load('run', '--users', '5', '--ramp', '0s', '--duration', '1s')]) {
    expect([again.status, again.stderr]).toEqual([104, expect.stringContaining('--run-id r2: there is a run r2 already')]);
    expect(again.stderr).toContain('npx sora load rm r2');
  }
  expect(readFileSync(summary, 'utf8')).toBe(first);
});

it('asks a share about itself, and not about the others or the merged run', () => {
  const host = createTestHost();
  const store = new RunStore(host, join(home, 'shares'));
  const share = (runId: string | undefined, index: number) => requireNewRun(host, store, { runId, partition: { index, count: 2 }, startAtMs: undefined });
  host.files.makeFolder(store.folderOf('friday'));
  host.files.makeFolder(store.folderOf('friday.share-0-of-2'));
  writeFileSync(join(store.folderOf('friday'), 'summary.json'), '{}');
  expect(() => share('friday', 1)).not.toThrow();
  expect(() => share('friday', 0)).toThrow('there is a run friday.share-0-of-2 already');
  expect(() => share(undefined, 0)).not.toThrow();
});
