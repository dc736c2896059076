import { assertNever } from '../../../ops/core/error.ts';
import { formatMs, formatNumber, formatPercent } from '../format.ts';
import type { ComparedMetric, ComparedVerdict, Comparison, ComparisonRow } from './schema.ts';

/** Word and icon of each verdict; colour is never the only sign. */
export const comparedSigns: Readonly<Record<ComparedVerdict, { readonly icon: string; readonly word: string; readonly tone: 'pass' | 'fail' | 'insufficient' }>> = {
  better: { icon: '✓', word: 'better', tone: 'pass' },
  same: { icon: '=', word: 'same', tone: 'pass' },
  worse: { icon: '✗', word: 'worse', tone: 'fail' },
  insufficient: { icon: '◌', word: 'INSUFFICIENT', tone: 'insufficient' },
};

export const metricTitles: Readonly<Record<ComparedMetric, string>> = { p50: 'p50', p95: 'p95', failed: 'failed', rate: 'per s' };

/** `+12 %`, `−3.4 %`; a change of the share of failures in points, `+0.8 pt`. */
export function formatChange(metric: ComparedMetric, change: number | null): string {
  if (change === null || !Number.isFinite(change)) return '–';
  const percent = change * 100;
  const digits = Math.abs(percent) >= 10 ? 0 : Math.abs(percent) >= 1 ? 1 : 2;
  const text = Math.abs(percent).toFixed(digits);
  return `${Number(text) === 0 ? '±' : percent > 0 ? '+' : '−'}${Number(text)} ${metric === 'failed' ? 'pt' : '%'}`;
}

/** A metric's figure in its unit. */
export function formatFigure(metric: ComparedMetric, value: number | null): string {
  if (metric === 'failed') return formatPercent(value);
  return metric === 'rate' ? formatNumber(value) : formatMs(value);
}

/** `feed p95 +12 % (+9.1 % to +15 %)`. */
export function rowText(row: ComparisonRow): string {
  const { op, metric } = row;
  return `${op} ${metricTitles[metric]} ${formatChange(metric, row.change)} (${formatChange(metric, row.changeLow)} to ${formatChange(metric, row.changeHigh)})`;
}

/** What the comparison found, in one sentence. */
export function comparisonSentence({ verdict, baselines, rows, operations, bandFrom, tolerance, confidence }: Omit<Comparison, 'sentence'>): string {
  const runs = baselines.length === 1 ? `run ${baselines[0]}` : `${baselines.length} runs`;
  const band = bandFrom === 'runs' ? 'their own noise' : `a tolerance of ${formatPercent(tolerance)}`;
  const measured = `with ${runs} and ${band} at ${formatPercent(confidence)} confidence`;
  const moved = (word: ComparedVerdict): string => rows.filter((row) => row.verdict === word).map(rowText).slice(0, 3).join(', ');
  const count = operations.length === 1 ? 'the operation' : `all ${operations.length} rows`;
  switch (verdict) {
    case 'worse':
      return `Worse, compared ${measured}: ${moved('worse')}.`;
    case 'better':
      return `Nothing is worse, compared ${measured}; better: ${moved('better')}.`;
    case 'same':
      return `The same in ${count}, compared ${measured}.`;
    case 'insufficient': {
      const reason = rows.find((row) => row.verdict === 'insufficient')?.reason ?? 'no operation has whole blocks';
      const better = moved('better');
      return `Nothing is worse, but not all could be judged, compared ${measured}: ${reason}${better === '' ? '' : `; better: ${better}`}.`;
    }
    default:
      return assertNever(verdict);
  }
}
