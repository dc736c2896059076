import type { Summary } from '../report/summary-schema.ts';

/** A stretch of wall time, ms since the epoch. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** When the hold of a run was; undefined when it never began. */
export function holdStretch(summary: Summary): Stretch | undefined {
  const hold = summary.phases.find(({ name }) => name === 'hold');
  if (hold === undefined) return undefined;
  const fromMs = Date.parse(summary.startedAt) + hold.startS * 1_000;
  return { fromMs, toMs: fromMs + hold.durationS * 1_000 };
}

/** Operations a second that were neither failed nor refused, of all runs together, over whole seconds. */
export function goodPerS(summaries: readonly Summary[], { fromMs, toMs }: Stretch): number {
  return summaries.reduce((sum, summary) => {
    const startMs = Date.parse(summary.startedAt);
    const inside = summary.series.filter(({ second }) => startMs + second * 1_000 >= fromMs && startMs + (second + 1) * 1_000 <= toMs);
    const good = inside.reduce((total, { total: all, failed, refused }) => total + all - failed - refused, 0);
    return sum + good / Math.max(1, inside.length);
  }, 0);
}

/** p95 is back once it stayed below its limit so long; a lone slow second later is no relapse. */
export const steadyS = 10;

/**
 * Seconds from a moment until p95 is steadily below a limit; null when the hold does not show it.
 * A second without an operation shows nothing, so it is no sign of recovery.
 */
export function recoveredAfterS(summary: Summary, afterMs: number, limitMs: number): number | null {
  const startMs = Date.parse(summary.startedAt);
  const after = summary.series.filter(({ second, phase }) => phase === 'hold' && startMs + second * 1_000 >= afterMs);
  const isFast = after.map(({ p95Ms }) => p95Ms !== null && p95Ms < limitMs);
  const from = isFast.findIndex((_, index) => index + steadyS <= isFast.length && isFast.slice(index, index + steadyS).every(Boolean));
  const first = after[from];
  return first === undefined ? null : Math.max(0, (startMs + first.second * 1_000 - afterMs) / 1_000);
}
