import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SoraError, invalidConfig, renderError } from '../core/error.ts';
import { createTestHost } from '../core/test-host.ts';
import { parseFlags } from './command.ts';
import type { Context } from './command.ts';
import { renderReply } from './db.ts';
import { describeForced, describeLeft, interruptedError } from './load-stack.ts';
import { logs } from './logs.ts';
import { status } from './status.ts';

describe('renderError', () => {
  test('says what is wrong, and indented below it what to do', () => {
    expect(renderError(invalidConfig('port 1 is taken', 'choose another\nor stop it'))).toBe('error: port 1 is taken\n  choose another\n  or stop it\n');
    expect(renderError(new SoraError('x', 'no hint'))).toBe('error: no hint\n');
    expect(renderError('text')).toBe('error: text\n');
  });
});

describe('parseFlags', () => {
  test.each([
    [status, ['--output'], '--output needs a value', 'write --output table|json'],
    [status, ['-o'], '--output needs a value', 'write --output table|json'],
    [logs, ['--follow=yes'], '--follow takes no value', 'write --follow alone'],
  ])('%o %j is told in words of our own', (command, args, message, hint) => {
    expect(() => parseFlags(command, args)).toThrow(expect.objectContaining({ message, hint, exitCode: 104 }));
  });
});

describe('renderReply', () => {
  test('shows databases, one that is half made or half dropped without a size', () => {
    const row = { kind: 'database', users: null, seed: null, usedAt: null };
    const table = renderReply(JSON.stringify({ databases: [{ ...row, name: 'sora', sizeBytes: 7_804_607 }, { ...row, name: 'run_1', sizeBytes: null }] }));
    expect(table.split('\n').map((line) => line.split(/\s+/).slice(0, 3))).toEqual([['NAME', 'KIND', 'SIZE'], ['sora', 'database', '8MB'], ['run_1', 'database', '<none>'], ['']]);
  });
  test('has a row for each migration, and nothing where there was none', () => {
    expect(renderReply('{"applied":["0001_a","0002_b"]}')).toBe('APPLIED\n0001_a\n0002_b\n');
    expect(renderReply('{"applied":[]}')).toBe('');
    expect(renderReply('{"applied":7}')).toBe('APPLIED\n7\n');
  });
});

describe('describeLeft', () => {
  test('says how a database goes that a forced stop may have left', () => {
    expect(describeLeft('run_1', interruptedError(), false)).toBe(
      'the database of this run, run_1, may still be there, as dropping it was interrupted\n  the next load run drops it; to drop it now: npx sora db drop run_1 --stack load\n');
    expect(describeLeft('run_1', new Error('no answer'), true)).toBe('the database of this run, run_1, could not be dropped: no answer\n  to drop it: npx sora db drop run_1\n');
  });
});

describe('describeForced', () => {
  test('says who clears up after a stop by force', () => {
    const host = createTestHost();
    const on = (url: string): string => describeForced({ host: { ...host, process: { ...host.process, env: { DATABASE_URL: url } } }, root: '', home: '', topology: '' });
    expect(on('')).toContain('the next load run drops');
    expect(on('postgres://u@h/d')).toContain('npx sora db drop NAME');
  });
});

describe('sora logs', () => {
  const host = createTestHost();
  let home = '';
  let context: Context;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'sora-logs-'));
    mkdirSync(join(home, 'stack/logs'), { recursive: true });
    writeFileSync(join(home, 'stack/logs/api.log'), '{"severity":"INFO","time":"2026-01-01T00:00:00.000Z","service":"api","correlationId":"known-1","message":"request refused"}\n');
    context = { host, root: home, home, topology: '' };
  });
  afterEach(() => rmSync(home, { recursive: true }));
  const search = async (...args: string[]): Promise<{ stdout: string; stderr: string }> => {
    const before = { ...host.written };
    expect(await logs.run(context, args)).toBe(0);
    return { stdout: host.written.stdout.slice(before.stdout.length), stderr: host.written.stderr.slice(before.stderr.length) };
  };

  test('that find nothing say so, why that may be and where else to look', async () => {
    expect(await search('--correlation', 'known-1')).toEqual({ stdout: expect.stringContaining('request refused') as string, stderr: '' });
    const { stdout, stderr } = await search('--correlation', 'unknown-1', '--level', 'info');
    expect(stdout).toBe('');
    for (const part of ['no line has the correlation id "unknown-1"', 'took more than a second', 'leave out --level', '--stack load']) expect(stderr).toContain(part);
    expect(await search('--level', 'error')).toEqual({ stdout: '', stderr: 'no line matches\n  leave out --level to search more\n' });
  });
});
