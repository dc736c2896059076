import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { harness, parts } from './catalog.ts';
import { describeMachine, readMachine, warnOfLoad } from './machine.ts';
import { helpOf, parseMainOptions } from './options.ts';
import { exitCodeOf } from './run-catalog.ts';
import { runBenchFile } from './run-file.ts';

const root = resolve(import.meta.dirname, '../..');
const bootstrap = [join(root, 'ops/cli/bootstrap.mjs'), '--exec', 'loadtests/bench/main.ts'];
const folder = mkdtempSync(join(tmpdir(), 'sora-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('options of the bench', () => {
  it('measures every group, in order, unless told otherwise', () => {
    expect(parseMainOptions([], parts)).toEqual({ groups: Object.keys(parts.files), quick: false, json: false, help: false });
    expect(parseMainOptions(['--quick', '--only', 'metrics,log', '--only=log', '-o', 'json'], parts)).toEqual(
      { groups: ['log', 'metrics'], quick: true, json: true, help: false });
  });

  it('names the nearest flag or group for one that does not exist', () => {
    expect(() => parseMainOptions(['--quik'], parts)).toThrow(expect.objectContaining({ exitCode: 104, hint: expect.stringContaining('--quick') }));
    expect(() => parseMainOptions(['--only', 'legder'], parts)).toThrow(expect.objectContaining({ exitCode: 104, hint: expect.stringContaining('did you mean ledger?') }));
    expect(() => parseMainOptions(['-o', 'xml'], parts)).toThrow('output "xml" is unknown');
    expect(() => parseMainOptions(['log'], parts)).toThrow(expect.objectContaining({ exitCode: 104 }));
  });

  it('knows bench files that exist', () => {
    const { files } = createNodeHost();
    expect([...Object.values(parts.files), ...Object.values(harness.files)].filter((file) => !files.exists(join(root, file)))).toEqual([]);
  });
});

describe('the help of the harness’s bench', () => {
  it('names the script that installs the other generators, and it exists', () => {
    const script = /bash (\S+\.sh)/.exec(helpOf(harness))?.[1] ?? '';
    expect(script).toBe('loadtests/bench/harness/install-peers.sh');
    expect(createNodeHost().files.exists(join(root, script))).toBe(true);
  });
});

describe('the exit code', () => {
  const row = { group: 'cost', name: 'sora / wrk', unit: 'times', median: 1.6, low: 1.5, high: 1.7 };
  const [met, missed] = [{ ...row, must: { atMost: 2 } }, { ...row, must: { atMost: 1.5 } }];
  const unmeasured = { group: 'cost', name: 'sora / k6', unit: 'times', must: { atMost: 0.28 }, unmeasured: 'k6 is not installed' };
  const failed = [{ group: 'memory', reason: '3 operations failed' }];

  it('tells a missed limit from a group that failed and from a figure that was not measured', () => {
    expect(exitCodeOf({ rows: [row, met], failed: [] }, false)).toBe(0);
    expect(exitCodeOf({ rows: [met, missed, unmeasured], failed }, false)).toBe(99);
    expect(exitCodeOf({ rows: [met, unmeasured], failed }, false)).toBe(1);
    expect(exitCodeOf({ rows: [met, unmeasured], failed: [] }, false)).toBe(98);
    expect(exitCodeOf({ rows: [{ group: 'cost', name: 'sora / oha', unit: 'times', unmeasured: 'oha is not installed' }], failed: [] }, false)).toBe(0);
  });

  it('of quick rounds judges no figure, but tells a group that failed', () => {
    expect(exitCodeOf({ rows: [missed, unmeasured], failed: [] }, true)).toBe(0);
    expect(exitCodeOf({ rows: [missed], failed }, true)).toBe(1);
  });
});

describe('the machine', () => {
  const idle = { ...readMachine(), cores: 2, cpuModel: 'Fast CPU', memoryBytes: 24 * 2 ** 30, node: '24.1.0', loadAverage: 0.2 };

  it('is told in one line', () => {
    expect(describeMachine(idle)).toBe('2 cores of Fast CPU, 24 GB of memory, node 24.1.0, load average 0.20');
  });

  it('is warned about when others use it', () => {
    expect(warnOfLoad(idle)).toBeUndefined();
    expect(warnOfLoad({ ...idle, loadAverage: 1.5 })).toMatch(/^warning: the load average is 1.50/);
  });
});

describe('a bench file', () => {
  const run = (name: string, source: string, timeoutMs = 20_000): Promise<unknown> => {
    const file = join(folder, name);
    writeFileSync(file, source);
    return runBenchFile(createNodeHost(), file, { quick: true, stopped: new AbortController().signal, timeoutMs });
  };

  it('that fails, prints no rows or never ends is named with the reason', async () => {
    await expect(run('fails.mjs', 'process.exit(3)')).rejects.toThrow(/fails.mjs ended with 3$/);
    await expect(run('silent.mjs', 'console.log("[]")')).rejects.toThrow('printed no rows: []');
    await expect(run('loud.mjs', 'setInterval(() => process.stdout.write("x".repeat(100_000)), 1)')).rejects.toThrow('more than 1048576 bytes');
    await expect(run('endless.mjs', 'setInterval(() => undefined, 1_000)', 300)).rejects.toThrow('longer than 0.3 s');
  });
});

describe('npm run bench', () => {
  it('prints the table of one group', async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [...bootstrap, '--quick', '--only', 'log']);
    const [machine, blank, head, ...rows] = stdout.trimEnd().split('\n');
    expect(machine).toMatch(/\d+ cores? of .+, \d+ GB of memory, node \d+\.\d+\.\d+, load average \d/);
    expect(blank).toBe('');
    expect(head).toMatch(/^GROUP +WHAT +MEDIAN +LOW +HIGH +SPREAD +UNIT/);
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatch(/^log +log call, no redaction +[\d.]+ +[\d.]+ +[\d.]+ +\d+ % +µs CPU\/call$/);
    expect(stderr).toContain('[1/1] log took');
  });

  it('stops at a signal with 105 and leaves no process behind', async () => {
    const bench = spawn(process.execPath, [...bootstrap, '--only', 'log', '-o', 'json'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    bench.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
    const started = new Promise<void>((settle) => {
      bench.stderr.on('data', (bytes: Buffer) => bytes.toString().includes('[1/1] log') && settle());
    });
    await started;
    bench.kill('SIGINT');
    // `close` waits for standard error, which the bench file has inherited: it has ended too.
    expect(await once(bench, 'close')).toEqual([105, null]);
    expect(JSON.parse(stdout)).toMatchObject({ rows: [], failed: [] });
  });

  it('ends with 104 and one message for a wrong flag', async () => {
    const failed = promisify(execFile)(process.execPath, [...bootstrap, '--onyl', 'log']);
    await expect(failed).rejects.toMatchObject({ code: 104, stdout: '', stderr: expect.stringMatching(/^bench: bench has no flag --onyl\nhint: did you mean --only\?/) });
  });

  it('shows an example in its help', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [...bootstrap, '--help']);
    expect(stdout).toContain('npm run bench -- --quick --only metrics,tracing');
  });
});
