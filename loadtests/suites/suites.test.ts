import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { planSuiteCommand, suiteCommand } from '../cli/suite.ts';
import { sampleFacts, sampleRun } from '../report/sample.ts';
import { buildSummary } from '../report/summary.ts';
import { soakChecks } from './checks.ts';
import { loadSuite, suiteNames } from './load-suite.ts';
import { judgeSuite } from './judge-suite.ts';
import { rateCheck, wantedPerS } from './rate-check.ts';
import { extraLoad, usersOf } from './run-part.ts';
import { missingOf, runSuite, saveSuite } from './run-suite.ts';
import { rateOf, scaleLoad, scalePart } from './scale.ts';
import type { Part } from './suite-schema.ts';

const host = createNodeHost();
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sora-suites-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the suites that come with the harness', () => {
  it('are seven, each a valid file of its own name', () => {
    expect(suiteNames(host)).toEqual(['breakpoint', 'launch-readiness', 'load', 'smoke', 'soak', 'spike', 'stress']);
    for (const name of suiteNames(host)) expect(loadSuite(host, name).name).toBe(name);
  });

  it('hold the targets of launch day', () => {
    const { parts } = loadSuite(host, 'launch-readiness');
    const alone = parts.filter((part) => part.kind === 'run' && part.loads.length === 1).flatMap((part) => (part.kind === 'run' ? part.loads : []));
    const rates = Object.fromEntries(alone.map((load) => [load.scenario, rateOf(load)]));
    expect(alone.find(({ scenario }) => scenario === 'viewers')?.users).toBe(1_000_000);
    expect(rates['paid-chat']).toBeCloseTo(100_000 / 60, 0);
    expect(rates['uploads']).toBeCloseTo(300_000 / 86_400, 1);
    expect(rates['translation']).toBeCloseTo(10_000_000 / 3_600, 0);
    for (const load of alone) expect(load.thresholds).toEqual(expect.arrayContaining(['response_time: p(95)<250', 'http_req_failed: rate<0.01']));
    for (const part of parts) if (part.kind === 'run') expect(part.holdS).toBe(300);
    expect(parts.find(({ name }) => name === 'together')).toMatchObject({ loads: alone });
    expect(parts.find(({ name }) => name === 'together-beyond')).toMatchObject({ kind: 'spike', loads: alone, times: 2 });
  });

  it('fail a soak on slopes as small as its target says', () => {
    const [part] = loadSuite(host, 'soak').parts;
    if (part?.kind !== 'soak') throw new Error('the first part of the soak is one');
    expect(part).toMatchObject({ memoryGrowthPerHourMax: 0.002, p95GrowthPerHourMax: 0.005 });
    expect(part.target).toMatch(/p < 0\.01.*0\.2 % an hour of memory and 0\.5 % of p95/);
    const toS = part.rampS + part.holdS;
    const summary = buildSummary(sampleRun({ phases: [{ name: 'ramp', startMs: 0, endMs: part.rampS * 1_000 }, { name: 'hold', startMs: part.rampS * 1_000, endMs: toS * 1_000 }] }), sampleFacts());
    const judged = (memoryGrowth: number, p95Growth: number): (boolean | null)[] => soakChecks(part, {
      ...summary,
      series: Array.from({ length: toS / 10 }, (_, index) => ({ ...summary.series[0]!, second: index * 10, p95Ms: 100 * (1 + (p95Growth * index * 10) / toS) + (index % 3) })),
      resources: {
        operations: 1, used: { cpuS: 0, gbS: 0, bytesSent: 0, bytesReceived: 0 }, perMillionOperations: null, processes: [], systemMeasured: true, expected: null, money: null,
        memory: Array.from({ length: toS / 10 }, (_, index) => ({ second: index * 10, bytes: { api: 1e8 * (1 + (memoryGrowth * index * 10) / toS) + (index % 5) * 1e4 } })),
      },
    }).map(({ ok }) => ok);
    expect(judged(0, 0)).toEqual([true, true]);
    // Over two hours and a minute.
    expect(judged(0.006, 0)).toEqual([true, false]);
    expect(judged(0, 0.02)).toEqual([false, true]);
    expect(judged(0.003, 0.008)).toEqual([true, true]);
  });

  it('say which backends are missing by what is there', () => {
    const { parts } = loadSuite(host, 'launch-readiness');
    const missing = (root: string): Record<string, string[]> => Object.fromEntries(parts.map((part) => [part.name, missingOf(host, part, root)]));
    expect(missing(folder)['together']).toEqual(['services/realtime', 'loadtests/scenarios/paid-chat.ts', 'services/media', 'services/translation']);
    host.files.makeFolder(join(folder, 'services/media'));
    expect(missing(folder)['uploads']).toEqual(['loadtests/scenarios/uploads.ts']);
    host.files.writeText(join(folder, 'loadtests/scenarios/uploads.ts'), '');
    expect(missing(folder)['uploads']).toEqual([]);
  });
});

