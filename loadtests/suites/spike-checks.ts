import { formatMs, formatNumber, formatPercent } from '../report/format.ts';
import type { Summary } from '../report/summary-schema.ts';
import { achievedLeast, leastPerS, wantedPerS } from './rate-check.ts';
import type { Check } from './result-schema.ts';
import type { SpikePart } from './suite-schema.ts';
import { goodPerS, holdStretch, ratesIn, recoveredAfterS, steadyS } from './timeline.ts';
import type { Rates, Stretch } from './timeline.ts';

const tooCoarse = 'the points of the series stand for more time than the calm before the spike';

/** When the extra load held, and the calm before it; undefined where either never was. */
function stretchesOf(part: SpikePart, base: readonly Summary[], extra: readonly Summary[]): { calm: Stretch; spike: Stretch } | undefined {
  const spike = joinStretches(extra);
  const holds = base.flatMap((summary) => holdStretch(summary) ?? []);
  if (spike === undefined || holds.length === 0) return undefined;
  const calmFromMs = Math.max(...holds.map(({ fromMs }) => fromMs));
  return { spike, calm: { fromMs: calmFromMs, toMs: Math.min(calmFromMs + part.holdS * 1_000, spike.fromMs) } };
}

/**
 * That each load was served before the spike: its rate, as a run's. Thresholds of the base count the spike too and are not
 * judged, so without this a system that fails from beginning to end would recover at once.
 * @param base in the order of the part's loads; undefined where one never measured
 */
export function calmChecks(part: SpikePart, base: readonly (Summary | undefined)[], extra: readonly Summary[], scale: number): Check[] {
  const calm = stretchesOf(part, base.flatMap((summary) => summary ?? []), extra)?.calm;
  if (calm === undefined) return [];
  return base.flatMap((summary, index): Check[] => {
    const load = part.loads[index];
    if (summary === undefined || load === undefined) return [];
    const name = `${summary.scenario}: rate before the spike`;
    const rates = ratesIn(summary, calm);
    if (rates === null) return [{ name, measured: null, limit: null, ok: null, text: `${summary.scenario}: ${tooCoarse}` }];
    const ratePerS = wantedPerS(load, part.holdS, scale);
    const limit = leastPerS(ratePerS, rates.seconds);
    return [{
      name, measured: rates.donePerS, limit, ok: rates.goodPerS > 0 && rates.donePerS >= limit,
      text: `${summary.scenario}: before the spike ${formatNumber(rates.donePerS)} operations/s of ${formatNumber(ratePerS)}/s achieved, ${formatNumber(rates.goodPerS)}/s of them good; limit ≥ ${formatNumber(limit)}/s`,
    }];
  });
}

/** Goodput in the spike against before, and the time the system took to come back after. */
export function spikeChecks(part: SpikePart, base: readonly Summary[], extra: readonly Summary[]): Check[] {
  const stretches = stretchesOf(part, base, extra);
  if (stretches === undefined) return [{ name: 'spike', measured: null, limit: null, ok: null, text: 'the spike never took place' }];
  const { calm, spike } = stretches;
  const checks: Check[] = [...lengthChecks(part, extra), ...base.map((summary) => recoveryCheck(part, summary, spike, ratesIn(summary, calm)))];
  const calmPerS = goodPerS(base, calm);
  const spikePerS = goodPerS([...base, ...extra], spike);
  if (part.goodputMin === undefined) return checks;
  if (calmPerS === null || spikePerS === null) return [...checks, { name: 'goodput', measured: null, limit: part.goodputMin, ok: null, text: 'the points of the series stand for more time than the spike or the calm before it' }];
  const ratio = calmPerS === 0 ? null : spikePerS / calmPerS;
  return [...checks, {
    name: 'goodput', measured: ratio, limit: part.goodputMin, ok: ratio !== null && ratio >= part.goodputMin,
    text: `good operations in the spike ${formatNumber(spikePerS)}/s, ${formatPercent(ratio)} of the ${formatNumber(calmPerS)}/s before; limit ≥ ${formatPercent(part.goodputMin)}`,
  }];
}

/** A spike that something ended early, such as a threshold, was another spike. */
function lengthChecks({ spikeS }: SpikePart, extra: readonly Summary[]): Check[] {
  const shortestS = Math.min(...extra.map((summary) => summary.phases.find(({ name }) => name === 'hold')?.durationS ?? 0));
  if (shortestS >= spikeS * achievedLeast) return [];
  return [{ name: 'spike', measured: shortestS, limit: spikeS, ok: null, text: `the spike lasted ${formatNumber(shortestS)} s of ${formatNumber(spikeS)} s` }];
}

function recoveryCheck({ p95Ms, recoveryMaxS }: SpikePart, summary: Summary, spike: Stretch, calm: Rates | null): Check {
  const { scenario } = summary;
  const name = `${scenario}: recovery`;
  const seenS = ((holdStretch(summary)?.toMs ?? 0) - spike.toMs) / 1_000;
  if (calm === null) return { name, measured: null, limit: recoveryMaxS, ok: null, text: `${scenario}: ${tooCoarse}` };
  const measured = recoveredAfterS(summary, spike.toMs, p95Ms, calm);
  // A run that ended too early has shown neither recovery nor its lack.
  if (measured === null && seenS < recoveryMaxS + steadyS - 1) return { name, measured, limit: recoveryMaxS, ok: null, text: `${scenario}: only ${formatNumber(Math.max(0, seenS))} s were seen after the spike` };
  const found = measured === null ? 'did not recover' : `recovered after ${formatNumber(measured)} s`;
  return {
    name, measured, limit: recoveryMaxS, ok: measured !== null && measured <= recoveryMaxS,
    text: `${scenario}: ${found} (p95 below ${formatMs(p95Ms)} and operations as good as before for ${steadyS} s), limit ≤ ${recoveryMaxS} s`,
  };
}

/** From the first beginning to the last end of several holds. */
function joinStretches(summaries: readonly Summary[]): Stretch | undefined {
  const all = summaries.flatMap((summary) => holdStretch(summary) ?? []);
  if (all.length === 0 || all.length < summaries.length) return undefined;
  return { fromMs: Math.min(...all.map(({ fromMs }) => fromMs)), toMs: Math.max(...all.map(({ toMs }) => toMs)) };
}
