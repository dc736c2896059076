import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { summarySchema } from '../report/summary-schema.ts';
import type { Summary } from '../report/summary-schema.ts';
import { startFakeAvalo } from './fixtures/avalo.ts';
import type { FakeAvalo } from './fixtures/avalo.ts';
import { makeLoadPlace, whyNoK6 } from './fixtures/run-load.ts';
import type { LoadEnded, LoadPlace } from './fixtures/run-load.ts';
import { readBrowserOptions, readK6Options } from './runner/arguments.ts';
import { rangesWithout } from './runner/fence.ts';
import { runK6 } from './runner/process.ts';

const host = createNodeHost();
const reason = await whyNoK6(host);

let avalo: FakeAvalo;
let place: LoadPlace;
beforeAll(async () => {
  avalo = await startFakeAvalo(host);
  place = await makeLoadPlace(host, reason === undefined);
});
afterAll(async () => {
  await avalo[Symbol.asyncDispose]();
  place[Symbol.dispose]();
});

const smoke = ['k6', 'smoke', '--users', '40', '--think', '2s', '--duration', '8s', '-o', 'json'];
/** What a run printed; where it printed nothing, a failure that shows what it said instead. */
const summaryOf = ({ stdout, stderr }: LoadEnded): Summary => summarySchema.parse(JSON.parse(stdout === '' ? JSON.stringify(stderr) : stdout));

describe.skipIf(reason !== undefined)(`sora load k6${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it('plays the journeys of the mix as the seeded users and keeps the run', async () => {
    const ended = await place.run([...smoke, '--quiet'], avalo.url, { home: 'well' });
    const summary = summaryOf(ended);
    expect(summary).toMatchObject({ scenario: 'k6-smoke', users: 40, generator: { tool: expect.stringMatching(/^k6 v2\./) as string, sockets: null } });
    // On a machine that is busy with other tests it may be slow, and nothing else.
    expect(summary.reasons.filter((why) => !/response_time|iterations dropped/.test(why))).toEqual([]);
    expect(ended.code).toBe({ pass: 0, fail: 99, insufficient: 98 }[summary.verdict]);
    expect(Object.keys(summary.byOperation)).toEqual(expect.arrayContaining(['chat', 'feed', 'flood', 'like', 'login', 'profile']));
    expect(summary.operations.offeredPerS).toBeCloseTo(21.2, 1);
    expect(Math.abs(summary.operations.total - 21.2 * 6.4)).toBeLessThanOrEqual(10 + summary.generator.unsent);
    expect(summary.errors).toEqual([]);
    expect(summary.resources).toMatchObject({ systemMeasured: false, processes: [{ name: 'generator' }], money: null });
    expect(summary.resources?.used.cpuS).toBeGreaterThan(0);
    expect(summary.resources?.used.bytesReceived).toBeGreaterThan(summary.requests.bytesReceived);
    expect(summary.latencyMs.response.p95).toBeGreaterThan(0);
    // Its requests run at once; 1 ms for rounding to the histogram's columns.
    const flood = summary.byOperation['flood']?.latencyMs;
    expect(flood?.service.max).toBeLessThanOrEqual((flood?.response.max ?? 0) + 1);
    expect(summary.series.reduce((sum, point) => sum + point.total, 0)).toBeGreaterThan(0);
    expect([...avalo.seen.keys()]).toEqual(expect.arrayContaining(['GET /feed', 'PUT /posts/:id/like', 'POST /accounts/login', 'GET /conversations']));
    expect(avalo.tokens).toContain('Bearer token-of-40');
    // Nothing of the users' tokens stays behind.
    expect(readdirSync(join(place.home, 'well/k6'))).toEqual([]);
    expect(readFileSync(join(place.home, 'well/runs', summary.runId, 'summary.json'), 'utf8')).not.toContain('token-of-');
  }, 60_000);

  it.concurrent('fails with k6 where a threshold is missed, and tells which check failed', async ({ expect }) => {
    await using broken = await startFakeAvalo(host, { feedStatus: 503 });
    const ended = await place.run([...smoke, '--quiet'], broken.url, { home: 'broken' });
    expect(ended.code).toBe(99);
    expect(summaryOf(ended)).toMatchObject({ verdict: 'fail', exitCode: 99 });
    expect(summaryOf(ended).errors[0]).toMatchObject({ op: 'feed', firstAtS: null });
  }, 60_000);

  it.concurrent('proves nothing where k6 had to drop iterations', async ({ expect }) => {
    await using slow = await startFakeAvalo(host, { feedDelayMs: 7_000 });
    const ended = await place.run([...smoke, '--think=1s', '--quiet'], slow.url, { home: 'slow' });
    expect(ended.code).toBe(98);
    const summary = summaryOf(ended);
    expect(summary.generator.unsent).toBeGreaterThan(0);
    expect(summary.reasons[0]).toContain('iterations dropped by k6');
  }, 60_000);

  it.concurrent('keeps what it measured when it is interrupted', async ({ expect }) => {
    const ended = await place.run(smoke, avalo.url, { home: 'interrupted', interruptAt: /running \(0[4-9]/ });
    expect(ended.code).toBe(105);
    const summary = summaryOf(ended);
    expect(summary).toMatchObject({ verdict: 'insufficient', exitCode: 105, reasons: ['interrupted', ...summary.reasons.slice(1)] });
    const holdS = summary.phases.find(({ name }) => name === 'hold')?.durationS ?? 0;
    expect(holdS).toBeGreaterThan(0.5);
    expect(holdS).toBeLessThan(6.4);
  }, 60_000);

  it('lets k6 reach the target and no other address', async () => {
    const summaryPath = join(place.folder, 'reach.json');
    const signal = new AbortController().signal;
    const { port } = new URL(avalo.url);
    const { exitCode } = await runK6(host, {
      k6Path: place.k6Path, scriptPath: join(import.meta.dirname, 'fixtures/reach.ts'), signal, force: signal, onTick: () => undefined,
      flags: ['--quiet', ...rangesWithout('127.0.0.1').flatMap((range) => ['--blacklist-ip', range])],
      env: { REACH: `http://127.0.0.1:${port}/feed http://127.0.0.2:${port}/feed http://[::1]:${port}/feed`, REACH_SUMMARY: summaryPath },
    });
    expect(exitCode).toBe(0);
    // 1110 is what k6 calls an address on its list.
    expect(JSON.parse(readFileSync(summaryPath, 'utf8'))).toEqual([[200, 0], [0, 1110], [0, 1110]]);
  }, 30_000);
});