describe('loadSuite', () => {
  it.each([
    ['no JSON', '{', /is no JSON/],
    ['a wrong member', JSON.stringify({ name: 'x', description: '', parts: [{ kind: 'run', name: 'a', target: 't', loads: [{ scenario: 's', users: 0, thinkS: 1 }], rampS: 0, holdS: 10 }] }), /parts.0.loads.0.users/],
    ['neither a pause nor arrivals', JSON.stringify({ name: 'x', description: '', parts: [{ kind: 'run', name: 'a', target: 't', loads: [{ scenario: 's', users: 1 }], rampS: 0, holdS: 10 }] }), /needs either thinkS/],
    ['an unknown kind', JSON.stringify({ name: 'x', description: '', parts: [{ kind: 'walk', name: 'a' }] }), /parts.0.kind/],
    ['no part', JSON.stringify({ name: 'x', description: '', parts: [] }), /parts/],
  ])('refuses %s', (_, text, message) => {
    const path = join(folder, 'my-suite.json');
    writeFileSync(path, text);
    expect(() => loadSuite(host, path)).toThrow(expect.objectContaining({ exitCode: 104, message: expect.stringMatching(message) as string }) as Error);
  });
  it('suggests the nearest name', () => {
    expect(() => loadSuite(host, 'spikes')).toThrow(expect.objectContaining({ hint: expect.stringContaining('did you mean spike?') as string }) as Error);
  });
});

describe('scaling', () => {
  const parts = loadSuite(host, 'spike').parts;
  it('shortens durations and rates, and leaves them alone at 1', () => {
    expect(parts.map((part) => scalePart(part, 1))).toEqual(parts);
    expect(scalePart(parts[0] as Part, 0.1)).toMatchObject({ holdS: 3, rampS: 1.5, spikeS: 6 });
    expect(scaleLoad({ users: 10_000, thinkS: 10 }, 30, 1)).toEqual({ users: 10_000, thinkMs: 10_000 });
    const { users, thinkMs } = scaleLoad({ users: 10_000, thinkS: 10 }, 30, 0.1);
    expect((users / thinkMs) * 1_000).toBeCloseTo(100, 1);
  });
  it('takes arrivals for a rate, and twice as many for the rest of a spike of three', () => {
    const visits = { scenario: 'browse', users: 500, arrivalPerS: 40, thresholds: [] };
    expect(scaleLoad(visits, 30, 1)).toEqual({ users: 500, thinkMs: 0, arrivalPerS: 40 });
    expect(scaleLoad(visits, 30, 0.1)).toEqual({ users: 500, thinkMs: 0, arrivalPerS: 20 });
    expect(extraLoad({ times: 3 }, visits)).toMatchObject({ users: 1_000, arrivalPerS: 80 });
    expect(wantedPerS(visits, 30, 1)).toBe(40);
    expect(wantedPerS({ ...visits, ratePerS: 100 }, 30, 0.5)).toBe(50);
  });
  it('does not take arrivals that waited for a user for a rate that was made', () => {
    const summary = { ...buildSummary(sampleRun(), sampleFacts()), verdict: 'pass' as const, arrivalsQueued: 0 };
    expect(rateCheck(summary, 1).ok).toBe(true);
    expect(rateCheck({ ...summary, arrivalsQueued: 7 }, 1)).toMatchObject({ ok: null, text: expect.stringContaining('7 arrivals found no free user') as string });
    // A system that keeps all users busy is slow, and no reason to ask for more.
    expect(rateCheck({ ...summary, arrivalsQueued: 7, verdict: 'fail' }, 1).ok).toBe(true);
  });
  it('knows how many users the parts sign in', () => {
    expect(usersOf(parts, 1)).toBe(30_000);
    expect(usersOf(loadSuite(host, 'breakpoint').parts, 1)).toBe(50_000);
  });
});

describe('what is kept', () => {
  it('is the newest 20, with the one just written', () => {
    const facts = { suite: 'smoke', description: '', target: '', scale: 1, startedAtMs: 0, endedAtMs: 1, interrupted: false };
    for (let index = 0; index < 25; index += 1) {
      const suiteId = `s${index}`;
      saveSuite(host, folder, judgeSuite({ ...facts, suiteId }, []));
      utimesSync(join(folder, suiteId), index, index);
    }
    const path = saveSuite(host, folder, judgeSuite({ ...facts, suiteId: 'last' }, []));
    expect(host.files.exists(path)).toBe(true);
    expect(host.files.exists(join(folder, 'last/junit.xml'))).toBe(true);
    const kept = host.files.list(folder);
    expect(kept).toHaveLength(20);
    expect(kept).toEqual(expect.arrayContaining(['last', 's24']));
    expect(kept).not.toContain('s3');
  });
});

