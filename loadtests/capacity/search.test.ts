import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './search.ts';
import type { Observation, Outcome, SearchPlan } from './search.ts';
import { cliff, queue, searchSystem, waitP95Ms } from './synthetic.ts';

const plan: SearchPlan = {
  fromPerS: 100, leastPerS: 1, mostPerS: 100_000, precisionRatio: 0.05, holdMs: 30_000, confirmHoldMs: 60_000, probesMax: 30, durationMaxMs: 3_600_000, surveyRates: 6,
};

describe('decide', () => {
  it('rises by doubling, narrows by halving, confirms by a longer hold', () => {
    const { observed } = searchSystem({ ...plan, surveyRates: 0 }, cliff(1_000));
    expect(observed.map(({ probe }) => probe.purpose).join(' ')).toBe('rise rise rise rise rise narrow narrow narrow narrow confirm');
    expect(observed.slice(0, 6).map(({ probe }) => probe.ratePerS)).toEqual([100, 200, 400, 800, 1_600, 1_131]);
    expect(observed.at(-1)?.probe.holdMs).toBe(60_000);
  });

  it('finds a cliff wherever it is, within its precision and in few probes', () => {
    fc.assert(fc.property(fc.double({ min: 1.1, max: 90_000, noNaN: true }), fc.constantFrom(0.02, 0.05, 0.2), (capacityPerS, precisionRatio) => {
      const { finding, observed } = searchSystem({ ...plan, precisionRatio, surveyRates: 0 }, cliff(capacityPerS));
      if (finding.kind !== 'found') throw new Error(`found ${finding.kind}`);
      expect(finding.ratePerS).toBeLessThanOrEqual(capacityPerS);
      expect(finding.ratePerS * (1 + precisionRatio) * 1.001).toBeGreaterThanOrEqual(capacityPerS);
      expect(finding.bound).toBe('thresholds');
      expect(finding.missedPerS).toBeGreaterThan(capacityPerS);
      // Doublings or halvings, then halvings of the interval's logarithm, then the confirmation.
      const doublings = Math.abs(Math.log2(capacityPerS / plan.fromPerS)) + 2;
      expect(observed.length).toBeLessThanOrEqual(doublings + Math.log2(Math.log(2) / Math.log1p(precisionRatio)) + 3);
    }));
  });

  it.each([[1, 10, 50], [4, 8, 20], [16, 5, 5]])('finds the rate at which %i servers of %i ms keep waits below %i ms', (servers, serviceMs, limitMs) => {
    let [low, high] = [1, (servers * 1_000) / serviceMs];
    for (let round = 0; round < 60; round += 1) {
      const middle = (low + high) / 2;
      if (waitP95Ms(middle, servers, serviceMs) < limitMs) low = middle;
      else high = middle;
    }
    const { finding } = searchSystem(plan, queue(servers, serviceMs, limitMs));
    if (finding.kind !== 'found') throw new Error(`found ${finding.kind}`);
    expect(finding.ratePerS).toBeLessThanOrEqual(low);
    expect(finding.ratePerS * 1.051).toBeGreaterThan(low);
  });

  it('says when only its own limit ended the search', () => {
    expect(searchSystem({ ...plan, mostPerS: 3_000 }, () => 'met').finding).toEqual({ kind: 'found', ratePerS: 3_000, bound: 'limit', missedPerS: null });
  });

  it('falls, and says that no rate meets the thresholds', () => {
    const { finding, observed } = searchSystem(plan, () => 'missed');
    expect(finding).toEqual({ kind: 'none', leastPerS: 1 });
    expect(observed.map(({ probe }) => probe.ratePerS)).toEqual([100, 50, 25, 12.5, 6.25, 3.125, 1.563, 1]);
  });

  it('tries an unclear probe once more, then takes it for the generator’s bound', () => {
    const { finding, observed } = searchSystem({ ...plan, surveyRates: 0 }, (ratePerS) => (ratePerS > 700 ? 'unclear' : 'met'));
    expect(finding).toMatchObject({ kind: 'found', bound: 'generator' });
    expect(observed.slice(3, 5).map(({ probe }) => probe.ratePerS)).toEqual([800, 800]);
    const flaky = searchSystem(plan, (ratePerS, attempt) => (attempt === 1 ? 'unclear' : cliff(1_000)(ratePerS, 0)));
    expect(flaky.finding).toMatchObject({ kind: 'found', bound: 'thresholds' });
    expect(searchSystem(plan, () => 'unclear').finding).toMatchObject({ kind: 'unmeasured' });
  });

  it('goes lower when the longer hold misses, and gives up after three', () => {
    const tiring: Observation[] = [];
    for (let round = 0; round < 60; round += 1) {
      const decision = decide(plan, tiring);
      if (decision.kind === 'done') {
        expect(decision.finding).toMatchObject({ kind: 'unconfirmed', why: expect.stringContaining('3 confirming holds') as string });
        break;
      }
      const { probe } = decision;
      const outcome = probe.purpose === 'confirm' || probe.ratePerS > 1_000 ? 'missed' : 'met';
      tiring.push({ probe, outcome, tookMs: probe.holdMs });
    }
    const confirms = tiring.filter(({ probe }) => probe.purpose === 'confirm').map(({ probe }) => probe.ratePerS);
    expect(confirms).toHaveLength(3);
    expect(confirms).toEqual(confirms.toSorted((a, b) => b - a));
  });

  it('surveys lower rates until the law has its points', () => {
    const { observed } = searchSystem({ ...plan, fromPerS: 900, mostPerS: 1_000 }, cliff(950));
    const rates = new Set(observed.map(({ probe }) => probe.ratePerS));
    expect(rates.size).toBeGreaterThanOrEqual(6);
    expect(Math.min(...rates)).toBeLessThan(400);
  });

  it('confirms what it has with the last probe, and says that the interval stayed wide', () => {
    const { finding, observed } = searchSystem({ ...plan, probesMax: 6 }, cliff(1_000));
    expect(observed).toHaveLength(6);
    expect(finding).toEqual({ kind: 'found', ratePerS: 800, bound: 'thresholds', missedPerS: 1_600 });
  });

  it('never asks for more than its probes, its time or its range, whatever it meets', () => {
    const outcomes = fc.array(fc.constantFrom<Outcome>('met', 'missed', 'unclear'), { minLength: 1, maxLength: 40 });
    fc.assert(fc.property(outcomes, fc.integer({ min: 1, max: 25 }), fc.integer({ min: 1, max: 60 }), (script, probesMax, minutes) => {
      const bounded = { ...plan, probesMax, durationMaxMs: minutes * 60_000 };
      const { finding, observed } = searchSystem(bounded, (_, attempt) => script[attempt % script.length] ?? 'met');
      expect(observed.length).toBeLessThanOrEqual(probesMax);
      const spentMs = observed.reduce((sum, { tookMs }) => sum + tookMs, 0);
      // A confirming hold may begin where a usual one still fits.
      expect(spentMs).toBeLessThanOrEqual(Math.max(bounded.durationMaxMs + bounded.confirmHoldMs, bounded.holdMs + 5_000));
      for (const { probe } of observed) {
        expect(probe.ratePerS).toBeGreaterThanOrEqual(plan.leastPerS);
        expect(probe.ratePerS).toBeLessThanOrEqual(plan.mostPerS);
      }
      if (finding.kind === 'found') {
        const all = observed.filter(({ probe }) => probe.ratePerS === finding.ratePerS && probe.purpose !== 'survey').map(({ outcome }) => outcome);
        expect(all).not.toContain('missed');
        expect(all).toContain('met');
      }
    }));
  });
});
