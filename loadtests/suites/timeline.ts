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

/** Seconds that a point of a series stands for: those of long runs are joined. A second may be missing, but not each other one. */
function periodS(series: Summary['series']): number {
  const gaps = series.slice(1).map(({ second }, index) => second - (series[index]?.second ?? second)).filter((gap) => gap > 0);
  return gaps.reduce((least, gap) => Math.min(least, gap), gaps[0] ?? 1);
}

/**
 * Operations a second that were neither failed nor refused, of all runs together, over the points that lie wholly in a
 * stretch; null where none of a run does, as its points stand for more time than that.
 */
export function goodPerS(summaries: readonly Summary[], { fromMs, toMs }: Stretch): number | null {
  let sum = 0;
  for (const { startedAt, series } of summaries) {
    const [startMs, period] = [Date.parse(startedAt), periodS(series)];
    const inside = series.filter(({ second }) => startMs + second * 1_000 >= fromMs && startMs + (second + period) * 1_000 <= toMs);
    const [first, last] = [inside[0], inside.at(-1)];
    if (first === undefined || last === undefined) return null;
    const good = inside.reduce((total, { total: all, failed, refused }) => total + all - failed - refused, 0);
    sum += good / (last.second + period - first.second);
  }
  return sum;
}

/** p95 is back once it stayed below its limit so long; a lone slow second later is no relapse. */
export const steadyS = 10;

/**
 * Seconds from a moment until p95 is steadily below a limit; null when the hold does not show it.
 * A second without an operation, or without a point, shows nothing, so it is no sign of recovery.
 */
export function recoveredAfterS(summary: Summary, afterMs: number, limitMs: number): number | null {
  const startMs = Date.parse(summary.startedAt);
  const after = summary.series.filter(({ second, phase }) => phase === 'hold' && startMs + second * 1_000 >= afterMs);
  const period = periodS(summary.series);
  const points = Math.ceil(steadyS / period);
  const isFast = after.map(({ p95Ms }) => p95Ms !== null && p95Ms < limitMs);
  const adjoins = (index: number, from: number): boolean => index === from || (after[index]?.second ?? 0) - (after[index - 1]?.second ?? 0) <= period;
  const from = isFast.findIndex((_, index) => index + points <= isFast.length && isFast.slice(index, index + points).every((fast, offset) => fast && adjoins(index + offset, index)));
  const first = after[from];
  return first === undefined ? null : Math.max(0, (startMs + first.second * 1_000 - afterMs) / 1_000);
}
