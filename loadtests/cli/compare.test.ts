import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Host } from '../../ops/core/host.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import type { TestHost } from '../../ops/core/test-host.ts';
import { readK6Options } from '../k6/runner/arguments.ts';
import { sampleCompared } from '../report/compare/sample.ts';
import { comparisonSchema } from '../report/compare/schema.ts';
import { RunStore } from '../runs/store.ts';
import { newestOfKind, openBaselineGate } from './baseline.ts';
import { readBaselineFlags } from './baseline-flags.ts';
import { compareCommand } from './compare.ts';
import { trendCommand } from './trend.ts';

let folder: string;
let base: TestHost;
let host: Host;
let store: RunStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sora-compare-'));
  base = createTestHost();
  host = { ...base, process: { ...base.process, env: { SORA_HOME: folder } } };
  store = new RunStore(host, join(folder, 'runs'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const keep = (wanted: Parameters<typeof sampleCompared>[0]): ReturnType<typeof sampleCompared> => {
  const run = sampleCompared(wanted);
  store.save(run.summary, run.blocks);
  return run;
};

/** Parts of a summary that was made over these connections. */
function via(transport: 'pooled' | 'per-user', runtime: 'node' | 'bun' = 'node'): Pick<ReturnType<typeof sampleCompared>['summary'], 'generator'> {
  const { generator } = sampleCompared({ seed: 1 }).summary;
  return { generator: { ...generator, connections: { sourceAddresses: 0, opened: 1, retries: 0, redirects: 0, transport, runtime } } };
}

/** Of a run that was one share of two: its own users are as many as whole runs have. */
const share = { partition: { index: 0, count: 2 }, verdict: 'insufficient' as const, reasons: ['one share of 2: only all of them together have a verdict, by sora load merge'] };

describe('load compare', () => {
  it('answers 98, 99 and 0, in text and as JSON', () => {
    for (let seed = 1; seed <= 6; seed++) keep({ seed, runNoise: 0.01 });
    keep({ seed: 7, slower: 1.2 });
    expect(compareCommand(host, ['run-1', 'run-6'])).toBe(98);
    expect(base.written.stdout).toMatch(/◌ INSUFFICIENT {2}Nothing is worse/);
    expect(compareCommand(host, ['run-6', 'latest', '--tolerance', '5%'])).toBe(99);
    base.written.stdout = '';
    expect(compareCommand(host, ['run-6', '--last', '5', '-o', 'json'])).toBe(0);
    const found = comparisonSchema.parse(JSON.parse(base.written.stdout));
    expect(found).toMatchObject({ verdict: 'same', bandFrom: 'runs', candidate: 'run-6', baselines: ['run-5', 'run-4', 'run-3', 'run-2', 'run-1'] });
    expect(compareCommand(host, ['run-1', 'run-6', ...['2', '3', '4', '5'].flatMap((seed) => ['--baseline', `run-${seed}`])])).toBe(0);
  });

  it('refuses runs of another kind by name, and warns of what may explain a difference', () => {
    keep({ seed: 1, change: { users: 7, thinkTime: 'constant, 1 s' } });
    keep({ seed: 2, change: { seed: 5, reasons: ['validity: lateness p99 80 ms, limit 50 ms'], verdict: 'insufficient' } });
    keep({ seed: 3 });
    expect(() => compareCommand(host, ['run-1', 'run-3'])).toThrow(/run-1 has another users: 7, not 10000; run-1 has another think time/);
    compareCommand(host, ['run-2', 'run-3']);
    expect(base.written.stdout).toContain('! run-2 has another seed: 5, not 42');
    expect(base.written.stdout).toContain('! run-2 was itself INSUFFICIENT');
  });

  it('refuses runs of another transport, and tells of another target, runtime and early end', () => {
    keep({ seed: 1, change: via('per-user') });
    keep({ seed: 2, change: { ...via('pooled', 'bun'), target: 'http://127.0.0.1:9', reasons: ['aborted: threshold x: measured 7'], verdict: 'fail' } });
    keep({ seed: 3 });
    expect(() => compareCommand(host, ['run-1', 'run-3'])).toThrow(/run-1 has another transport: per-user, not pooled/);
    compareCommand(host, ['run-2', 'run-3']);
    for (const says of ['run-2 has another target: http://127.0.0.1:9', 'run-2 has another runtime: bun, not node', 'run-2 was itself FAIL: aborted: threshold x']) expect(base.written.stdout).toContain(`! ${says}`);
  });

  it('refuses shares of a run, and takes none for a whole one', () => {
    keep({ seed: 1, change: share });
    keep({ seed: 2 });
    keep({ seed: 3, change: share });
    for (const args of [['run-1', 'run-2'], ['run-2', 'run-3'], ['run-2', '--baseline', 'run-1'], ['run-3', '--last', '5']]) expect(() => compareCommand(host, args)).toThrow(/run run-[13] is one share of 2, not a whole run/);
    expect(() => compareCommand(host, ['run-2', '--last', '5'])).toThrow(/no run of launch-mix with 10000 users/);
  });

  it('says what is wrong with what it was given', () => {
    const { summary } = sampleCompared({ seed: 1 });
    store.save(summary);
    keep({ seed: 2 });
    for (const [args, says] of [
      [[], /needs two runs/], [['run-2'], /something to compare the run with/], [['run-2', 'run-9'], /no run "run-9"/], [['run-1', 'run-2'], /run-1 kept no blocks/],
      [['run-2', 'run-2'], /its own baseline/], [['run-2', '--last', '99'], /--last: "99" is not a whole number from 1 to 20/], [['run-2', '--last', '3'], /no run of launch-mix with 10000 users/],
      [['a', 'b', 'c'], /takes two runs, found 3/], [['a', 'b', '--tolerance', 'much'], /--tolerance "much"/], [['a', 'b', '-o', 'xml'], /output "xml"/], [['--wide'], /--wide/],
    ] as const) expect(() => compareCommand(host, args)).toThrow(says);
  });
});

it('does not advise to make a run of k6 again, which never has blocks', () => {
  const { summary } = sampleCompared({ seed: 1 });
  store.save({ ...summary, scenario: 'k6-load', generator: { ...summary.generator, tool: 'k6 v2.2.0' } });
  keep({ seed: 2 });
  expect(() => compareCommand(host, ['run-1', 'run-2'])).toThrow(expect.objectContaining({ message: 'run run-1 was made by k6, whose runs have no blocks to compare by', hint: expect.not.stringContaining('again') }) as Error);
  expect(() => readK6Options(['load', '--baseline', 'last:5'])).toThrow('load k6 has no --baseline: k6 tells one summary of its whole run');
});

describe('a run’s baseline', () => {
  const kind = { scenario: 'launch-mix', users: 10_000, thinkTime: 'exponential, mean 10 s' };

  it('is found before the run begins, and judges it afterwards', () => {
    for (let seed = 1; seed <= 5; seed++) keep({ seed, runNoise: 0.01 });
    const gate = openBaselineGate(store, { names: [], last: 5, tolerance: 0.05 }, kind);
    const slow = sampleCompared({ seed: 9, slower: 1.3 });
    const before = { ...slow.summary, verdict: 'pass' as const, reasons: [], exitCode: 0 };
    expect(gate(before, slow.blocks)).toMatchObject({ verdict: 'fail', exitCode: 99, comparison: { verdict: 'worse', bandFrom: 'runs' } });
    const machine = { ...slow.summary.machine, cores: 8 };
    expect(gate({ ...before, machine }, slow.blocks)).toMatchObject({ verdict: 'insufficient', exitCode: 98, comparison: { rows: [] } });
    expect(openBaselineGate(store, { names: [], last: 0, tolerance: 0.05 }, kind)(before, slow.blocks)).toBe(before);
  });

  it('is refused at once where it is missing or of another kind', () => {
    keep({ seed: 1 });
    expect(() => openBaselineGate(store, { names: ['run-4'], last: 0, tolerance: 0.05 }, kind)).toThrow(/no run "run-4"/);
    expect(() => openBaselineGate(store, { names: ['run-1'], last: 0, tolerance: 0.05 }, { ...kind, users: 5 })).toThrow(/baseline run-1 has another users: 10000, this run 5/);
    expect(() => openBaselineGate(store, { names: ['run-1'], last: 0, tolerance: 0.05 }, { ...kind, transport: 'per-user' })).toThrow(/has another transport: pooled, this run per-user/);
    expect(() => openBaselineGate(store, { names: [], last: 5, tolerance: 0.05 }, { ...kind, scenario: 'hello' })).toThrow(/no run of hello/);
    expect(() => openBaselineGate(store, { names: [], last: 5, tolerance: 0.05 }, { ...kind, arrival: 'in 1 stage: 0 to 9 in 5 s' })).toThrow('with 10000 users, in 1 stage: 0 to 9 in 5 s, and think time');
    keep({ seed: 2, change: share });
    expect(() => openBaselineGate(store, { names: ['run-2'], last: 0, tolerance: 0.05 }, kind)).toThrow(/run-2 is one share of 2/);
  });

  it('takes the newest of its kind that measured something valid', () => {
    keep({ seed: 1 });
    keep({ seed: 2, change: { reasons: ['interrupted'] } });
    keep({ seed: 3, change: { users: 3 } });
    keep({ seed: 4 });
    keep({ seed: 5, change: { reasons: ['aborted: threshold x: measured 7'], verdict: 'fail' } });
    keep({ seed: 6, change: via('per-user') });
    keep({ seed: 7, change: share });
    expect(newestOfKind(store, kind, 5).map(({ summary }) => summary.runId)).toEqual(['run-4', 'run-1']);
    expect(newestOfKind(store, kind, 1).map(({ summary }) => summary.runId)).toEqual(['run-4']);
    expect(newestOfKind(store, { ...kind, transport: 'per-user' }, 5).map(({ summary }) => summary.runId)).toEqual(['run-6']);
  });

  it('is read from flags', () => {
    const errors: Error[] = [];
    expect(readBaselineFlags({ baseline: ['a', 'last:5'], tolerance: '10%' }, errors as never)).toEqual({ names: ['a'], last: 5, tolerance: 0.1 });
    expect(errors).toEqual([]);
    readBaselineFlags({ baseline: ['last:many', ...Array.from({ length: 21 }, () => 'x')], tolerance: '-1' }, errors as never);
    expect(errors.map((error) => error.message)).toEqual([expect.stringContaining('"many"'), expect.stringContaining('21 baseline runs'), expect.stringContaining('"-1"')]);
  });
});

describe('load trend', () => {
  it('tells the run since which a scenario is slower, and has nothing to say of few runs', () => {
    const p95 = (seed: number): Partial<ReturnType<typeof sampleCompared>['summary']> => {
      const { latencyMs } = sampleCompared({ seed }).summary;
      return { latencyMs: { ...latencyMs, response: { ...latencyMs.response, p95: (seed >= 8 ? 150 : 100) + (seed % 3) } } };
    };
    for (let seed = 1; seed <= 6; seed++) keep({ seed, change: p95(seed) });
    expect(trendCommand(host, [])).toBe(98);
    expect(base.written.stdout).toContain('◌ INSUFFICIENT  6 valid runs');
    for (let seed = 7; seed <= 16; seed++) keep({ seed, change: p95(seed) });
    base.written.stdout = '';
    expect(trendCommand(host, ['launch-mix', '-o', 'json'])).toBe(0);
    const found = JSON.parse(base.written.stdout) as { verdict: string; trends: { metric: string; changes: { run: string }[] }[] };
    expect(found.verdict).toBe('changed');
    expect(found.trends.filter(({ changes }) => changes.length > 0)).toMatchObject([{ metric: 'p95', changes: [{ run: 'run-8' }] }]);
    expect(trendCommand(host, [])).toBe(0);
    expect(base.written.stdout).toMatch(/response p95 .*101 ms +151 ms +\+50 % +run-8 .*✗ worse/);
    expect(() => trendCommand(host, ['lunch'])).toThrow(/no run of "lunch" is kept/);
  });

  it('leaves out runs of another transport, and those that a threshold ended', () => {
    for (let seed = 1; seed <= 4; seed++) keep({ seed, change: via('per-user') });
    for (let seed = 5; seed <= 8; seed++) keep({ seed, change: { reasons: ['aborted: threshold x: measured 7'], verdict: 'fail' } });
    for (let seed = 9; seed <= 14; seed++) keep({ seed });
    trendCommand(host, ['launch-mix', '-o', 'json']);
    expect(JSON.parse(base.written.stdout)).toMatchObject({ runs: 6 });
  });

  it('leaves out shares of a run, though one of them is the newest', () => {
    for (let seed = 1; seed <= 6; seed++) keep({ seed, change: share });
    expect(() => trendCommand(host, [])).toThrow('only shares of runs of "launch-mix" are kept');
    for (let seed = 7; seed <= 12; seed++) keep({ seed });
    keep({ seed: 13, change: { ...share, users: 500 } });
    trendCommand(host, ['launch-mix', '-o', 'json']);
    expect(JSON.parse(base.written.stdout)).toMatchObject({ users: 10_000, runs: 6 });
  });

  it('goes on over runs whose reports were pushed out by others', () => {
    for (let seed = 1; seed <= 12; seed++) keep({ seed });
    for (let seed = 20; seed < 72; seed++) keep({ seed, change: { scenario: 'hello' } });
    expect(trendCommand(host, ['launch-mix', '-o', 'json'])).toBe(0);
    expect(JSON.parse(base.written.stdout)).toMatchObject({ scenario: 'launch-mix', runs: 12 });
  });
});
