import { assertNever } from '../../../ops/core/error.ts';
import { median } from '../../../ops/core/statistics.ts';
import { findChangePoints } from '../../../ops/judge/change-points.ts';
import type { Summary } from '../summary-schema.ts';

/** What is followed from run to run. */
export const trendMetrics = ['p95', 'rate', 'errors', 'cpu'] as const;
export type TrendMetric = (typeof trendMetrics)[number];

/** Fewer runs cannot reach a significance of 1 %: the orders of 9 around a change are too few. */
export const trendLeast = 10;
const options = { significance: 0.01, permutations: 999 } as const;

export interface TrendPoint {
  readonly run: string;
  readonly startedAt: string;
  readonly value: number;
}

export interface TrendChange {
  /** The first run after the change. */
  readonly run: string;
  readonly startedAt: string;
  /** Medians between this change and its neighbours. */
  readonly before: number;
  readonly after: number;
  /** `after` relative to `before`; null where that was 0. */
  readonly change: number | null;
  readonly p: number;
  /** Whether the new level is the better one. */
  readonly better: boolean;
}

export interface TrendSeries {
  readonly metric: TrendMetric;
  readonly unit: 'ms' | 'perS' | 'ratio' | 'us';
  readonly points: readonly TrendPoint[];
  readonly changes: readonly TrendChange[];
  /** Too few runs hold this figure to tell a change from chance. */
  readonly insufficient: boolean;
}

const units = { p95: 'ms', rate: 'perS', errors: 'ratio', cpu: 'us' } as const;

/**
 * Where a scenario's figures changed, for good or until the next change, over its runs: E-Divisive with a permutation test at 1 %. Pure.
 * @param runs of one kind, the oldest first
 */
export function findTrends(runs: readonly Summary[]): TrendSeries[] {
  return trendMetrics.map((metric) => {
    const points = runs.flatMap((summary) => {
      const value = valueOf(summary, metric);
      return value === null ? [] : [{ run: summary.runId, startedAt: summary.startedAt, value }];
    });
    const insufficient = points.length < trendLeast;
    return { metric, unit: units[metric], points, insufficient, changes: insufficient ? [] : changesOf(metric, points) };
  });
}

function changesOf(metric: TrendMetric, points: readonly TrendPoint[]): TrendChange[] {
  const values = points.map(({ value }) => value);
  const found = findChangePoints(values, options);
  return found.map(({ at, p }, index) => {
    const before = median(values.slice(found[index - 1]?.at ?? 0, at));
    const after = median(values.slice(at, found[index + 1]?.at ?? values.length));
    const { run, startedAt } = points[at] ?? { run: '', startedAt: '' };
    return { run, startedAt, before, after, change: before === 0 ? null : after / before - 1, p, better: metric === 'rate' ? after > before : after < before };
  });
}

/** null where a run has no such figure. CPU is that of the system's processes, or of the generator where the system is not ours. */
function valueOf(summary: Summary, metric: TrendMetric): number | null {
  switch (metric) {
    case 'p95':
      return summary.latencyMs.response.p95;
    case 'rate':
      return summary.operations.achievedPerS;
    case 'errors':
      return summary.operations.total === 0 ? null : summary.operations.failedRatio;
    case 'cpu':
      return summary.processes.length === 0 ? summary.generator.cpuUsPerOperation : summary.processes.reduce((sum, { cpuUsPerOperation }) => sum + (cpuUsPerOperation ?? 0), 0);
    default:
      return assertNever(metric);
  }
}
