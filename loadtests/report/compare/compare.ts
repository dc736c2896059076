import { assertNever } from '../../../ops/core/error.ts';
import type { RunBlock, RunBlocks } from '../blocks.ts';
import type { Summary } from '../summary-schema.ts';
import { excessOf } from './excess.ts';
import type { BlockSeries } from './excess.ts';
import { runsForNoise } from './judge-metric.ts';
import type { JudgeOptions, MetricSamples } from './judge-metric.ts';
import { allOperations, judgeRows } from './judge-rows.ts';
import { comparedMetrics } from './schema.ts';
import type { ComparedMetric, ComparedVerdict, Comparison, ComparisonRow } from './schema.ts';
import { comparisonSentence } from './sentence.ts';

/** A run as it is compared. */
export interface ComparedRun {
  readonly summary: Summary;
  readonly blocks: RunBlocks;
}

export const compareDefaults: JudgeOptions = { tolerance: 0.05, confidence: 0.98 };
/** Operations a block must hold for its figure to mean something: a p95 of fewer than 20 is their maximum, and a median of five is luck. */
const operationsLeast: Readonly<Record<ComparedMetric, number>> = { p50: 20, p95: 20, failed: 1, rate: 0 };

/**
 * Judges a run against others of its kind, operation by operation, by their blocks. Pure. Whether they are of one kind is
 * another question (comparable.ts).
 * @param warnings what the reader must know before believing it
 */
export function compareRuns(baselines: readonly ComparedRun[], candidate: ComparedRun, options: JudgeOptions = compareDefaults, warnings: readonly string[] = []): Comparison {
  const names = new Set([candidate, ...baselines].flatMap(({ blocks }) => Object.keys(blocks.operations)));
  const ops = names.size === 1 ? [...names] : [...[...names].toSorted(), allOperations];
  const seriesOf = (op: string, metric: ComparedMetric): BlockSeries => ({ op, metric, baselines: baselines.map((run) => blocksOf(run, op, metric)), candidate: blocksOf(candidate, op, metric) });
  const samples = ops.flatMap((op) => comparedMetrics.map((metric) => withoutGaps(seriesOf(op, metric))));
  const excess = (['p50', 'p95'] as const).flatMap((metric) => excessOf([...names].map((op) => seriesOf(op, metric))));
  const rows = judgeRows(samples, excess, options);
  const operations = ops.map((op) => ({ op, verdict: operationVerdict(rows.filter((row) => row.op === op)) }));
  const judged = {
    schema: 'sora.compare/v1' as const,
    verdict: overallVerdict(operations.map(({ verdict }) => verdict)),
    baselines: baselines.map(({ summary }) => summary.runId),
    candidate: candidate.summary.runId,
    ...options,
    bandFrom: baselines.length >= runsForNoise ? ('runs' as const) : ('tolerance' as const),
    warnings: [...warnings],
    operations,
    rows,
  };
  return { ...judged, sentence: comparisonSentence(judged) };
}

/** One value a whole block that the hold came to; what is left of the hold fills none. */
function blocksOf({ summary, blocks }: ComparedRun, op: string, metric: ComparedMetric): (number | undefined)[] {
  const heldS = summary.phases.find(({ name }) => name === 'hold')?.durationS ?? 0;
  const found = new Map((op === allOperations ? blocks.all : (blocks.operations[op] ?? [])).map((block) => [block.startS, block]));
  const starts = Array.from({ length: Math.floor(heldS / blocks.blockS + 1e-6) }, (_, index) => index * blocks.blockS);
  return starts.map((startS) => {
    // A block without an entry saw none of the operation: that is a rate of 0, and no figure of anything else.
    const block = found.get(startS) ?? { startS, durationS: blocks.blockS, total: 0, failed: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 };
    return block.total >= operationsLeast[metric] ? valueOf(block, metric) : undefined;
  });
}

function withoutGaps({ op, metric, baselines, candidate }: BlockSeries): MetricSamples {
  const known = (values: readonly (number | undefined)[]): number[] => values.flatMap((value) => value ?? []);
  return { op, metric, baselines: baselines.map(known), candidate: known(candidate) };
}

function valueOf(block: RunBlock, metric: ComparedMetric): number {
  switch (metric) {
    case 'p50':
      return block.p50Ms;
    case 'p95':
      return block.p95Ms;
    case 'failed':
      return block.total === 0 ? 0 : block.failed / block.total;
    case 'rate':
      return (block.total - block.failed) / block.durationS;
    default:
      return assertNever(metric);
  }
}

/**
 * Worse in anything is worse. Better in something is better, though the rest be undecided; undecided alone is insufficient.
 * An operation so rare that its blocks have no times, such as one a second, is judged by its rate and failures alone.
 */
function operationVerdict(rows: readonly ComparisonRow[]): ComparedVerdict {
  const isRare = rows.some(({ metric, verdict }) => metric === 'rate' && verdict !== 'insufficient');
  const has = (verdict: ComparedVerdict): boolean => rows.some((row) => row.verdict === verdict && !(isRare && row.change === null));
  if (has('worse')) return 'worse';
  if (has('better')) return 'better';
  return has('insufficient') ? 'insufficient' : 'same';
}

/** An operation that nothing is known of keeps the whole from being called good. */
function overallVerdict(verdicts: readonly ComparedVerdict[]): ComparedVerdict {
  for (const verdict of ['worse', 'insufficient', 'better'] as const) if (verdicts.includes(verdict)) return verdict;
  return verdicts.length === 0 ? 'insufficient' : 'same';
}
