/**
 * The search for the highest rate that meets the thresholds, as a function of what was observed: rise
 * by doubling until a probe misses, halve the interval until it is narrow, then confirm by a longer
 * hold (after Nighthawk's adaptive load controller: exponential, then binary search, then a testing
 * stage). It keeps no state of its own, so every decision can be replayed from the observations.
 */

/** What a probe is run for. `survey` only adds points for the scalability law. */
export type Purpose = 'rise' | 'narrow' | 'confirm' | 'survey';

/** `unclear`: the generator, not the system, was measured, so it says nothing about the system. */
export type Outcome = 'met' | 'missed' | 'unclear';

export interface Probe {
  readonly ratePerS: number;
  readonly holdMs: number;
  readonly purpose: Purpose;
}

export interface Observation {
  readonly probe: Probe;
  readonly outcome: Outcome;
  /** From start to verdict. */
  readonly tookMs: number;
}

export interface SearchPlan {
  readonly fromPerS: number;
  /** Where falling ends: a system that misses here has no capacity to speak of. */
  readonly leastPerS: number;
  /** Where rising ends. */
  readonly mostPerS: number;
  /** The search ends when a missed rate is at most this share above a met one; 0.05 is 5 %. */
  readonly precisionRatio: number;
  readonly holdMs: number;
  readonly confirmHoldMs: number;
  readonly probesMax: number;
  readonly durationMaxMs: number;
  /** Distinct measured rates that the law needs; surveys fill up to it. */
  readonly surveyRates: number;
}

/** What stopped the rate from being higher. */
export type Bound = 'thresholds' | 'generator' | 'limit';

export type Finding =
  | { readonly kind: 'found'; readonly ratePerS: number; readonly bound: Bound; /** The lowest rate that was not met. */ readonly missedPerS: number | null }
  /** Met once, but no longer hold confirmed it. */
  | { readonly kind: 'unconfirmed'; readonly ratePerS: number; readonly missedPerS: number | null; readonly why: string }
  | { readonly kind: 'none'; readonly leastPerS: number }
  | { readonly kind: 'unmeasured'; readonly why: string };

export type Decision = { readonly kind: 'probe'; readonly probe: Probe } | { readonly kind: 'done'; readonly finding: Finding };

/** Confirming holds that may miss before the search gives up. */
const confirmationsMax = 3;

/** Says what to probe next, or what was found. Pure; ends after at most `probesMax` observations. */
export function decide(plan: SearchPlan, observed: readonly Observation[]): Decision {
  const interval = intervalOf(observed);
  const { met, notMet } = interval;
  const left = budgetOf(plan, observed);
  if (met !== undefined && observed.some(({ probe, outcome }) => probe.purpose === 'confirm' && outcome === 'met' && probe.ratePerS === met)) {
    const survey = left.probes > 0 && left.timeMs >= left.costMs ? surveyRate(plan, observed, met) : undefined;
    if (survey !== undefined) return ask(survey, plan.holdMs, 'survey');
    return { kind: 'done', finding: { kind: 'found', ratePerS: met, bound: boundOf(interval), missedPerS: notMet?.ratePerS ?? null } };
  }
  if (left.probes <= 0 || left.timeMs < left.costMs) return giveUp(interval, left.probes <= 0 ? `${plan.probesMax} probes were not enough` : 'the time for the search was used up');
  const missedConfirms = observed.filter(({ probe, outcome }) => probe.purpose === 'confirm' && outcome !== 'met').length;
  if (missedConfirms >= confirmationsMax) return giveUp(interval, `${confirmationsMax} confirming holds did not meet the thresholds`);
  const repeat = observed.find(({ probe, outcome }) => outcome === 'unclear' && observed.filter((other) => other.probe.ratePerS === probe.ratePerS).length === 1 && probe.purpose !== 'survey');
  if (repeat !== undefined) return ask(repeat.probe.ratePerS, repeat.probe.holdMs, repeat.probe.purpose);
  // The last probe that there is room for is worth more as a confirmation than as a finer search.
  const isLast = left.probes === 1 || left.timeMs < left.costMs * 2 + (plan.confirmHoldMs - plan.holdMs);
  return step(plan, interval, isLast);
}

