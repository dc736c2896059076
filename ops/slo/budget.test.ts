import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budgetOf } from './budget.ts';
import type { EventCount, IncidentSpan } from './budget.ts';

const minuteMs = 60_000;
const stepMs = 5 * minuteMs;
const dayMs = 86_400_000;
const slo = { targetRatio: 0.99, periodMs: dayMs };
const steps = slo.periodMs / stepMs;
const nowMs = 100 * dayMs;

/** Counts up to now: `badAt` says how many of a step's 100 events were bad, step 0 being the oldest. */
const history = (badAt: (step: number) => number): EventCount[] =>
  Array.from({ length: steps }, (_, step) => ({ atMs: nowMs - (steps - 1 - step) * stepMs, bad: badAt(step), total: 100 }));
const ask = (counts: readonly EventCount[], incidents: readonly IncidentSpan[] = []) => budgetOf({ slo, counts, stepMs, nowMs, incidents });

describe('budgetOf', () => {
  it('is whole without failures, and spent when just as many as allowed were bad', () => {
    expect(ask(history(() => 0))).toMatchObject({ remainingRatio: 1, burn: 0, exhaustedAtMs: undefined, coveredRatio: 1, goodRatio: 1 });
    expect(ask(history(() => 1)).remainingRatio).toBeCloseTo(0, 9);
    expect(ask(history(() => 3)).remainingRatio).toBeCloseTo(-2, 9);
    expect(ask([])).toMatchObject({ remainingRatio: 1, goodRatio: undefined, coveredRatio: 0 });
  });

  it('takes the pace of the last hour', () => {
    expect(ask(history((step) => (step >= steps - 12 ? 5 : 0))).burn).toBeCloseTo(5, 9);
    expect(ask(history((step) => (step >= steps - 6 ? 5 : 0))).burn).toBeCloseTo(2.5, 9);
  });

  it('says when the budget is gone: what is allowed in a day, at the pace of the last hour', () => {
    // 60 bad so far of 288 allowed, 60 more an hour: 3.8 hours, in whole steps.
    const { exhaustedAtMs } = ask(history((step) => (step >= steps - 12 ? 5 : 0)));
    expect(exhaustedAtMs).toBe(nowMs + Math.ceil(((288 - 60) / 60) * 12) * stepMs);
  });

  it('knows that old failures leave the period', () => {
    // Half of the budget was spent in the first hour of the period and leaves it soon; the pace of now is 0.6.
    const counts = history((step) => (step < 12 ? 12 : step >= steps - 12 ? 0.6 : 0));
    expect(ask(counts).exhaustedAtMs).toBeUndefined();
    // At the same pace without an end in sight of the old ones it would be gone.
    expect(ask(history((step) => (step >= steps - 24 && step < steps - 12 ? 12 : step >= steps - 12 ? 0.6 : 0))).exhaustedAtMs).toBeGreaterThan(nowMs);
  });

  it('is exhausted now where more was spent than there was', () => {
    expect(ask(history(() => 2)).exhaustedAtMs).toBe(nowMs);
  });

  it('says how much of the period it knows', () => {
    expect(ask(history(() => 0).slice(steps / 2)).coveredRatio).toBeCloseTo(0.5, 9);
  });

  it('gives each failure to the incident that was open first', () => {
    const at = (step: number): number => nowMs - (steps - 1 - step) * stepMs;
    const incidents = [
      { id: 'b', title: 'later', fromMs: at(15), toMs: at(30) },
      { id: 'a', title: 'first', fromMs: at(9), toMs: at(19) },
      { id: 'c', title: 'harmless', fromMs: at(200), toMs: at(210) },
    ];
    const { incidents: spent, otherBadEvents } = ask(history((step) => (step < 40 ? 2 : 0)), incidents);
    expect(spent.map(({ id, badEvents }) => [id, badEvents])).toEqual([['a', 20], ['b', 22]]);
    expect(otherBadEvents).toBe(80 - 42);
    expect(spent[0]?.budgetRatio).toBeCloseTo(20 / 288, 9);
  });

  it('never counts a failure twice, whatever the incidents', () => {
    const span = fc.record({ id: fc.uuid(), title: fc.constant('t'), from: fc.nat(steps), length: fc.nat(steps) })
      .map(({ id, title, from, length }) => ({ id, title, fromMs: nowMs - from * stepMs, toMs: nowMs - from * stepMs + length * stepMs }));
    fc.assert(fc.property(fc.array(fc.nat(100), { maxLength: steps }), fc.array(span, { maxLength: 8 }), (bads, incidents) => {
      const counts = history((step) => bads[step] ?? 0);
      const budget = ask(counts, incidents);
      const sum = budget.incidents.reduce((total, { badEvents }) => total + badEvents, 0);
      expect(sum + budget.otherBadEvents).toBeCloseTo(budget.badEvents, 6);
      expect(budget.remainingRatio).toBeCloseTo(1 - budget.badEvents / (0.01 * budget.totalEvents), 6);
      // Further failures never leave more.
      expect(ask(counts.map((each) => ({ ...each, bad: Math.min(each.total, each.bad + 1) })), incidents).remainingRatio).toBeLessThanOrEqual(budget.remainingRatio + 1e-9);
    }));
  });

  it('keeps its forecast: going on as foretold, the budget is spent at that step and not before', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: steps, maxLength: steps }), fc.integer({ min: 1, max: 20 }), (bads, pace) => {
      const counts = history((step) => (step >= steps - 12 ? pace : (bads[step] ?? 0) * 0.2));
      const { exhaustedAtMs, remainingRatio } = ask(counts);
      if (exhaustedAtMs === undefined || remainingRatio <= 0) return;
      const all = [...counts];
      for (let atMs = nowMs + stepMs; atMs <= exhaustedAtMs; atMs += stepMs) all.push({ atMs, bad: pace, total: 100 });
      const leftAt = (atMs: number): number => budgetOf({ slo, counts: all, stepMs, nowMs: atMs }).remainingRatio;
      expect(leftAt(exhaustedAtMs)).toBeLessThanOrEqual(1e-9);
      expect(leftAt(exhaustedAtMs - stepMs)).toBeGreaterThan(-1e-9);
    }), { numRuns: 50 });
  });
});
