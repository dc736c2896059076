import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ThresholdResult } from './thresholds.ts';
import { defaultValidityLimits, judgeValidity, parseValidityFlag } from './validity.ts';
import type { ValidityInput } from './validity.ts';
import { judgeRun, noneFound } from './verdict.ts';
import type { VerdictInput } from './verdict.ts';

const healthy: ValidityInput = {
  latenessP99Ms: 3, loopDelayP99Ms: 8, coreShareMax: 0.4, unsent: 0, users: 100, usersCompleted: 100, workers: 2, workersLost: 0,
  operations: 1000,
};
const threshold = (ok: boolean | null): ThresholdResult => ({
  expression: 'response_time: p(95)<500', metric: 'response_time', measured: ok === null ? null : ok ? 148 : 700, operator: '<', limit: 500, ok,
});
const clean = { lost: 0, duplicated: 0, ledgerBalanced: true };
const passing: VerdictInput = { thresholds: [threshold(true)], validity: judgeValidity(healthy), audit: clean, interrupted: false };
const late = judgeValidity({ ...healthy, latenessP99Ms: 51 });

describe('judgeRun', () => {
  it('passes a clean run without reasons', () => {
    expect(judgeRun(passing)).toEqual({ verdict: 'pass', reasons: [], exitCode: 0 });
  });
  it('passes a run without an audit, as against a foreign system', () => {
    expect(judgeRun({ ...passing, audit: null }).exitCode).toBe(0);
  });
  it('fails a missed threshold with what was measured', () => {
    expect(judgeRun({ ...passing, thresholds: [threshold(false)] })).toMatchObject({
      verdict: 'fail', exitCode: 99, reasons: ['threshold response_time: p(95)<500: measured 700 ms'],
    });
  });
  it('puts an invalid measurement before thresholds', () => {
    expect(judgeRun({ ...passing, thresholds: [threshold(false)], validity: late })).toMatchObject({ verdict: 'insufficient', exitCode: 98 });
  });
  it('fails a system under which users got nothing done where thresholds tell, and is unsure where they do not', () => {
    const idle = judgeValidity({ ...healthy, usersCompleted: 0 });
    expect(judgeRun({ ...passing, thresholds: [threshold(false)], validity: idle })).toMatchObject({
      verdict: 'fail', exitCode: 99, reasons: ['threshold response_time: p(95)<500: measured 700 ms', expect.stringContaining('0 % of users completed')],
    });
    expect(judgeRun({ ...passing, validity: idle })).toMatchObject({ verdict: 'insufficient', exitCode: 98 });
  });
  it('puts a loss, a duplicate and an unbalanced ledger before everything', () => {
    for (const audit of [{ ...clean, lost: 1 }, { ...clean, duplicated: 1 }, { ...clean, ledgerBalanced: false }]) {
      expect(judgeRun({ ...passing, validity: late, audit, interrupted: true })).toMatchObject({ verdict: 'fail', exitCode: 99 });
    }
  });
  it('calls an interrupted run insufficient for that reason, with the signal’s exit code', () => {
    const judged = judgeRun({ ...passing, thresholds: [threshold(false)], interrupted: true });
    expect(judged).toMatchObject({ verdict: 'insufficient', exitCode: 105 });
    expect(judged.reasons[0]).toBe('interrupted');
  });
  const aborted = 'threshold x: measured 7 after 3s of the hold';
  it('fails a run that a threshold ended, without what its early end left undone', () => {
    const cut = judgeValidity({ ...healthy, unsent: 9, usersCompleted: 3 });
    const judged = judgeRun({ ...passing, thresholds: [threshold(true)], validity: cut, aborted });
    expect(judged).toEqual({ verdict: 'fail', exitCode: 99, reasons: [`aborted: ${aborted}`] });
  });
  it.each([{ latenessP99Ms: 51 }, { loopDelayP99Ms: 51 }, { coreShareMax: 0.86 }, { workersLost: 1 }])('is unsure of a run that a threshold ended where the generator showed %o', (amiss) => {
    const judged = judgeRun({ ...passing, thresholds: [threshold(false)], validity: judgeValidity({ ...healthy, ...amiss }), aborted });
    expect(judged).toMatchObject({ verdict: 'insufficient', exitCode: 98 });
    expect(judged.reasons).toEqual([expect.stringMatching(/^validity: /), `aborted: ${aborted}`, expect.stringMatching(/^threshold /)]);
    const lost = judgeRun({ ...passing, validity: judgeValidity({ ...healthy, ...amiss }), aborted, audit: { ...clean, lost: 1 } });
    expect(lost).toMatchObject({ verdict: 'fail', exitCode: 99 });
  });
  it.each([undefined, aborted])('is unsure of a run that the guard of targets kept from its target, whatever it missed and where that ended it: %s', (ended) => {
    const validity = judgeValidity({ ...healthy, refused: { count: 312, firstMessage: 'GET /: api.staging.test resolves to 10.1.2.9, which is not this machine' } });
    const judged = judgeRun({ ...passing, thresholds: [threshold(false)], validity, aborted: ended });
    expect(judged).toMatchObject({ verdict: 'insufficient', exitCode: 98 });
    expect(judged.reasons[0]).toBe(
      'validity: 312 operations refused by the guard of targets, limit ≤ 0: GET /: api.staging.test resolves to 10.1.2.9, which is not this machine; where such addresses are yours to load, list them as staging in sora.config.ts, best as a range such as 10.1.0.0/16',
    );
    expect(judgeRun({ ...passing, validity, audit: { ...clean, lost: 1 } }).verdict).toBe('fail');
    expect(judgeValidity({ ...healthy, refused: { count: 0, firstMessage: '' } })).toEqual(judgeValidity(healthy));
  });
  it('says what there was in place of what a threshold looked for in vain', () => {
    expect(judgeRun({ ...passing, thresholds: [{ ...threshold(null), instead: 'operations seen: feed' }] }).reasons).toEqual([
      'threshold response_time: p(95)<500: nothing was measured; operations seen: feed',
    ]);
  });
  it('proves nothing with an unmeasured threshold or an audit that did not end', () => {
    expect(judgeRun({ ...passing, thresholds: [threshold(null)] }).verdict).toBe('insufficient');
    expect(judgeRun({ ...passing, audit: { ...clean, ledgerBalanced: null, incomplete: 'the admin endpoint answered 503' } }).exitCode).toBe(98);
  });
  it('does not let a threshold that measured nothing undo one that failed', () => {
    const judged = judgeRun({ ...passing, thresholds: [threshold(null), threshold(false)] });
    expect(judged).toMatchObject({ verdict: 'fail', exitCode: 99 });
    expect(judged.reasons).toEqual([expect.stringContaining('measured 700'), expect.stringContaining('nothing was measured')]);
    expect(judgeRun({ ...passing, thresholds: [threshold(null), threshold(false)], validity: late }).verdict).toBe('insufficient');
  });
  it('puts the system that went away before what follows from it', () => {
    const gone = { ...clean, ledgerBalanced: null, incomplete: 'not run: the stack ended' };
    expect(judgeRun({ ...passing, validity: late, audit: gone }).reasons).toEqual(['audit: not run: the stack ended', `validity: ${late.find((item) => !item.ok)?.text ?? ''}`]);
    expect([noneFound(0, clean), noneFound(0, gone), noneFound(1, gone)]).toEqual([true, null, false]);
  });
  it('leaves the verdict to what was measured where a teardown failed, says so last, and does not end well', () => {
    const teardownFailed = 'teardown of shop threw: no such row';
    expect(judgeRun({ ...passing, teardownFailed })).toEqual({ verdict: 'pass', reasons: [teardownFailed], exitCode: 107 });
    expect(judgeRun({ ...passing, thresholds: [threshold(false)], teardownFailed })).toMatchObject({
      verdict: 'fail', exitCode: 99, reasons: ['threshold response_time: p(95)<500: measured 700 ms', teardownFailed],
    });
    expect(judgeRun({ ...passing, interrupted: true, teardownFailed })).toEqual({ verdict: 'insufficient', exitCode: 105, reasons: ['interrupted', teardownFailed] });
  });
  it('gives reasons exactly when it does not pass', () => {
    const anything = fc.record({
      thresholds: fc.array(fc.constantFrom(threshold(true), threshold(false), threshold(null)), { maxLength: 3 }),
      validity: fc.constantFrom(judgeValidity(healthy), late),
      audit: fc.constantFrom(null, clean, { ...clean, lost: 2 }),
      interrupted: fc.boolean(),
      aborted: fc.constantFrom(undefined, aborted),
    });
    fc.assert(fc.property(anything, (input) => {
      const judged = judgeRun(input);
      expect(judged.reasons.length === 0).toBe(judged.verdict === 'pass');
      expect(judged.exitCode === 0).toBe(judged.verdict === 'pass');
    }));
  });
});

