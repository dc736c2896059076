import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { sampleFacts, sampleRun } from '../report/sample.ts';
import { styleFor } from '../report/style.ts';
import { buildSummary } from '../report/summary.ts';
import type { Summary } from '../report/summary-schema.ts';
import { joinPoints } from '../report/series.ts';
import { runChecks, soakChecks } from './checks.ts';
import { judgePart, judgeSuite, notRun } from './judge-suite.ts';
import type { SuiteFacts } from './judge-suite.ts';
import { renderSuite, renderSuiteJunit } from './render.ts';
import { suiteJsonSchema } from './result-schema.ts';
import type { PartResult } from './result-schema.ts';
import type { RunPart, SoakPart, SpikePart } from './suite-schema.ts';
import { rateCheck, wantedPerS } from './rate-check.ts';
import { calmChecks, spikeChecks } from './spike-checks.ts';
import { goodPerS, recoveredAfterS } from './timeline.ts';

const summary = buildSummary(sampleRun(), sampleFacts());
const load = { scenario: 'launch-mix', users: 100, thinkS: 1, thresholds: [] };
const part: RunPart = { kind: 'run', name: 'mix', target: 'the mix', loads: [load], rampS: 10, holdS: 60 };
const spike: SpikePart = { ...part, kind: 'spike', holdS: 20, times: 2, spikeS: 10, p95Ms: 300, recoveryMaxS: 15, goodputMin: 0.8 };
const soak: SoakPart = { ...part, kind: 'soak', memoryGrowthPerHourMax: 2, p95GrowthPerHourMax: 4 };
const ran = (of: Summary | undefined) => ({ runId: 'r', scenario: 'launch-mix', summary: of, said: 'error: no such thing' });
const lost: Summary = { ...summary, verdict: 'insufficient', audit: { ...(summary.audit as NonNullable<Summary['audit']>), lost: 1 } };
const missed: Summary = { ...summary, verdict: 'fail', thresholds: summary.thresholds.map((row) => ({ ...row, ok: false })) };
const judge = (of: Summary | undefined): PartResult => judgePart(part, [ran(of)], of === undefined ? [] : runChecks(of), 70);

describe('judgePart', () => {
  it.each<[string, Summary | undefined, PartResult['verdict'], boolean]>([
    ['a run that passed', summary, 'pass', false],
    ['a missed threshold', missed, 'fail', false],
    ['a run that proves nothing', { ...missed, verdict: 'insufficient', reasons: ['validity'] }, 'insufficient', false],
    ['a run that never measured', undefined, 'insufficient', false],
    ['a lost write, whatever else', lost, 'fail', true],
  ])('judges %s', (_, of, verdict, broken) => {
    const judged = judge(of);
    expect(judged).toMatchObject({ verdict, broken });
    expect(judged.reasons.length > 0).toBe(verdict !== 'pass');
  });
  const aborted: Summary = { ...summary, verdict: 'fail', reasons: ['aborted: threshold response_time: p(95)<500: measured 900 ms after 9s of the hold'] };
  it('fails a part that must pass with a run that a threshold ended, though all it measured meets the thresholds', () => {
    expect(judge(aborted)).toMatchObject({ verdict: 'fail', broken: false, reasons: [`launch-mix: ${aborted.reasons[0]}`] });
    expect(judgePart(soak, [ran(aborted)], runChecks(aborted), 70).verdict).toBe('fail');
    // The base of a spike misses thresholds while the spike lasts.
    expect(judgePart(spike, [ran(aborted)], [], 70).verdict).toBe('pass');
  });
  it('passes a part with a run whose teardown failed, and does not end well', () => {
    const judged = judge({ ...summary, reasons: ['teardown of launch-mix threw: no such row'], exitCode: 107 });
    expect(judged).toMatchObject({ verdict: 'pass', reasons: ['launch-mix: teardown of launch-mix threw: no such row'] });
    expect(judgeSuite(facts, [judge(summary), judged])).toMatchObject({
      verdict: 'pass', exitCode: 107, reasons: [`mix: ${judged.reasons[0]}`],
    });
  });
  it('says that a ledger does not balance, of which there is no check', () => {
    const unbalanced: Summary = { ...summary, verdict: 'fail', reasons: ['audit: the ledger does not balance'], audit: { ...(summary.audit as NonNullable<Summary['audit']>), ledgerBalanced: false } };
    expect(judge(unbalanced)).toMatchObject({ verdict: 'fail', broken: true, reasons: ['launch-mix: audit: the ledger does not balance'] });
    expect(judgePart(spike, [ran(unbalanced)], [], 70)).toMatchObject({ verdict: 'fail', broken: true });
  });
  it('says of a run that took too long that it was stopped for that', () => {
    const stopped: Summary = { ...summary, verdict: 'insufficient', reasons: ['interrupted'] };
    const [reason] = judgePart(part, [{ ...ran(stopped), overdue: 'it took longer than 31m from its hold on and was stopped' }], runChecks(stopped), 70).reasons;
    expect(reason).toBe('launch-mix: it took longer than 31m from its hold on and was stopped');
  });
  it('says what a run said that never measured', () => {
    expect(judge(undefined).reasons).toEqual(['launch-mix ended before it measured: error: no such thing']);
  });
});

