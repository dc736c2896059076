import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { summarySchema } from '../report/summary-schema.ts';
import { startFakeAvalo } from './fixtures/avalo.ts';
import type { FakeAvalo } from './fixtures/avalo.ts';
import { buildTimeoutMs, makeLoadPlace, whyNoK6 } from './fixtures/run-load.ts';
import type { LoadPlace } from './fixtures/run-load.ts';
import { readBrowserOptions, readK6Options } from './runner/arguments.ts';
import { rangesWithout } from './runner/fence.ts';
import { runK6 } from './runner/process.ts';

const host = createNodeHost();
const reason = whyNoK6(host);

let avalo: FakeAvalo;
let place: LoadPlace;
beforeAll(async () => {
  avalo = await startFakeAvalo();
  place = await makeLoadPlace(host, reason === undefined);
}, buildTimeoutMs);
afterAll(async () => {
  await avalo[Symbol.asyncDispose]();
  place[Symbol.dispose]();
});

describe.skipIf(reason !== undefined)(`sora load k6${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it('plays the journeys of the mix as the seeded users and keeps the run', async () => {
    const { code, stdout, stderr } = await place.run(['k6', 'smoke', '--users', '40', '--think', '2s', '--duration', '8s', '-o', 'json', '--quiet'], avalo.url);
    const summary = summarySchema.parse(JSON.parse(stdout === '' ? JSON.stringify(stderr) : stdout));
    expect(summary).toMatchObject({ verdict: 'pass', exitCode: 0, scenario: 'k6-smoke', users: 40, generator: { tool: expect.stringMatching(/^k6 v2\./) as string, unsent: 0, sockets: null } });
    expect(code).toBe(0);
    expect(Object.keys(summary.byOperation)).toEqual(expect.arrayContaining(['chat', 'feed', 'flood', 'like', 'login', 'profile']));
    expect(summary.operations.offeredPerS).toBeCloseTo(21.2, 1);
    expect(Math.abs(summary.operations.total - 21.2 * 6.4)).toBeLessThanOrEqual(10);
    expect(summary.errors).toEqual([]);
    expect(summary.latencyMs.response.p95).toBeGreaterThan(0);
    expect(summary.series.reduce((sum, point) => sum + point.total, 0)).toBeGreaterThan(0);
    expect([...avalo.seen.keys()]).toEqual(expect.arrayContaining(['GET /feed', 'PUT /posts/:id/like', 'POST /accounts/login', 'GET /conversations']));
    expect(avalo.tokens).toContain('Bearer token-of-40');
    // Nothing of the users' tokens stays behind.
    expect(readdirSync(join(place.home, 'k6'))).toEqual([]);
    expect(readFileSync(join(place.home, 'runs', summary.runId, 'summary.json'), 'utf8')).not.toContain('token-of-');
  }, 60_000);

  it('fails with k6 where a threshold is missed, and tells which check failed', async () => {
    await using broken = await startFakeAvalo({ feedStatus: 503 });
    const { code, stdout } = await place.run(['k6', 'smoke', '--users', '40', '--think', '2s', '--duration', '8s', '-o', 'json', '--quiet'], broken.url);
    const summary = summarySchema.parse(JSON.parse(stdout));
    expect(code).toBe(99);
    expect(summary).toMatchObject({ verdict: 'fail', exitCode: 99 });
    expect(summary.errors[0]).toMatchObject({ op: 'feed', firstAtS: null });
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
