import { median } from '../../../ops/core/statistics.ts';
import type { MetricSamples } from './judge-metric.ts';
import type { ComparedMetric } from './schema.ts';

/** Values of one operation, block by block; undefined where a block holds too few operations. */
export interface BlockSeries {
  readonly op: string;
  readonly metric: ComparedMetric;
  readonly baselines: readonly (readonly (number | undefined)[])[];
  readonly candidate: readonly (number | undefined)[];
}

/** The middle of fewer would move with any one of them. */
const othersLeast = 3;

/**
 * What each operation's response times have beyond those of the others. A slow moment of the machine slows all operations
 * of its block, and is most of what runs differ by; so each value is divided by how much the other operations of its block
 * stand above their own usual, in the middle. An operation that is slower than before by itself then shows where its bare
 * times are lost in the noise. The middle does not move with one of the others.
 * @param series of one metric that is a response time
 */
export function excessOf(series: readonly BlockSeries[]): MetricSamples[] {
  const usual = new Map(series.map(({ op, baselines }) => [op, median(baselines.flat().flatMap((value) => value ?? []))]));
  const pick = (each: BlockSeries, run: number): readonly (number | undefined)[] => each.baselines[run] ?? each.candidate;
  const runOf = (op: string, run: number): number[] => {
    const own = series.find((each) => each.op === op);
    const others = series.filter((each) => each.op !== op);
    return (own === undefined ? [] : pick(own, run)).flatMap((value, block) => {
      const ratios = others.flatMap((each) => {
        const ratio = (pick(each, run)[block] ?? 0) / (usual.get(each.op) ?? 0);
        return Number.isFinite(ratio) && ratio > 0 ? [ratio] : [];
      });
      return value === undefined || ratios.length < othersLeast ? [] : [value / median(ratios)];
    });
  };
  return series.map(({ op, metric, baselines }) => ({
    op, metric, baselines: baselines.map((_, run) => runOf(op, run)), candidate: runOf(op, baselines.length),
  }));
}