const facts: SuiteFacts = { suiteId: 's1', suite: 'smoke', description: 'd', target: 'http://127.0.0.1:1', scale: 1, startedAtMs: 0, endedAtMs: 70_000, interrupted: false };
const skipped = notRun({ ...part, name: 'viewers' }, ['services/realtime']);

describe('judgeSuite', () => {
  it.each<[string, Partial<SuiteFacts>, PartResult[], string, number]>([
    ['all passed', {}, [judge(summary)], 'pass', 0],
    ['a part not run', {}, [judge(summary), skipped], 'insufficient', 98],
    ['a failed part, and one not run', {}, [skipped, judge(missed)], 'fail', 99],
    ['an interrupt', { interrupted: true }, [judge(summary)], 'insufficient', 105],
    ['a scaled suite that passed', { scale: 0.01 }, [judge(summary)], 'insufficient', 98],
    ['a scaled suite that missed a threshold', { scale: 0.01 }, [judge(missed)], 'insufficient', 98],
    ['a scaled suite that lost a write', { scale: 0.01 }, [judge(lost)], 'fail', 99],
  ])('judges %s', (_, change, parts, verdict, exitCode) => {
    expect(judgeSuite({ ...facts, ...change }, parts)).toMatchObject({ verdict, exitCode });
  });
  it('says what was not run and what it needs, and why a scaled one proves nothing', () => {
    expect(judgeSuite(facts, [skipped]).reasons).toEqual(['viewers: not run: needs services/realtime']);
    expect(judgeSuite({ ...facts, scale: 0.01 }, [judge(missed)]).reasons.join('; ')).toMatch(/scaled to 0.01.*mix: launch-mix: /);
  });
});

describe('rateCheck', () => {
  const check = (ratePerS: number, change: Partial<Summary['operations']> = {}) => rateCheck({ ...summary, operations: { ...summary.operations, achievedPerS: 1_000, ...change } }, ratePerS);
  it('fails a run that made less than the rate of its part', () => {
    expect(check(1_000)).toMatchObject({ name: 'launch-mix: rate', measured: 1_000, ok: true });
    expect(check(1_100)).toMatchObject({ ok: false, text: expect.stringMatching(/^launch-mix: 1,000 operations\/s of 1,100\/s achieved, limit ≥ 1,0\d\d\/s$/) as string });
    expect(judgePart(part, [ran(summary)], [...runChecks(summary), check(2_000)], 70).verdict).toBe('fail');
  });
  it('takes no luck for a lower rate: of 210 operations some 15 more or less are chance', () => {
    expect(check(3.5, { achievedPerS: 3 })).toMatchObject({ ok: true });
    expect(check(3.5, { achievedPerS: 2 })).toMatchObject({ ok: false });
  });
  it('proves nothing without a hold', () => {
    expect(rateCheck({ ...summary, phases: [] }, 10)).toMatchObject({ ok: null, measured: null });
  });
  it('wants one operation a user and think time, or what the suite says, by its scale', () => {
    expect(wantedPerS({ ...load, users: 16_670, thinkS: 10 }, 300, 1)).toBe(1_667);
    expect(wantedPerS({ ...load, users: 100, thinkS: 1, ratePerS: 300 }, 300, 1)).toBe(300);
    expect(wantedPerS({ ...load, users: 10_000, thinkS: 10, ratePerS: 3_000 }, 30, 0.1)).toBeCloseTo(300, 0);
  });
});

