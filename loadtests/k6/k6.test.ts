import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { findOnPath, findTool, goTools, requireTool } from '../../ops/core/tools.ts';
import { summarySchema } from '../report/summary-schema.ts';
import { readK6Options } from './runner/arguments.ts';
import { rangesWithout } from './runner/fence.ts';
import { runK6 } from './runner/process.ts';
import { adminSecret, startFakeAvalo } from './fixtures/avalo.ts';
import type { FakeAvalo } from './fixtures/avalo.ts';

const host = createNodeHost();
const root = join(import.meta.dirname, '../..');
const places = { root, home: join(root, '.sora') };
const isHere = findTool(host, goTools.k6, places) !== undefined || findOnPath(host, 'go') !== undefined;
const where = isHere ? '' : ' (skipped: neither k6 v2 nor Go is on the PATH)';

let folder = '';
let avalo: FakeAvalo;

beforeAll(async () => {
  avalo = await startFakeAvalo();
  folder = mkdtempSync(join(tmpdir(), 'sora-k6-'));
  if (!isHere) return;
  const k6 = await requireTool(host, goTools.k6, places, (message) => host.stderr.write(`${message}\n`));
  mkdirSync(join(folder, 'bin'));
  symlinkSync(k6.path, join(folder, 'bin/k6'));
}, 900_000);

afterAll(async () => {
  await avalo[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `sora load k6 …` without the part that finds a stack. */
function runLoad(args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [join(root, 'loadtests/main.ts'), ...args], {
    env: {
      PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`, HOME: folder, SORA_HOME: join(folder, 'home'),
      SORA_TARGET: avalo.url, SORA_ADMIN_URL: avalo.url, SORA_ADMIN_SECRET: adminSecret, ...env,
    },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

describe.skipIf(!isHere)(`sora load k6${where}`, () => {
  it('plays the journeys of the mix as the seeded users and keeps the run', async () => {
    const { code, stdout, stderr } = await runLoad(['k6', 'smoke', '--users', '40', '--think', '2s', '--duration', '5s', '-o', 'json', '--quiet']);
    const summary = summarySchema.parse(JSON.parse(stdout === '' ? `"${stderr}"` : stdout));
    expect(summary).toMatchObject({ verdict: 'pass', exitCode: 0, scenario: 'k6-smoke', users: 40, generator: { tool: 'k6 v2.2.0', unsent: 0, sockets: null } });
    expect(code).toBe(0);
    expect(Object.keys(summary.byOperation)).toEqual(expect.arrayContaining(['chat', 'feed', 'flood', 'like', 'login', 'profile']));
    expect(summary.operations.offeredPerS).toBeCloseTo(22, 0);
    expect(Math.abs(summary.operations.total - 22 * 4)).toBeLessThanOrEqual(8);
    expect(summary.errors).toEqual([]);
    expect(summary.latencyMs.response.p95).toBeGreaterThan(0);
    expect(summary.series.reduce((sum, point) => sum + point.total, 0)).toBeGreaterThan(0);
    expect([...avalo.seen.keys()]).toEqual(expect.arrayContaining(['GET /feed', 'PUT /posts/:id/like', 'POST /accounts/login', 'GET /conversations']));
    expect(avalo.tokens).toContain('Bearer token-of-40');
    // Nothing of the users' tokens stays behind.
    expect(readdirSync(join(folder, 'home/k6'))).toEqual([]);
    expect(readFileSync(join(folder, 'home/runs', summary.runId, 'summary.json'), 'utf8')).not.toContain('token-of-');
  }, 60_000);

  it('fails with k6 where a threshold is missed, and tells which check failed', async () => {
    await using broken = await startFakeAvalo({ feedStatus: 503 });
    const { code, stdout } = await runLoad(['k6', 'smoke', '--users', '40', '--think', '2s', '--duration', '3s', '-o', 'json', '--quiet'], { SORA_TARGET: broken.url });
    const summary = summarySchema.parse(JSON.parse(stdout));
    expect(code).toBe(99);
    expect(summary).toMatchObject({ verdict: 'fail', exitCode: 99 });
    expect(summary.errors[0]).toMatchObject({ op: 'feed', firstAtS: null });
  }, 60_000);

  it('lets k6 reach the target and no other address', async () => {
    const summaryPath = join(folder, 'reach.json');
    const signal = new AbortController().signal;
    const { port } = new URL(avalo.url);
    const { exitCode } = await runK6(host, {
      k6Path: join(folder, 'bin/k6'), scriptPath: join(root, 'loadtests/k6/fixtures/reach.ts'), signal, force: signal, onTick: () => undefined,
      flags: ['--quiet', ...rangesWithout('127.0.0.1').flatMap((range) => ['--blacklist-ip', range])],
      env: { REACH: `http://127.0.0.1:${port}/feed http://127.0.0.2:${port}/feed http://[::1]:${port}/feed`, REACH_SUMMARY: summaryPath },
    });
    expect(exitCode).toBe(0);
    // 1110 is what k6 calls an address on its list.
    expect(JSON.parse(readFileSync(summaryPath, 'utf8'))).toEqual([[200, 0], [0, 1110], [0, 1110]]);
  }, 30_000);
});

describe('sora load k6 on wrong input', () => {
  it('ends with 104 and one message before anything runs', async () => {
    const { code, stderr } = await runLoad(['plan-k6', 'smoke', '--target', 'http://10.0.0.1', '--sessions', 'x']);
    expect(stderr).toContain('10.0.0.1 resolves to 10.0.0.1, which is not this machine');
    expect(code).toBe(104);
  });

  it.each([
    [['smok'], 'there is no k6 suite "smok"'],
    [[], 'no suite is named'],
    [['smoke', 'load'], '"load" is one argument too many'],
    [['smoke', '--users', '3'], '--users 3 is not a whole number from 20 to 200000'],
    [['smoke', '--duration', '1s'], '--duration 1s is outside 2000 ms to 24 h'],
    [['smoke', '--target', 'http://127.0.0.1:9'], 'no admin endpoint'],
    [['smoke', '-o', 'xml'], '--output "xml" is unknown'],
    [['smoke', '--usres', '30'], "Unknown option '--usres'"],
  ])('refuses %j', (args, message) => {
    expect(() => readK6Options(args)).toThrow(message);
  });
});