describe.skipIf(reason !== undefined)(`k6 without sora${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it('refuses a target that is not this machine and not listed', () => {
    const play = (env: Readonly<Record<string, string>>): { status: number | null; stderr: string } =>
      spawnSync(place.k6Path, ['run', '--quiet', '--address', '127.0.0.1:0', join(import.meta.dirname, 'smoke.ts')], { encoding: 'utf8', cwd: place.folder, env: { K6_NO_USAGE_REPORT: 'true', SORA_USERS: '20', ...env } });
    const refused = play({ SORA_TARGET: 'http://192.0.2.1:3000' });
    expect(refused.stderr).toContain('SORA_TARGET names 192.0.2.1, which is not this machine; if it is yours to load, list it: SORA_STAGING=192.0.2.1');
    expect(refused.status).toBe(107);
    // Listed, it gets as far as asking who signs in.
    expect(play({ SORA_TARGET: 'http://192.0.2.1:3000', SORA_STAGING: '192.0.2.1' }).stderr).toContain('SORA_SESSIONS or SORA_ADMIN_SECRET must say how users sign in');
  }, 30_000);
});

describe('sora load k6 on wrong input', () => {
  it('ends with 104 and one message before anything runs', async () => {
    const { code, stderr } = await place.run(['plan-k6', 'smoke', '--target', 'http://10.0.0.1', '--sessions', 'x'], avalo.url);
    expect(stderr).toContain('10.0.0.1 resolves to 10.0.0.1, which is not this machine');
    expect(code).toBe(104);
  });

  it.each([
    [['smok'], 'there is no k6 suite "smok"'],
    [[], 'no suite is named'],
    [['smoke', 'load'], '"load" is one argument too many'],
    [['smoke', '--users', '3'], '--users 3 is not a whole number from 20 to 200000'],
    [['smoke', '--duration', '1s'], '--duration 1s is outside 8000 ms to 24 h'],
    [['smoke', '--target', 'http://127.0.0.1:9'], 'no admin endpoint'],
    [['smoke', '-o', 'xml'], '--output "xml" is unknown'],
    [['smoke', '--usres', '30'], "Unknown option '--usres'"],
  ])('refuses %j', (args, message) => {
    expect(() => readK6Options(args)).toThrow(message);
  });

  it.each([
    [['smoke'], 'load browser does not take "smoke"'],
    [['--browsers', '99'], '--browsers 99 is not a whole number from 1 to 50'],
  ])('refuses browser %j', (args, message) => {
    expect(() => readBrowserOptions(args)).toThrow(message);
  });
});