describe('judgeValidity', () => {
  const failing = (input: Partial<ValidityInput>): string[] =>
    judgeValidity({ ...healthy, ...input }).filter((item) => !item.ok).map((item) => item.name);

  it('holds every limit inclusively', () => {
    expect(failing({ latenessP99Ms: 50, loopDelayP99Ms: 50, coreShareMax: 0.85, usersCompleted: 99 })).toEqual([]);
  });
  it.each([
    [{ latenessP99Ms: 50.1 }, 'lateness_p99'],
    [{ loopDelayP99Ms: 51 }, 'loop_delay_p99'],
    [{ coreShareMax: 0.86 }, 'worker_core_share'],
    [{ unsent: 1 }, 'unsent'],
    [{ usersCompleted: 98 }, 'users_completed'],
    [{ workersLost: 1 }, 'workers_lost'],
    [{ operations: 0 }, 'operations'],
  ])('%o breaks %s', (input, name) => {
    expect(failing(input)).toEqual([name]);
  });
  it('prints what was found and the limit', () => {
    expect(late.find((item) => !item.ok)?.text).toBe('generator lateness p99 51 ms, limit ≤ 50 ms');
  });
});

describe('parseValidityFlag', () => {
  it.each([
    ['lateness=100ms', { latenessP99Ms: 100 }],
    ['loop-delay=1s', { loopDelayP99Ms: 1000 }],
    ['cpu=90%', { coreShareMax: 0.9 }],
    ['users=0.5', { usersCompletedMin: 0.5 }],
    ['unsent=3', { unsentMax: 3 }],
  ])('reads %s', (text, expected) => {
    expect(parseValidityFlag(text)).toEqual(expected);
  });
  it.each(['cpu', 'cpu=2', 'lateness=-1', 'speed=1', 'constructor=1', 'cpu=NaN'])('refuses %s', (text) => {
    expect(() => parseValidityFlag(text)).toThrow(/--validity/);
  });
  it('has a default for every limit', () => {
    expect(Object.values(defaultValidityLimits).every(Number.isFinite)).toBe(true);
  });
});
