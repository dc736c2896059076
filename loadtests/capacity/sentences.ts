import { formatNumber, formatPercent, missing } from '../report/format.ts';
import { lawLimits } from './judge-law.ts';
import type { CapacityResult } from './result-schema.ts';

/** The result in one sentence, the same in terminal and page. */
export function capacitySentence({ capacity, verdict, reasons, headroomRatio, todayPerS, search, unit = 'operations' }: CapacityResult): string {
  const { ratePerS, missedPerS, bound } = capacity;
  const headroom = todayPerS === null || headroomRatio === null ? '' : ` Against today's ${formatNumber(todayPerS)}/s that is ${headroomText(headroomRatio)}.`;
  if (verdict !== 'pass') return `${reasons[0] ?? 'the search proved nothing'}.${headroom}`;
  const above = bound === 'limit' ? 'the search was told to go no further' : `${formatNumber(missedPerS)}/s missed them`;
  return `${formatNumber(ratePerS)} ${unit}/s met every threshold, confirmed by a hold of ${formatNumber(search.confirmHoldS)} s; ${above}.${headroom}`;
}

/** `a headroom of 40 %`, or by how much it falls short. */
export function headroomText(ratio: number): string {
  return ratio >= 0 ? `a headroom of ${formatPercent(ratio)}` : `${formatPercent(-ratio)} too little`;
}

/** What the law says, a line each: parameters, knee, peak, or why the points cannot carry it. */
export function lawLines({ verdict, reasons, points, fit }: CapacityResult['law']): string[] {
  const lines = verdict === 'fitted' ? [] : [`INSUFFICIENT: ${reasons.join('; ')}`];
  if (fit === null || points.length < lawLimits.pointsMin) return lines;
  const { lambda, sigma, kappa, knee, peak, peakPerS, explainedRatio } = fit;
  const between = ({ low, high }: { low: number; high: number | null }, format: (value: number) => string): string => `${format(low)} to ${high === null ? 'unbounded' : format(high)}`;
  const figures = (value: number): string => String(Number(value.toPrecision(3)));
  lines.push(
    `λ ${formatNumber(lambda.value)}/s (${between(lambda, formatNumber)}), σ ${figures(sigma.value)} (${between(sigma, figures)}), κ ${figures(kappa.value)} (${between(kappa, figures)}), R² ${explainedRatio.toFixed(3)} of ${points.length} points; 95 % intervals`,
  );
  if (knee !== null) lines.push(`knee at a concurrency of ${formatNumber(knee.concurrency)}, ${formatNumber(knee.throughputPerS)}/s`);
  if (peak !== null && peakPerS !== null) {
    lines.push(`predicted ${peak.concurrency === null ? 'asymptote' : `peak at a concurrency of ${formatNumber(peak.concurrency)}`}: ${formatNumber(peakPerS.value)}/s (${between(peakPerS, formatNumber)})`);
  } else lines.push(`predicted peak: ${missing} (throughput grows without end)`);
  return lines;
}