describe('runSuite', () => {
  it('tells what cannot be run, starts nothing for it, and is insufficient', async () => {
    const started: string[] = [];
    const load = { scenario: 'hello', users: 1, thinkS: 1, needs: 'services/no-such-backend', thresholds: [] };
    const part = { kind: 'run' as const, name: 'alone', target: 't', loads: [load], rampS: 0, holdS: 1 };
    const suite = { name: 'x', description: '', parts: [part, { ...part, name: 'together', loads: [load, { ...load, needs: 'services/nor-this' }] }] };
    const signal = new AbortController().signal;
    const result = await runSuite({ host, suite, suiteId: 's', folder, target: 'none', flags: [], scale: 1, signal, onStart: (part) => started.push(part.name) });
    expect(started).toEqual([]);
    expect(result).toMatchObject({ verdict: 'insufficient', exitCode: 98 });
    expect(result.parts.map(({ reasons }) => reasons[0])).toEqual([
      'not run: needs services/no-such-backend', 'not run: needs services/no-such-backend, services/nor-this',
    ]);
  });
});

describe('load suite', () => {
  it.each([
    ['--run-id', 'friday'], ['--start-at', '2099-01-31T14:23:05Z'], ['--partition', '0/2'], ['--baseline', 'last:5'], ['--arrival-rate', '10'], ['--stages', '10s:5'], ['--out', 'csv=seconds.csv'],
  ])('hands no %s on to its runs', async (flag, value) => {
    await expect(command('smoke', '--target', 'http://127.0.0.1:1', flag, value)).rejects.toMatchObject({ exitCode: 104, message: expect.stringMatching(`${flag}.* cannot be given here: `) as string });
  });
  const command = async (...args: string[]): Promise<{ code: number; stdout: string }> => {
    const test = createTestHost();
    return { code: await suiteCommand(test, args), stdout: test.written.stdout };
  };
  it('plans loads and searches of scenarios that arrive', async () => {
    const file = join(folder, 'visits.json');
    const load = { scenario: 'browse', users: 100, arrivalPerS: 5 };
    const timed = { target: 't', rampS: 1, holdS: 10, loads: [load] };
    writeFileSync(file, JSON.stringify({ name: 'visits', description: '', parts: [
      { kind: 'run', name: 'usual', ...timed },
      { kind: 'spike', name: 'spike', ...timed, times: 3, spikeS: 5, p95Ms: 500, recoveryMaxS: 20 },
      { kind: 'search', name: 'limit', target: 't', load: { scenario: 'browse', users: 150 }, fromPerS: 5, toPerS: 50, holdS: 10, probesMax: 4 },
    ] }));
    const test = createTestHost();
    expect(await planSuiteCommand(test, [file])).toBe(0);
    expect(JSON.parse(test.written.stdout)).toMatchObject({ needsStack: true, users: 200 });
    writeFileSync(file, JSON.stringify({ name: 'visits', description: '', parts: [{ kind: 'run', name: 'stay', ...timed, loads: [{ scenario: 'browse', users: 100, thinkS: 5 }] }] }));
    await expect(planSuiteCommand(test, [file])).rejects.toThrow('the stages of its arrival (sessions) say that themselves');
  });
  it('refuses a pause for people who come in sessions, and arrivals for journeys of certain users', async () => {
    const [file, scenario] = [join(folder, 'suite.json'), join(folder, 'visits.ts')];
    writeFileSync(scenario, `import { scenario } from ${JSON.stringify(new URL('../index.ts', import.meta.url).href)};
export default scenario({ name: 'visits', description: '', thinkTimeMs: { kind: 'constant', value: 500 }, journeys: [{ name: 'visit', weight: 1, run: async () => {} }], thresholds: {} });
`);
    const plan = async (load: object): Promise<unknown> => {
      writeFileSync(file, JSON.stringify({ name: 'own', description: '', parts: [{ kind: 'run', name: 'a', target: 't', rampS: 1, holdS: 5, loads: [load] }] }));
      return await planSuiteCommand(createTestHost(), [file, '--target', 'http://127.0.0.1:1']);
    };
    expect(await plan({ scenario, users: 10, arrivalPerS: 5 })).toBe(0);
    await expect(plan({ scenario, users: 10, thinkS: 1 })).rejects.toThrow('visits comes in sessions');
    await expect(plan({ scenario: 'launch-mix', users: 10, arrivalPerS: 5 })).rejects.toThrow('belongs to certain users');
  });
  it('lists suites for people and for scripts', async () => {
    expect((await command('--list')).stdout).toMatch(/^launch-readiness {2}.*\n {2}viewers {2}run {2}1,000,000 concurrent viewers/m);
    const { items } = JSON.parse((await command('--list', '-o', 'json')).stdout) as { items: { name: string }[] };
    expect(items).toHaveLength(7);
    expect(JSON.parse((await command('spike', '--list', '-o', 'json')).stdout)).toMatchObject({ items: [{ name: 'spike' }] });
  });
  it.each([[[]], [['smoke', '--scale', '2']], [['smoke', '--users', '5']], [['smoke', '--no-such-flag']], [['--list', '--target', 'x']], [['smoke', '-o', 'yaml']]])('refuses %j before anything starts', async (args) => {
    await expect(command(...args)).rejects.toMatchObject({ exitCode: 104 });
  });
});
