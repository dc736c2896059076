import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Comparison } from '../../loadtests/report/compare/schema.ts';
import type { Summary } from '../../loadtests/report/summary-schema.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { renderCheck } from './check.ts';
import type { Check } from './check.ts';
import { checksOf, twosOf } from './compare-runs.ts';
import { failureChecks } from './kill-service.ts';
import { goodputChecks, recoveryCheck, refusalChecks } from './overload-checks.ts';
import type { Probed } from './probe.ts';
import { descendantsOf, listProcesses, survivorsOf } from './process-tree.ts';
import type { ProcessRow } from './process-tree.ts';

const startMs = Date.UTC(2026, 0, 1);
const at = (second: number): number => startMs + second * 1_000;

/** A run of so many seconds, all hold, with 100 operations each; `change` gives what differs. */
function runOf(seconds: number, change: (second: number) => Partial<Summary['series'][number]> = () => ({})): Summary {
  const series = Array.from({ length: seconds }, (_, second) => ({
    second, phase: 'hold' as const, users: 200, total: 100, failed: 0, refused: 0, p50Ms: 5, p95Ms: 20, p99Ms: 40, ...change(second),
  }));
  const firstFailed = series.find(({ failed }) => failed > 0);
  return {
    startedAt: new Date(startMs).toISOString(), users: 200, thinkTimeS: 2, series,
    phases: [{ name: 'hold', startS: 0, durationS: seconds, plannedS: seconds, total: 0, failed: 0, refused: 0 }],
    errors: firstFailed === undefined ? [] : [{ kind: 'status 503', op: 'feed', count: 1, firstAtS: firstFailed.second, firstMessage: '' }],
  } as unknown as Summary;
}

const failing = (checks: readonly Check[]): string[] => checks.filter(({ ok }) => !ok).map(({ name }) => name);

describe('failures of a kill drill', () => {
  const outage = { killedAtMs: at(10.4), readyAtMs: at(13.2) };
  const failedAt = (...seconds: number[]) => runOf(40, (second) => (seconds.includes(second) ? { failed: 30 } : {}));

  test('may lie between the second of the kill and five seconds after readiness', () => {
    expect(failing(failureChecks(failedAt(10, 11, 13, 18), outage))).toEqual([]);
  });
  test('are found before the kill', () => {
    expect(failing(failureChecks(failedAt(8, 11), outage))).toEqual(['failed before the kill', 'first failure before the kill by']);
  });
  test('are found after the recovery', () => {
    expect(failing(failureChecks(failedAt(11, 19), outage))).toEqual(['failed later than 5 s after readiness']);
  });
  test('a load that does not come back, or a run that ends too early, is found', () => {
    expect(failing(failureChecks(runOf(40, (second) => (second > 18 ? { total: 70 } : {})), outage))).toEqual(['good operations/s after, of those before']);
    expect(failing(failureChecks(runOf(20), outage))).toContain('seconds observed after recovery');
  });
});

describe('overload', () => {
  const window = { fromMs: at(30), toMs: at(90) };
  const before = { fromMs: at(0), toMs: at(29) };
  const inside = (second: number): boolean => second >= 30 && second < 90;
  const second = (good: number) => runOf(100, () => ({ total: 100, failed: 100 - good }));
  const base = (good: number) => runOf(140, (s) => (inside(s) ? { failed: 100 - good } : {}));

  test('goodput counts what both generators got done, against the rate before', () => {
    expect(failing(goodputChecks(base(45), second(40), before, window))).toEqual([]);
    expect(failing(goodputChecks(base(40), second(35), before, window))).toEqual(['goodput in overload, of the proven rate']);
  });
  test('without twice the load, or below the rate that is called proven, it proves nothing', () => {
    expect(failing(goodputChecks(base(100), runOf(100, () => ({ total: 50 })), before, window))).toEqual(['offered in overload, of the proven rate']);
    expect(failing(goodputChecks({ ...base(100), users: 400 }, second(100), before, window))).toEqual(['proven rate, good operations/s']);
  });

  const reply = (status: number, tookMs: number, retryAfter?: string): Probed => ({ atMs: 0, status, retryAfter, tookMs });
  const sample = (...extra: Probed[]): Probed[] => [...Array.from({ length: 200 }, () => reply(200, 5)), ...extra];
  test('refusals must be 429 or 503, say when to come again, and come at once', () => {
    expect(failing(refusalChecks(sample(reply(503, 4, '1'), reply(429, 30, '2'))))).toEqual([]);
    for (const rude of [reply(503, 4), reply(500, 4, '1'), reply(0, 4)]) {
      expect(failing(refusalChecks(sample(rude)))).toEqual(['refusals that are not 429 or 503 with Retry-After']);
    }
    expect(failing(refusalChecks(sample(reply(503, 60, '1'))))).toEqual(['refusal answered in, p95']);
    expect(failing(refusalChecks([]))).toEqual(['replies sampled']);
  });
  test('recovery counts to the last bad second, and an unseen one is none', () => {
    const slowUntil = (until: number) => runOf(140, (s) => (s >= 30 && s < until ? { p95Ms: 900 } : {}));
    expect(recoveryCheck(slowUntil(95), window)).toMatchObject({ ok: true, measured: '5 s' });
    expect(recoveryCheck(slowUntil(125), window)).toMatchObject({ ok: false, measured: '35 s' });
    expect(recoveryCheck(runOf(100), window).ok).toBe(false);
  });
});

