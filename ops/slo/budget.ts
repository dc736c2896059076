/** Error budgets as pure functions of what was counted: nothing here knows a clock or a store. */
import { budgetRatioOf } from './slo.ts';
import type { Slo } from './slo.ts';

/** Events of one step of time, in order; steps without a sample are left out. */
export interface EventCount {
  /** End of the step. */
  readonly atMs: number;
  readonly bad: number;
  readonly total: number;
}

/** A span of an incident. */
export interface IncidentSpan {
  readonly id: string;
  readonly title: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Spending {
  readonly id: string;
  readonly title: string;
  readonly badEvents: number;
  /** Share of the whole budget. */
  readonly budgetRatio: number;
}

export interface Budget {
  readonly badEvents: number;
  readonly totalEvents: number;
  /** Bad events that the objective allows, of the events counted. */
  readonly allowedEvents: number;
  /** Share of good events; undefined without any event. */
  readonly goodRatio: number | undefined;
  /** Share of the budget that is left: 1 untouched, 0 spent, negative once the objective is missed. */
  readonly remainingRatio: number;
  /** Pace of the last hour: 1 spends the budget exactly in one period. */
  readonly burn: number;
  /** When the budget is spent if the last hour goes on; undefined where it is not within a period, in the past or now where it is spent already. */
  readonly exhaustedAtMs: number | undefined;
  /** Share of the period that was counted: what is missing counts as neither good nor bad. */
  readonly coveredRatio: number;
  readonly incidents: readonly Spending[];
  /** What was spent while no incident was open; a load run's failures too, as its incidents are rehearsals. */
  readonly otherBadEvents: number;
}

export interface BudgetQuestion {
  readonly slo: Pick<Slo, 'targetRatio' | 'periodMs'>;
  readonly counts: readonly EventCount[];
  /** Length of the step that each count is for. */
  readonly stepMs: number;
  readonly nowMs: number;
  readonly incidents?: readonly IncidentSpan[];
}

/** Pace is taken over so long: shorter is noise, longer misses that a fault has begun. */
export const paceMs = 3_600_000;

export function budgetOf({ slo, counts, stepMs, nowMs, incidents = [] }: BudgetQuestion): Budget {
  const inPeriod = counts.filter(({ atMs }) => atMs > nowMs - slo.periodMs && atMs <= nowMs);
  const all = sumOf(inPeriod);
  const pace = sumOf(inPeriod.filter(({ atMs }) => atMs > nowMs - paceMs));
  const budgetRatio = budgetRatioOf(slo);
  const allowedEvents = all.total * budgetRatio;
  const spent = spendingsOf(inPeriod, incidents, allowedEvents);
  return {
    badEvents: all.bad,
    totalEvents: all.total,
    allowedEvents,
    goodRatio: all.total === 0 ? undefined : 1 - all.bad / all.total,
    remainingRatio: remaining(all, budgetRatio),
    burn: pace.total === 0 ? 0 : pace.bad / pace.total / budgetRatio,
    exhaustedAtMs: forecast({ inPeriod, pace, budgetRatio, stepMs, nowMs, periodMs: slo.periodMs }),
    coveredRatio: Math.min(1, (inPeriod.length * stepMs) / slo.periodMs),
    incidents: spent,
    otherBadEvents: Math.max(0, all.bad - spent.reduce((sum, { badEvents }) => sum + badEvents, 0)),
  };
}

interface Counted {
  readonly bad: number;
  readonly total: number;
}

function sumOf(counts: readonly Counted[]): Counted {
  return counts.reduce((sum, { bad, total }) => ({ bad: sum.bad + bad, total: sum.total + total }), { bad: 0, total: 0 });
}

/** Without events nothing was spent. */
function remaining({ bad, total }: Counted, budgetRatio: number): number {
  return total === 0 ? 1 : 1 - bad / (total * budgetRatio);
}

/** Each bad event belongs to the incident that began first of those open at its time, so that none is counted twice. */
function spendingsOf(counts: readonly EventCount[], incidents: readonly IncidentSpan[], allowedEvents: number): Spending[] {
  const ordered = [...incidents].sort((a, b) => a.fromMs - b.fromMs || (a.id < b.id ? -1 : 1));
  const spent = new Map<string, number>();
  for (const { atMs, bad } of counts) {
    const owner = ordered.find(({ fromMs, toMs }) => atMs > fromMs && atMs <= toMs);
    if (owner !== undefined && bad > 0) spent.set(owner.id, (spent.get(owner.id) ?? 0) + bad);
  }
  return ordered.flatMap(({ id, title }) => {
    const badEvents = spent.get(id) ?? 0;
    return badEvents === 0 ? [] : [{ id, title, badEvents, budgetRatio: allowedEvents === 0 ? 0 : badEvents / allowedEvents }];
  });
}

interface Outlook {
  readonly inPeriod: readonly EventCount[];
  readonly pace: Counted;
  readonly budgetRatio: number;
  readonly stepMs: number;
  readonly nowMs: number;
  readonly periodMs: number;
}

/**
 * Goes on with the last hour's events step by step while the oldest ones leave the period, until the budget is spent. A
 * rolling budget recovers as old failures leave it, which a straight line through what remains would not know.
 */
function forecast({ inPeriod, pace, budgetRatio, stepMs, nowMs, periodMs }: Outlook): number | undefined {
  const window = { ...sumOf(inPeriod) };
  if (remaining(window, budgetRatio) <= 0) return nowMs;
  if (pace.bad === 0) return undefined;
  const [badPerStep, totalPerStep] = [(pace.bad * stepMs) / paceMs, (pace.total * stepMs) / paceMs];
  let oldest = 0;
  for (let atMs = nowMs + stepMs; atMs <= nowMs + periodMs; atMs += stepMs) {
    window.bad += badPerStep;
    window.total += totalPerStep;
    for (let first = inPeriod[oldest]; first !== undefined && first.atMs <= atMs - periodMs; first = inPeriod[++oldest]) {
      window.bad -= first.bad;
      window.total -= first.total;
    }
    if (remaining(window, budgetRatio) <= 0) return atMs;
  }
  return undefined;
}