/** A run whose p95 is 100 ms and 900 ms from a second of the run on, so long. */
function withSpike(fromS: number, forS: number): Summary {
  return { ...summary, series: summary.series.map((point) => ({ ...point, failed: 0, refused: 0, total: 1_000, p95Ms: point.second >= fromS && point.second < fromS + forS ? 900 : 100 })) };
}
const startMs = Date.parse(summary.startedAt);
/** Its hold is seconds 30 to 40 of the base. */
const extraRun = buildSummary(sampleRun({
  startedAtMs: startMs + 29_000, phases: [{ name: 'ramp', startMs: 0, endMs: 1_000 }, { name: 'hold', startMs: 1_000, endMs: 11_000 }, { name: 'drain', startMs: 11_000, endMs: 11_500 }],
  series: sampleRun().series.slice(10, 21).map((point, second) => ({ ...point, second, total: 900, failed: 0, refused: 0 })),
}), sampleFacts());

const calmRates = { seconds: 20, totalPerS: 1_000, donePerS: 1_000, goodPerS: 1_000 };
/** The spike slows nothing; from a second of the run on, so many of 1,000 operations fail within 2 ms. */
function failing(fromS: number, failed: number, toS = Number.POSITIVE_INFINITY): Summary {
  const base = withSpike(30, 0);
  return { ...base, verdict: 'fail', series: base.series.map((point) => (point.second >= fromS && point.second < toS ? { ...point, failed, p95Ms: 2 } : point)) };
}
/** Its base makes 1,000 operations a second. */
const thousand: SpikePart = { ...spike, loads: [{ ...load, users: 1_000 }] };
const judgeSpike = (base: Summary, extra = extraRun, wanted: SpikePart = thousand): PartResult =>
  judgePart(wanted, [ran(base), ran(extra)], [...calmChecks(wanted, [base], [extra], 1), ...spikeChecks(wanted, [base], [extra])], 100);

