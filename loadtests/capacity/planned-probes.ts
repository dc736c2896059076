import type { PlannedRun } from '../report/spent.ts';
import { loadOf } from './probe.ts';
import type { SearchPlan } from './search.ts';

type SearchBounds = Pick<SearchPlan, 'mostPerS' | 'holdMs' | 'probesMax'> & Partial<Pick<SearchPlan, 'durationMaxMs'>>;

/** The probes of a search, all at its highest rate, and the last, which confirms, with twice the hold: the most that it can use. */
export function plannedProbes({ mostPerS, holdMs, probesMax, durationMaxMs = Infinity }: SearchBounds, usersMax: number, scenario: string): PlannedRun[][] {
  const { rampMs } = loadOf(mostPerS, holdMs, usersMax);
  const probe = (heldMs: number): PlannedRun => ({ scenario, operations: Math.round((mostPerS * (heldMs + rampMs / 2)) / 1_000), durationMs: rampMs + heldMs });
  const probes = Math.max(1, Math.min(probesMax, Math.floor(durationMaxMs / (rampMs + holdMs))));
  return Array.from({ length: probes }, (_, index) => [probe(index === probes - 1 ? holdMs * 2 : holdMs)]);
}
