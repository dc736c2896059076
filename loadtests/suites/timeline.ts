import type { Summary } from '../report/summary-schema.ts';
import { achievedLeast, chanceDeviations, leastPerS } from './rate-check.ts';

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

/** What a run did in a stretch, a second. */
export interface Rates {
  /** How much of the stretch they were seen in. */
  readonly seconds: number;
  readonly totalPerS: number;
  /** Not failed. */
  readonly donePerS: number;
  /** Neither failed nor refused. */
  readonly goodPerS: number;
}

/** The rates of a run over the points that lie wholly in a stretch; null where none does, as its points stand for more time than that. */
export function ratesIn({ startedAt, series }: Pick<Summary, 'startedAt' | 'series'>, { fromMs, toMs }: Stretch): Rates | null {
  const [startMs, period] = [Date.parse(startedAt), periodS(series)];
  const inside = series.filter(({ second }) => startMs + second * 1_000 >= fromMs && startMs + (second + period) * 1_000 <= toMs);
  const [first, last] = [inside[0], inside.at(-1)];
  if (first === undefined || last === undefined) return null;
  const { total, failed, refused } = sumOf(inside);
  const seconds = last.second + period - first.second;
  return { seconds, totalPerS: total / seconds, donePerS: (total - failed) / seconds, goodPerS: (total - failed - refused) / seconds };
}

type Counts = Pick<Summary['series'][number], 'total' | 'failed' | 'refused'>;

const sumOf = (points: readonly Counts[]): Counts =>
  points.reduce((sum, { total, failed, refused }) => ({ total: sum.total + total, failed: sum.failed + failed, refused: sum.refused + refused }), { total: 0, failed: 0, refused: 0 });

/** Good operations a second of all runs together in a stretch; null where the points of one stand for more time than that. */
export function goodPerS(summaries: readonly Summary[], stretch: Stretch): number | null {
  return summaries.reduce<number | null>((sum, summary) => {
    const rates = ratesIn(summary, stretch);
    return sum === null || rates === null ? null : sum + rates.goodPerS;
  }, 0);
}

/** The system is back once it stayed so for so long; a lone slow second later is no relapse. */
export const steadyS = 10;

/**
 * Seconds from a moment until the system is steadily as it was in the calm before: p95 below a limit, and as many operations
 * good, and as large a share of them, within 5 % and chance. A failure is often quick, so p95 alone would be no sign.
 * Null when the hold does not show it. A second without an operation, or without a point, shows nothing.
 */
export function recoveredAfterS(summary: Summary, afterMs: number, limitMs: number, calm: Rates): number | null {
  const startMs = Date.parse(summary.startedAt);
  const after = summary.series.filter(({ second, phase }) => phase === 'hold' && startMs + second * 1_000 >= afterMs);
  const period = periodS(summary.series);
  const points = Math.ceil(steadyS / period);
  const isFast = after.map(({ p95Ms }) => p95Ms !== null && p95Ms < limitMs);
  const adjoins = (index: number, from: number): boolean => index === from || (after[index]?.second ?? 0) - (after[index - 1]?.second ?? 0) <= period;
  const isSteady = (from: number): boolean =>
    from + points <= after.length && isFast.slice(from, from + points).every((fast, offset) => fast && adjoins(from + offset, from));
  const first = after.find((_, index) => isSteady(index) && isAsGood(sumOf(after.slice(index, index + points)), points * period, calm));
  return first === undefined ? null : Math.max(0, (startMs + first.second * 1_000 - afterMs) / 1_000);
}

/** Whether as many operations were good as in the calm, and of those there were as many. With nothing good in the calm there is nothing to come back to. */
function isAsGood({ total, failed, refused }: Counts, seconds: number, calm: Rates): boolean {
  if (calm.goodPerS === 0) return false;
  const good = total - failed - refused;
  const share = calm.goodPerS / calm.totalPerS;
  const chance = chanceDeviations * total * Math.sqrt(share * (1 - share) * (1 / Math.max(1, total) + 1 / (calm.totalPerS * calm.seconds)));
  return good / seconds >= leastPerS(calm.goodPerS, seconds, calm.seconds) && good >= total * share * achievedLeast - chance;
}