describe('spikeChecks', () => {
  it('passes a system that stays as it was', () => {
    expect(judgeSpike(failing(0, 0))).toMatchObject({ verdict: 'pass', reasons: [] });
    expect(judgeSpike(failing(0, 5))).toMatchObject({ verdict: 'pass' });
  });
  it('fails a system whose operations fail before, in and after the spike, however quickly', () => {
    const dead = failing(0, 1_000);
    const extra = { ...extraRun, verdict: 'fail' as const, series: extraRun.series.map((point) => ({ ...point, failed: point.total, p95Ms: 2 })) };
    const { goodputMin: _, ...unjudged } = thousand;
    for (const wanted of [thousand, unjudged]) {
      const judged = judgeSpike(dead, extra, wanted);
      expect(judged.verdict).toBe('fail');
      expect(judged.checks.map(({ name, ok }) => [name, ok])).toEqual([
        ['launch-mix: rate before the spike', false], ['launch-mix: recovery', false], ...(wanted === thousand ? [['goodput', false]] : []),
      ]);
    }
  });
  it('takes no failure for recovery: as many operations must be good as before', () => {
    const after = (failed: number, toS?: number) => spikeChecks(spike, [failing(40, failed, toS)], [extraRun])[0];
    expect(after(1_000)).toMatchObject({ measured: null, ok: false });
    expect(after(100)).toMatchObject({ measured: null, ok: false });
    expect(after(10)).toMatchObject({ measured: 0, ok: true });
    expect(after(1_000, 47)).toMatchObject({ measured: 7, ok: true });
    expect(after(1_000, 57)).toMatchObject({ measured: 17, ok: false });
    const idle = failing(0, 0);
    const few = { ...idle, series: idle.series.map((point) => (point.second >= 40 ? { ...point, total: 100 } : point)) };
    expect(spikeChecks(spike, [few], [extraRun])[0]).toMatchObject({ measured: null, ok: false });
    // What had waited is let go and a quarter of it refused: as many are good as before, and not as large a share.
    const shed = { ...idle, series: idle.series.map((point) => (point.second >= 40 ? { ...point, total: 1_400, refused: 350 } : point)) };
    expect(spikeChecks(spike, [shed], [extraRun])[0]).toMatchObject({ measured: null, ok: false });
  });
  it('takes no luck for a relapse: of 20 a second some more or less fail', () => {
    const base = failing(0, 0);
    const small = { ...base, series: base.series.map((point) => ({ ...point, total: point.second < 40 ? 20 : 16 + (point.second % 5), failed: point.second % 10 === 0 ? 1 : 0 })) };
    expect(spikeChecks(spike, [small], [extraRun])[0]).toMatchObject({ measured: 0, ok: true });
  });
  it('proves nothing by a spike that ended early', () => {
    const brief = { ...extraRun, phases: extraRun.phases.map((phase) => (phase.name === 'hold' ? { ...phase, durationS: 4 } : phase)) };
    expect(judgeSpike(failing(0, 0), brief)).toMatchObject({ verdict: 'insufficient', reasons: ['the spike lasted 4 s of 10 s'] });
  });
  it('fails a base that did not make its rate before the spike', () => {
    expect(calmChecks(thousand, [failing(0, 0)], [extraRun], 1)).toMatchObject([{ measured: 1_000, ok: true }]);
    expect(calmChecks(thousand, [failing(0, 100)], [extraRun], 1)).toMatchObject([{ measured: 900, ok: false }]);
    expect(calmChecks(thousand, [undefined, failing(0, 0)], [extraRun], 1)).toEqual([]);
    const refused = { ...failing(0, 0), series: failing(0, 0).series.map((point) => ({ ...point, refused: point.total })) };
    expect(calmChecks(thousand, [refused], [extraRun], 1)).toMatchObject([{ ok: false }]);
    const coarse = { ...failing(0, 0), series: joinPoints(failing(0, 0).series, 3) };
    expect(calmChecks(thousand, [coarse], [extraRun], 1)).toMatchObject([{ ok: null }]);
    expect(spikeChecks(thousand, [coarse], [extraRun])[0]).toMatchObject({ ok: null });
  });
  it('counts recovery from the end of the spike, and goodput against the calm before', () => {
    const [recovery, goodput] = spikeChecks(spike, [withSpike(30, 17)], [extraRun]);
    expect(recovery).toMatchObject({ measured: 7, ok: true });
    expect(goodput?.measured).toBeCloseTo(1.9);
    expect(goodput?.ok).toBe(true);
  });
  it('fails what recovers too late, and does not take a short lull for recovery', () => {
    const late = withSpike(30, 27);
    expect(spikeChecks(spike, [late], [extraRun])[0]).toMatchObject({ measured: 17, ok: false });
    const lull = { ...late, series: late.series.map((point) => (point.second >= 42 && point.second < 47 ? { ...point, p95Ms: 100 } : point)) };
    expect(recoveredAfterS(lull, startMs + 40_000, 300, calmRates)).toBe(17);
    expect(spikeChecks(spike, [withSpike(30, 60)], [extraRun])[0]).toMatchObject({ measured: null, ok: false });
  });
  it('fails a collapse of goodput', () => {
    const base = withSpike(30, 10);
    const collapsed = { ...base, series: base.series.map((point) => (point.second >= 30 && point.second < 40 ? { ...point, failed: 990 } : point)) };
    const quiet = { ...extraRun, series: extraRun.series.map((point) => ({ ...point, failed: 890 })) };
    expect(spikeChecks(spike, [collapsed], [quiet])[1]).toMatchObject({ ok: false, measured: 0.02 });
  });
  it('reads points of a long run for the time that they stand for', () => {
    const base = withSpike(30, 17);
    const joined = { ...base, series: joinPoints(base.series, 36) };
    expect(joined.series[1]?.second).toBe(2);
    const calm = { fromMs: startMs + 10_000, toMs: startMs + 30_000 };
    expect([goodPerS([base], calm), goodPerS([joined], calm)]).toEqual([1_000, 1_000]);
    expect(goodPerS([joined], { fromMs: startMs + 11_000, toMs: startMs + 12_000 })).toBeNull();
    // Points at 46 s hold the last slow second; ten fast seconds are five of them.
    expect(recoveredAfterS(joined, startMs + 40_000, 300, calmRates)).toBe(8);
    const brief = { ...joined, series: joined.series.filter(({ second }) => second < 56) };
    expect(recoveredAfterS(brief, startMs + 40_000, 300, calmRates)).toBeNull();
    const coarse = { ...base, series: joinPoints(base.series, 3) };
    expect(spikeChecks(spike, [coarse], [extraRun]).find(({ name }) => name === 'goodput')).toMatchObject({ ok: null });
  });
  it('takes a second that is missing for no sign of recovery', () => {
    const base = withSpike(30, 17);
    const gapped = { ...base, series: base.series.filter(({ second }) => second !== 50) };
    expect(recoveredAfterS(gapped, startMs + 40_000, 300, calmRates)).toBe(11);
    expect(goodPerS([gapped], { fromMs: startMs + 48_000, toMs: startMs + 53_000 })).toBe(800);
  });
  it('proves nothing where there was no spike, or too little was seen after it', () => {
    expect(spikeChecks(spike, [summary], [])).toMatchObject([{ ok: null }]);
    const endless = withSpike(30, 60);
    const short = { ...endless, phases: endless.phases.map((phase) => (phase.name === 'hold' ? { ...phase, durationS: 35 } : phase)) };
    expect(spikeChecks(spike, [short], [extraRun])[0]).toMatchObject({ ok: null, measured: null });
  });
});