describe('the drill of comparisons', () => {
  const pair = (verdict: string, change = 0.1) => ({ verdict, rows: [{ op: 'like', metric: 'p50', change, candidateBlocks: 6 }] }) as unknown as Comparison;
  const all = (count: number, verdict: string): Comparison[] => Array.from({ length: count }, () => pair(verdict));
  const ofFive = { equalOfFive: all(15, 'same'), slowerOfFive: all(15, 'worse') };
  test('allows 1 false alarm and 2 misses of 20', () => {
    expect(failing(checksOf({ equal: [...all(19, 'insufficient'), pair('worse')], slower: [...all(18, 'worse'), ...all(2, 'insufficient')], ...ofFive }))).toEqual([]);
  });
  test('names more of either, on one baseline and on five', () => {
    const found = { equal: [...all(18, 'insufficient'), ...all(2, 'worse')], slower: [...all(17, 'worse'), ...all(3, 'insufficient')] };
    expect(failing(checksOf({ ...found, ...ofFive }))).toEqual(['equal pairs called worse, of 20', 'slower runs found, of 20']);
    const calm = { equal: all(20, 'insufficient'), slower: all(20, 'worse') };
    expect(failing(checksOf({ ...calm, equalOfFive: [...all(13, 'same'), ...all(2, 'worse')], slowerOfFive: [...all(13, 'worse'), ...all(2, 'same')] }))).toEqual(['equal runs on 5 baselines called worse, of 15', 'slower runs on 5 baselines found, of 15']);
  });
  test('pairs runs so that none stands in two pairs', () => {
    expect(twosOf([1, 2, 3, 4, 5])).toEqual([[1, 2], [3, 4]]);
    expect(twosOf([1])).toEqual([]);
  });
  test('plants 10 % more, in every operation or in one', async () => {
    const server = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/paced-server.ts'), '1', '1.1', '1.1:like'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(server, 'exit');
    const [line] = (await once(server.stdout, 'data')) as [Buffer];
    const ports = line.toString().trim().split(' ');
    expect(ports).toHaveLength(3);
    expect(await Promise.all(ports.map(async (port) => (await fetch(`http://127.0.0.1:${port}/like`)).status))).toEqual([200, 200, 200]);
    expect((await fetch(`http://127.0.0.1:${ports[0]}/unknown`)).status).toBe(404);
    server.stdin.end();
    expect(await ended).toEqual([0, null]);
  });
});

test('a process tree holds grandchildren, and survivors are told from the dead', async () => {
  const host = createNodeHost();
  const child = spawn('sh', ['-c', 'sleep 60 & echo ready; wait'], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  const tree = (): ProcessRow[] => descendantsOf(listProcesses(host), process.pid).filter((row) => row.pid === pid || row.parent === pid);
  // The shell's child bears the shell's command line until it has become `sleep`.
  await expect.poll(() => tree().map(({ command }) => command)).toEqual([expect.stringContaining('wait'), 'sleep 60']);
  const below = tree();
  expect(survivorsOf(host, below)).toHaveLength(2);
  // Another program under the same pid is no survivor.
  expect(survivorsOf(host, below.map((row) => ({ ...row, command: 'postgres: other: walwriter' })))).toEqual([]);
  const ended = once(child, 'exit');
  process.kill(-pid, 'SIGKILL');
  await ended;
  await expect.poll(() => survivorsOf(host, below)).toEqual([]);
});

test('a line says sign, name, measured value, comparator and limit', () => {
  expect(renderCheck({ name: 'lost', ok: false, measured: '2', limit: '= 0' }, 6)).toBe('  ✗ lost    2  = 0');
  expect(renderCheck({ name: 'lost', ok: true, measured: '0', limit: '= 0' }, 4)).toBe('  ✓ lost  0  = 0');
  expect(renderCheck({ name: 'note', ok: true, measured: 'x', limit: '' }, 4)).toBe('  · note  x');
});
