/** Counts an objective's events from what its rules have recorded. */
import type { SampleSource } from '../metricstore/series.ts';
import { queryRange } from '../metricstore/promql/query.ts';
import { badRateSeries, totalRateSeries } from './burn-rules.ts';
import { budgetOf } from './budget.ts';
import type { Budget, EventCount, IncidentSpan } from './budget.ts';
import type { Slo } from './slo.ts';

/** The step of the long-term store: finer ones would read the same buckets twice. */
export const stepMs = 300_000;

/**
 * Asks for the recorded rates of the whole period; a rate times its step is the number of events.
 * @throws SoraError where the store cannot answer
 */
export async function readCounts(source: SampleSource, slo: Slo, nowMs: number): Promise<EventCount[]> {
  const endMs = Math.floor(nowMs / stepMs) * stepMs;
  const range = { startMs: endMs - slo.periodMs + stepMs, endMs, stepMs };
  const [bad, total] = await Promise.all([badRateSeries, totalRateSeries].map(async (series) => {
    // The average of the step, not what the step happened to end with.
    const { value } = await queryRange(source, `avg_over_time(${series}{slo="${slo.name}"}[5m])`, range);
    const [first] = value.type === 'matrix' ? value.series : [];
    return new Map(Array.from(first?.timestampsMs ?? [], (atMs, index) => [atMs, Number(first?.values[index])]));
  }));
  return [...(total ?? [])].flatMap(([atMs, perS]) => {
    const badPerS = bad?.get(atMs) ?? 0;
    return Number.isFinite(perS) && Number.isFinite(badPerS) ? [{ atMs, bad: (badPerS * stepMs) / 1_000, total: (perS * stepMs) / 1_000 }] : [];
  });
}

export interface BudgetWorld {
  readonly source: SampleSource;
  readonly nowMs: number;
  /** Incidents that touch a span of time; those still open end now. */
  incidents(fromMs: number, toMs: number): Promise<readonly IncidentSpan[]>;
}

/** The budget as it stands. */
export async function readBudget(world: BudgetWorld, slo: Slo): Promise<Budget> {
  const { source, nowMs } = world;
  const [counts, spans] = await Promise.all([readCounts(source, slo, nowMs), world.incidents(nowMs - slo.periodMs, nowMs)]);
  return budgetOf({ slo, counts, stepMs, nowMs: Math.floor(nowMs / stepMs) * stepMs, incidents: spans });
}
