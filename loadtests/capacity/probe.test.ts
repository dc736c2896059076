import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleFacts, sampleRun } from '../report/sample.ts';
import { buildSummary } from '../report/summary.ts';
import { figuresOf, loadFlags, loadOf } from './probe.ts';
import { readRate, takeFlags } from './take-flags.ts';

describe('loadOf', () => {
  it('offers the rate by think time, with a step of nearly every user in the hold', () => {
    const rate = fc.double({ min: 0.5, max: 100_000, noNaN: true });
    fc.assert(fc.property(rate, fc.integer({ min: 1_000, max: 600_000 }), fc.integer({ min: 1, max: 1_000_000 }), (ratePerS, holdMs, usersMax) => {
      const { users, thinkMs, rampMs } = loadOf(ratePerS, holdMs, usersMax);
      expect(users).toBeGreaterThanOrEqual(1);
      expect(users).toBeLessThanOrEqual(usersMax);
      // Think time is written in µs, so what a very short one offers is off by that.
      expect(Math.abs((users / thinkMs) * 1_000 - ratePerS) / ratePerS).toBeLessThan(0.001 + 0.001 / thinkMs);
      if (users > 1) expect(thinkMs * 6).toBeLessThanOrEqual(holdMs * 1.001);
      expect(rampMs).toBeGreaterThanOrEqual(Math.floor(users / 20));
    }));
  });
  it('takes in what earlier probes showed of how often users act', () => {
    const [plain, corrected] = [loadOf(500, 30_000, 10_000), loadOf(500, 30_000, 10_000, 'users', 0.12)];
    expect(corrected).toEqual({ ...plain, thinkMs: plain.thinkMs * 0.12 });
    expect(loadOf(500, 30_000, 10, 'users', 0.01).thinkMs).toBe(1);
  });
  it('is written as stages of users, or as a rate of arrivals', () => {
    expect(loadFlags(loadOf(500, 30_000, 10_000, 'stages'), 30_000, 'stages')).toEqual(['--stages', '3000ms:2500,30000ms:2500', '--think', '5000ms']);
    const arriving = loadOf(0.5, 30_000, 40, 'arrivals');
    expect(arriving).toEqual({ users: 40, thinkMs: 0, rampMs: 3_000, arrivalPerS: 0.5 });
    expect(loadFlags(arriving, 30_000, 'arrivals')).toEqual(['--users', '40', '--arrival-rate', '0.5', '--ramp', '3000ms', '--duration', '30000ms']);
  });
  it('is written as flags of a run', () => {
    expect(loadFlags(loadOf(500, 30_000, 10_000), 30_000)).toEqual(['--users', '2500', '--think', '5000ms', '--ramp', '3000ms', '--duration', '30000ms']);
  });
});

