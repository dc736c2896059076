import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SoraError } from '../../ops/core/error.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { ConfigErrors } from './config-errors.ts';
import { readRunOptions } from './options.ts';
import { helpText } from './help.ts';
import { expectedLoad } from './expected-load.ts';
import { describeThinkTime, prepareRun, replacedThinkTime } from './prepare.ts';

const host = createTestHost();
const read = (...args: string[]): { options: ReturnType<typeof readRunOptions>; errors: SoraError[] } => {
  const errors: SoraError[] = [];
  return { options: readRunOptions(args, errors), errors };
};
const refusal = async (...args: string[]): Promise<SoraError> => {
  try {
    await prepareRun(host, args);
  } catch (error) {
    return error as SoraError;
  }
  throw new Error('it was accepted');
};

describe('readRunOptions', () => {
  it('reads every flag', () => {
    const { options, errors } = read(
      'launch-mix', '--users=5', '--duration', '90s', '--ramp', '0ms', '--think', '2s', '--seed', '7', '--pace', 'after-reply', '--threshold', 'response_time: p(95)<1',
      '--threshold', 'http_reqs: count>0', '--validity', 'cpu=90%', '--validity', 'lateness=1s', '--confirm-target=a.com', '--note', 'x', '-o', 'json', '--quiet',
    );
    expect(errors).toEqual([]);
    expect(options).toMatchObject({
      scenario: 'launch-mix', overrides: { users: 5, holdMs: 90_000, rampMs: 0, seed: 7, pace: 'after-reply', thinkTimeMs: { kind: 'exponential', mean: 2_000 } },
      validity: { coreShareMax: 0.9, latenessP99Ms: 1_000, loopDelayP99Ms: 50 }, confirmed: ['a.com'], note: 'x', json: true, quiet: true,
    });
    expect(options.thresholds).toHaveLength(2);
  });
  it('takes of each verb what it can use, and shows no more in its help', () => {
    const refused = (verb: 'run' | 'debug', ...args: string[]): string[] => {
      const errors: SoraError[] = [];
      readRunOptions(['launch-mix', ...args], errors, verb);
      return errors.map(({ message }) => message);
    };
    expect(refused('debug', '--user', '7', '--think', '1s', '--tls-insecure')).toEqual([]);
    expect(refused('debug', '--note', 'x', '--duration', '5s')).toEqual(['load debug has no flag --note', 'load debug has no flag --duration']);
    expect(refused('run', '--user', '7')).toEqual(['load run has no flag --user']);
    for (const flag of ['--duration', '--sockets', '--note', '--baseline']) expect(helpText('debug')).not.toContain(`${flag} `);
    expect(helpText('debug')).toContain('--user N');
    expect(helpText('run')).not.toContain('--user N');
  });
  it('knows the flags that the sora command takes before it', () => {
    expect(read('launch-mix', '--kepp').errors[0]?.hint).toContain('did you mean --keep?');
    expect(read('launch-mix', '--keep').errors[0]?.message).toBe('--keep is a flag of the sora command');
    for (const flag of ['--stack', '--replicas', '--keep']) expect(helpText('run')).toContain(flag);
  });
  it('says when --think replaces the distribution of the scenario', async () => {
    const run = await prepareRun(host, ['hello', '--target', 'http://127.0.0.1:1']);
    expect(replacedThinkTime(run)).toBe('');
    const replaced = await prepareRun(host, ['hello', '--target', 'http://127.0.0.1:1', '--think', '3s']);
    expect([describeThinkTime(replaced.thinkTimeMs), replacedThinkTime(replaced)]).toEqual(['exponential, mean 3 s', ` (--think; the scenario's own is ${describeThinkTime(run.thinkTimeMs)})`]);
  });
  it('tells everything that is wrong at once, each with the value and the next step', () => {
    const { errors } = read('launch-mix', '--usrs', '4', '--users', '0', '--duration', '5x', '--threshold', 'nonsense', '--pace', 'fast', '--validity', 'cpu=7');
    expect(errors).toHaveLength(6);
    expect(errors[0]).toMatchObject({ message: 'there is no flag --usrs', hint: expect.stringContaining('--users') });
    expect(errors.every((error) => error.exitCode === 104 && error.hint !== undefined)).toBe(true);
  });
  it.each([['--users', '-5'], ['--users', '1e9'], ['--users', '99999999999'], ['--users', '2.5'], ['--duration', '0s'], ['--duration', '9999d'], ['--seed', '-1'], ['--users'], ['-o', 'xml'], ['--user', '-1']])('refuses %s %s', (...args) => {
    expect(read('launch-mix', ...args).errors).toHaveLength(1);
  });
});

describe('prepareRun', () => {
  it('plans a built-in scenario without a server', async () => {
    const run = await prepareRun(host, ['launch-mix', '--users', '100', '--duration', '10s', '--ramp', '0s', '--think', '1s']);
    expect(run).toMatchObject({ needsStack: true, users: 100, holdMs: 10_000 });
    expect(expectedLoad(run)).toMatchObject({ operations: 1_000, operationsPerS: 100, durationMs: 10_000 });
    expect(describeThinkTime(run.thinkTimeMs)).toBe('exponential, mean 1 s');
  });
  it('needs no stack against a target', async () => {
    expect((await prepareRun(host, ['hello', '--target', 'http://127.0.0.1:3000'])).needsStack).toBe(false);
  });
  it('tells an unknown scenario together with bad flags, and suggests the nearest', async () => {
    const error = await refusal('lanch-mix', '--users', '0');
    expect(error).toBeInstanceOf(ConfigErrors);
    expect((error as ConfigErrors).all.map((each) => each.message)).toEqual([expect.stringContaining('--users 0'), 'there is no scenario "lanch-mix"']);
    expect((error as ConfigErrors).all[1]?.hint).toContain('launch-mix?');
  });
  it.each([
    [['hello'], 'needs to know what to load'],
    [['hello', '--target', 'http://93.184.216.34'], 'not this machine'],
    [['hello', '--target', 'http://www.example.com', '--yes'], 'looks like production'],
    [['hello', '--target', 'ftp://127.0.0.1'], 'ftp'],
    [['hello', '--target', 'http://127.0.0.1:1', '--threshold', 'response_time{op:nope}: p(95)<1'], 'has no operation "nope"'],
    [['./missing.ts'], 'no scenario file'],
    [[], 'no scenario is named'],
  ])('refuses %j with 104', async (args, part) => {
    expect(await refusal(...args)).toMatchObject({ exitCode: 104, message: expect.stringContaining(part) });
  });
  it('ends with 107 when the scenario does not load', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sora-scenario-'));
    const file = join(folder, 'broken.mjs');
    writeFileSync(file, 'throw new Error("broken on purpose");');
    expect(await refusal(file, '--target', 'http://127.0.0.1:1')).toMatchObject({ exitCode: 107, message: expect.stringContaining('broken on purpose') });
    rmSync(folder, { recursive: true });
  });
});
