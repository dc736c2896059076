import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { listCommand, removeCommand, showCommand } from './runs.ts';

const main = join(import.meta.dirname, '../main.ts');
const home = mkdtempSync(join(tmpdir(), 'sora-runs-'));
afterAll(() => rmSync(home, { recursive: true }));

it('says once how a run ended where stdout and stderr are one file, and on both where they are not', { timeout: 60_000 }, () => {
  const run = (stdio: ['ignore', number | 'pipe', number | 'pipe']) =>
    spawnSync(process.execPath, [main, 'run', 'hello', '--target', 'http://127.0.0.1:1', '--users', '5', '--ramp', '0s', '--duration', '1s'], { stdio, env: { PATH: process.env['PATH'] ?? '', SORA_HOME: home }, encoding: 'utf8' });
  const log = openSync(join(home, 'log'), 'w');
  expect(run(['ignore', log, log]).status).toBe(99);
  closeSync(log);
  const text = readFileSync(join(home, 'log'), 'utf8');
  expect([text.match(/report\.html/g)?.length, text.match(/FAIL/g)?.length]).toEqual([1, 1]);
  const apart = run(['ignore', 'pipe', 'pipe']);
  for (const told of [apart.stdout, apart.stderr]) expect([told.match(/report\.html/g)?.length, told.match(/FAIL/g)?.length]).toEqual([1, 1]);
});

it.each([
  [listCommand, ['--colour'], 'load ls has no flag --colour'],
  [listCommand, ['-x'], 'load ls has no flag -x'],
  [listCommand, ['-o'], '-o of load ls needs a value'],
  [showCommand, ['--no-color=1'], '--no-color of load show takes no value'],
  [removeCommand, ['--all'], 'load rm has no flag --all'],
])('%o with %j says so in one sentence', (command, args, message) => {
  expect(() => command(createTestHost(), args)).toThrow(expect.objectContaining({ exitCode: 104, message }) as Error);
});

it('takes --no-color like every other command', () => {
  expect(spawnSync(process.execPath, [main, 'ls', '--no-color'], { env: { PATH: process.env['PATH'] ?? '', SORA_HOME: home } }).status).toBe(0);
});