/** The next rate of rising, falling, narrowing or confirming. */
function step(plan: SearchPlan, { met, notMet }: Interval, isLast: boolean): Decision {
  if (met === undefined) {
    if (notMet === undefined) return ask(plan.fromPerS, plan.holdMs, 'rise');
    if (notMet.ratePerS > plan.leastPerS) return ask(Math.max(plan.leastPerS, round(notMet.ratePerS / 2)), plan.holdMs, 'rise');
    const finding: Finding = notMet.outcome === 'missed' ? { kind: 'none', leastPerS: notMet.ratePerS } : { kind: 'unmeasured', why: 'at no rate was the measurement valid' };
    return { kind: 'done', finding };
  }
  const isNarrow = notMet === undefined ? met >= plan.mostPerS : notMet.ratePerS / met <= 1 + plan.precisionRatio;
  if (isNarrow || isLast) return ask(met, plan.confirmHoldMs, 'confirm');
  if (notMet === undefined) return ask(Math.min(plan.mostPerS, round(met * 2)), plan.holdMs, 'rise');
  return ask(round(Math.sqrt(met * notMet.ratePerS)), plan.holdMs, 'narrow');
}

const ask = (ratePerS: number, holdMs: number, purpose: Purpose): Decision => ({ kind: 'probe', probe: { ratePerS, holdMs, purpose } });

/** Four figures are finer than any precision asked for, and can be read. */
const round = (ratePerS: number): number => Number(ratePerS.toPrecision(4));

interface Interval {
  /** The highest rate that was met, below every one that was not. */
  readonly met: number | undefined;
  /** The lowest rate that was not. */
  readonly notMet: { readonly ratePerS: number; readonly outcome: 'missed' | 'unclear' } | undefined;
}

/** One miss outweighs any number of passes of the same rate; unclear twice is a bound of the generator. */
function intervalOf(observed: readonly Observation[]): Interval {
  const rates = [...Map.groupBy(observed.filter(({ probe }) => probe.purpose !== 'survey'), ({ probe }) => probe.ratePerS)].toSorted(([a], [b]) => a - b);
  const judged = rates.flatMap(([ratePerS, all]): { ratePerS: number; outcome: Outcome }[] => {
    const has = (outcome: Outcome): number => all.filter((one) => one.outcome === outcome).length;
    if (has('missed') > 0) return [{ ratePerS, outcome: 'missed' }];
    if (has('unclear') > 1) return [{ ratePerS, outcome: 'unclear' }];
    return has('met') > 0 ? [{ ratePerS, outcome: 'met' }] : [];
  });
  const at = judged.findIndex(({ outcome }) => outcome !== 'met');
  const notMet = judged[at];
  const met = (at < 0 ? judged : judged.slice(0, at)).at(-1)?.ratePerS;
  return { met, notMet: notMet === undefined || notMet.outcome === 'met' ? undefined : { ratePerS: notMet.ratePerS, outcome: notMet.outcome } };
}

function boundOf({ notMet }: Interval): Bound {
  if (notMet === undefined) return 'limit';
  return notMet.outcome === 'missed' ? 'thresholds' : 'generator';
}

function giveUp({ met, notMet }: Interval, why: string): Decision {
  if (met !== undefined) return { kind: 'done', finding: { kind: 'unconfirmed', ratePerS: met, missedPerS: notMet?.ratePerS ?? null, why } };
  return { kind: 'done', finding: { kind: 'unmeasured', why } };
}

/** Probes and time that are left, and what a probe costs: its hold and what the earlier ones took besides theirs. */
function budgetOf(plan: SearchPlan, observed: readonly Observation[]): { probes: number; timeMs: number; costMs: number } {
  const spentMs = observed.reduce((sum, { tookMs }) => sum + tookMs, 0);
  const besidesMs = observed.reduce((sum, { probe, tookMs }) => sum + Math.max(0, tookMs - probe.holdMs), 0) / Math.max(1, observed.length);
  return { probes: plan.probesMax - observed.length, timeMs: plan.durationMaxMs - spentMs, costMs: plan.holdMs + besidesMs };
}

/** A rate in the widest gap below the capacity, while the law has too few rates; undefined when it has enough. */
function surveyRate(plan: SearchPlan, observed: readonly Observation[], capacityPerS: number): number | undefined {
  const tried = [...new Set(observed.map(({ probe }) => probe.ratePerS))];
  const clear = new Set(observed.filter(({ outcome }) => outcome !== 'unclear').map(({ probe }) => probe.ratePerS));
  if (clear.size >= plan.surveyRates || observed.filter(({ probe }) => probe.purpose === 'survey').length >= plan.surveyRates) return undefined;
  const marks = [Math.max(plan.leastPerS, capacityPerS / 8), ...tried.filter((rate) => rate <= capacityPerS && rate > capacityPerS / 8)].toSorted((a, b) => a - b);
  let widest = { from: 0, to: 0 };
  for (let index = 1; index < marks.length; index += 1) {
    const [from = 0, to = 0] = [marks[index - 1], marks[index]];
    if (to - from > widest.to - widest.from) widest = { from, to };
  }
  const middle = round((widest.from + widest.to) / 2);
  return middle > 0 && !tried.includes(middle) ? middle : undefined;
}
