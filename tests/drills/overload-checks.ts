import type { Summary } from '../../loadtests/report/summary-schema.ts';
import { atLeast, atMost, equals, holds, note } from './check.ts';
import type { Check } from './check.ts';
import type { Probed } from './probe.ts';

export const overloadLimits = { goodputRatio: 0.8, refusalMs: 50, recoveryS: 30, p95Ms: 500, offeredRatio: 1.7, provenRatio: 0.9 } as const;

/** A stretch of wall time. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Goodput before and during: successful operations a second, over whole seconds of the windows. */
export function goodputChecks(base: Summary, extra: Summary, before: Window, overload: Window): Check[] {
  const provenPerS = goodPerS(base, before);
  const goodPerSInAll = goodPerS(base, overload) + goodPerS(extra, overload);
  const offeredPerS = totalPerS(base, overload) + totalPerS(extra, overload);
  return [
    atLeast('proven rate, good operations/s', provenPerS, overloadLimits.provenRatio * (base.users / base.thinkTimeS)),
    note('p95 at the proven rate, worst second', `${Math.max(...pointsIn(base, before).map(({ p95Ms }) => p95Ms ?? 0)).toFixed(0)} ms`),
    atLeast('offered in overload, of the proven rate', offeredPerS / provenPerS, overloadLimits.offeredRatio),
    atLeast('goodput in overload, of the proven rate', goodPerSInAll / provenPerS, overloadLimits.goodputRatio),
    note('goodput in overload', `${goodPerSInAll.toFixed(0)}/s good of ${offeredPerS.toFixed(0)}/s`),
  ];
}

function pointsIn(summary: Summary, { fromMs, toMs }: Window): Summary['series'] {
  const startMs = Date.parse(summary.startedAt);
  return summary.series.filter(({ second }) => startMs + second * 1_000 >= fromMs && startMs + (second + 1) * 1_000 <= toMs);
}

const perS = (points: Summary['series'], pick: (point: Summary['series'][number]) => number): number =>
  points.reduce((sum, point) => sum + pick(point), 0) / Math.max(1, points.length);
const goodPerS = (summary: Summary, window: Window): number => perS(pointsIn(summary, window), ({ total, failed, refused }) => total - failed - refused);
const totalPerS = (summary: Summary, window: Window): number => perS(pointsIn(summary, window), ({ total }) => total);

/** What the excess was told, from a steady sample: 429 or 503 with `Retry-After`, at once. */
export function refusalChecks(probed: readonly Probed[]): Check[] {
  const refused = probed.filter(({ status }) => status >= 400 || status === 0);
  const polite = refused.filter(({ status, retryAfter }) => (status === 429 || status === 503) && retryAfter !== undefined);
  const times = polite.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const p95Ms = times[Math.max(0, Math.ceil(times.length * 0.95) - 1)] ?? 0;
  const checks = [
    atLeast('replies sampled', probed.length, 100),
    note('refused, of the sample', `${refused.length}: ${countStatuses(refused)}`),
    equals('refusals that are not 429 or 503 with Retry-After', refused.length - polite.length, 0),
    atMost('refusal answered in, p95', p95Ms, overloadLimits.refusalMs, 'ms'),
    note('refusal answered in, median', `${(times[times.length >> 1] ?? 0).toFixed(1)} ms`),
    note('refusal answered in, max', `${(times.at(-1) ?? 0).toFixed(1)} ms`),
  ];
  if (refused.length > 0) return checks;
  return [...checks, note('overload', 'nothing was refused: the stack carries twice this rate; give its proven rate with --rate')];
}

/** `503 2242, no reply 18`. */
function countStatuses(probed: readonly Probed[]): string {
  const counts = [...Map.groupBy(probed, ({ status }) => status)].toSorted((a, b) => b[1].length - a[1].length);
  return counts.map(([status, all]) => `${status === 0 ? 'no reply' : status} ${all.length}`).join(', ') || 'none';
}

/** p95 has recovered once it was below its threshold this many seconds on end; a lone slow second later is no relapse. */
const steadyS = 10;

/** Seconds from the end of the overload until p95 is steadily below its threshold. */
export function recoveryCheck(base: Summary, { toMs }: Window): Check {
  const { recoveryS, p95Ms: limitMs } = overloadLimits;
  const startMs = Date.parse(base.startedAt);
  const after = base.series.filter(({ second, phase }) => phase === 'hold' && startMs + second * 1_000 >= toMs);
  // A run that ends too early has shown no recovery.
  if (after.length < recoveryS) return holds('seconds seen after the overload', false, String(after.length), `>= ${recoveryS}`);
  const isSlow = after.map(({ p95Ms }) => (p95Ms ?? 0) > limitMs);
  const from = isSlow.findIndex((_, second) => second + steadyS <= isSlow.length && !isSlow.slice(second, second + steadyS).includes(true));
  return atMost(`p95 below ${limitMs} ms for ${steadyS} s again after`, from < 0 ? isSlow.length : from, recoveryS, 's');
}