describe('soakChecks', () => {
  const measured = (growth: number, p95Growth: number): Summary => ({
    ...summary,
    series: summary.series.map((point) => ({ ...point, p95Ms: 100 + p95Growth * point.second + (point.second % 3) })),
    resources: {
      operations: 1, used: { cpuS: 0, gbS: 0, bytesSent: 0, bytesReceived: 0 }, perMillionOperations: null, processes: [], systemMeasured: true, expected: null, money: null,
      memory: Array.from({ length: 71 }, (_, second) => ({ second, bytes: { generator: 1e8 + second * 1e7, api: 1e8 + growth * second * 1e6 + (second % 5) * 1e4, postgres: 2e8 } })),
    },
  });
  it('passes what stays level and fails memory or p95 that creeps', () => {
    expect(soakChecks(soak, measured(0, 0)).map(({ name, ok }) => [name, ok])).toEqual([['p95', true], ['memory of api', true], ['memory of postgres', true]]);
    expect(soakChecks(soak, measured(1, 0)).map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(soakChecks(soak, measured(0, 2)).map(({ ok }) => ok)).toEqual([false, true, true]);
  });
  it('lets pass a significant rise only up to what counts as none an hour', () => {
    const [, api] = soakChecks(soak, measured(0.05, 0));
    expect(api?.ok).toBe(true);
    // 50 kB/s of 100 MB.
    expect(api?.measured).toBeCloseTo(1.8, 1);
    expect(soakChecks({ ...soak, memoryGrowthPerHourMax: 0 }, measured(0.05, 0))[1]?.ok).toBe(false);
  });
  it('proves nothing without memory, or with a hold too short for a trend', () => {
    expect(soakChecks(soak, summary).at(-1)).toMatchObject({ name: 'memory', ok: null });
    const short = measured(0, 0);
    expect(soakChecks(soak, { ...short, series: short.series.slice(0, 30), phases: short.phases.slice(0, 1) })).toMatchObject([{ ok: null }]);
  });
});

describe('what is written down', () => {
  const result = judgeSuite(facts, [judge(summary), judge(missed), skipped]);
  it('follows the published schema', () => {
    const published: unknown = JSON.parse(createNodeHost().files.readText('loadtests/schema/suite.v1.json'));
    expect(published).toEqual(suiteJsonSchema());
    const ajv = new Ajv2020({ strict: true, allErrors: true });
    addFormats.default(ajv);
    const validate = ajv.compile(published as object);
    validate(JSON.parse(JSON.stringify(result)));
    expect(validate.errors).toBeNull();
  });
  it('is one table with word and icon, and the verdict last', () => {
    const host = createTestHost();
    const text = renderSuite(result, styleFor(host, host.stderr), 'suite.json');
    expect(text).toMatch(/mix +✓ PASS/);
    expect(text).toMatch(/viewers +– NOT RUN/);
    expect(text.trim().split('\n').at(-1)).toMatch(/✗ FAIL {2}suite smoke, 3 parts \(1 pass, 1 fail, 1 not run\)/);
  });
  it('is one JUnit file with failures, and skipped what was not run', () => {
    const xml = renderSuiteJunit(judgeSuite({ ...facts, suite: '<b>"&' }, [judge(missed), skipped, judge(undefined)]));
    expect(xml.match(/<testsuite /g)).toHaveLength(3);
    expect(xml.match(/<skipped message="not run: needs services\/realtime"/g)).toHaveLength(1);
    expect(xml.match(/<failure /g)).toHaveLength(1 + missed.thresholds.length);
    expect(xml.match(/<error /g)).toHaveLength(1);
    expect(xml).not.toContain('<b>');
  });
});