describe('figuresOf', () => {
  const summary = buildSummary(sampleRun(), sampleFacts());
  it('reads the verdict of a run as an answer to its rate', () => {
    expect(figuresOf({ ratePerS: 1_000 }, { summary, exitCode: 0, said: '' })).toMatchObject({ outcome: 'met', reasons: [], offeredPerS: 1_000 });
    const failed = { ...summary, verdict: 'fail' as const, reasons: ['threshold response_time: p(95)<500: measured 900'] };
    expect(figuresOf({ ratePerS: 1_000 }, { summary: failed, exitCode: 99, said: '' })).toMatchObject({ outcome: 'missed', reasons: failed.reasons });
    expect(figuresOf({ ratePerS: 1_000 }, { summary: { ...summary, verdict: 'insufficient', reasons: ['validity'] }, exitCode: 98, said: '' })).toMatchObject({ outcome: 'unclear' });
  });
  it('believes failed replies of a run whose generator was late, and nothing else of it', () => {
    const late = summary.validity.map((item) => (item.name === 'lateness_p99' ? { ...item, ok: false } : item));
    const invalid = { ...summary, verdict: 'insufficient' as const, validity: late, reasons: ['validity: late'] };
    const miss = (metric: string) => ({ ...invalid, thresholds: invalid.thresholds.map((row) => ({ ...row, ok: row.metric !== metric })) });
    const outcome = (of: typeof invalid): string => figuresOf({ ratePerS: 1_000 }, { summary: of, exitCode: 98, said: '' }).outcome;
    expect(outcome(miss('http_req_failed'))).toBe('missed');
    expect(outcome(miss('response_time'))).toBe('unclear');
    expect(outcome({ ...miss('http_req_failed'), reasons: ['interrupted'] })).toBe('unclear');
    expect(outcome({ ...miss('http_req_failed'), validity: late.map((item) => (item.name === 'workers_lost' ? { ...item, ok: false } : item)) })).toBe('unclear');
    expect(figuresOf({ ratePerS: 1_000 }, { summary: miss('http_req_failed'), exitCode: 98, said: '' }).valid).toBe(false);
  });
  it('takes a run that a threshold ended for a miss, unless the generator was what was measured', () => {
    const [worker] = sampleRun().workers;
    const endedEarly = (coreShareMax: number): ReturnType<typeof figuresOf> => {
      const run = sampleRun({ aborted: 'threshold response_time: p(95)<50: measured 120 ms after 5s of the hold', unsent: 40, workers: worker === undefined ? [] : [{ ...worker, coreShareMax }] });
      const built = buildSummary(run, sampleFacts());
      return figuresOf({ ratePerS: 1_000 }, { summary: built, exitCode: built.exitCode, said: '' });
    };
    expect(endedEarly(0.4)).toMatchObject({ outcome: 'missed', valid: true });
    expect(endedEarly(0.97)).toMatchObject({ outcome: 'unclear', valid: false });
  });
  it('takes a run that offered less than it should for no answer', () => {
    expect(figuresOf({ ratePerS: 1_200 }, { summary, exitCode: 0, said: '' })).toMatchObject({ outcome: 'unclear', reasons: ['only 1000 of 1200 operations/s fell due'] });
  });
  it('tells by how much users act less or more often than their think times say', () => {
    expect(figuresOf({ ratePerS: 1_250 }, { summary, exitCode: 0, said: '' })).toMatchObject({ outcome: 'unclear', perUser: 0.8, valid: false });
    expect(figuresOf({ ratePerS: 500 }, { summary, exitCode: 0, said: '' })).toMatchObject({ outcome: 'unclear', perUser: 2, reasons: ['1000 operations/s fell due in place of 500'] });
    expect(figuresOf({ ratePerS: 900 }, { summary, exitCode: 0, said: '' })).toMatchObject({ outcome: 'met', perUser: 1 });
  });
  it('takes arrivals for what they are: each may be several operations, and waits for no user', () => {
    const outcome = (ratePerS: number, change: object = {}): object => figuresOf({ ratePerS }, { summary: { ...summary, ...change }, exitCode: 0, said: '' }, 'arrivals');
    expect(outcome(200)).toMatchObject({ outcome: 'met', perUser: 1 });
    expect(outcome(1_200)).toMatchObject({ outcome: 'unclear', perUser: 1, reasons: ['only 1000 operations/s fell due of 1200 arrivals/s'] });
    expect(outcome(200, { arrivalsQueued: 7 })).toMatchObject({ outcome: 'unclear', reasons: ['7 arrivals found no free user and waited for one: give more --users'] });
    expect(outcome(200, { arrivalsQueued: 7, verdict: 'insufficient' })).toMatchObject({ reasons: summary.reasons });
  });
  it('says what a run said that ended before it measured', () => {
    expect(figuresOf({ ratePerS: 10 }, { summary: undefined, exitCode: 107, said: 'one\nerror: setup threw\n' })).toMatchObject({
      outcome: 'unclear', reasons: ['the run ended with 107 before it measured: error: setup threw'], concurrency: null,
    });
  });
});

describe('takeFlags', () => {
  const own = { today: { value: 'N/s', help: '' }, list: { help: '' }, output: { value: 'json', help: '' } };
  it('takes its own and leaves the rest in order', () => {
    const { values, rest } = takeFlags(['hello', '--today=5/s', '--target', 'http://127.0.0.1:1', '--list', '-o', 'json'], own);
    expect([...values]).toEqual([['today', '5/s'], ['list', 'true'], ['output', 'json']]);
    expect(rest).toEqual(['hello', '--target', 'http://127.0.0.1:1']);
  });
  it.each([[['--today']], [['--today', '1', '--today', '2']], [['--think', '5s']]])('refuses %j', (args) => {
    expect(() => takeFlags(args, own, { think: 'set by the search' })).toThrow(expect.objectContaining({ exitCode: 104 }) as Error);
  });
  it('reads rates, and refuses what is none', () => {
    expect([readRate('today', '500'), readRate('today', '0.5/s')]).toEqual([500, 0.5]);
    for (const text of ['fast', '0', '-1', '1e9/s', '5/min']) expect(() => readRate('today', text)).toThrow(text);
  });
});
