import { assertNever, exitCodes } from '../../../ops/core/error.ts';
import type { Summary } from '../summary-schema.ts';
import type { ComparedRun } from './compare.ts';
import type { JudgeOptions } from './judge-metric.ts';
import type { Comparison } from './schema.ts';

/**
 * Makes a comparison part of a run's verdict: worse than its baseline fails a run that passed, and what could not be
 * compared does not pass. A run that failed or was insufficient stays so, with one reason more.
 */
export function gateByComparison(summary: Summary, comparison: Comparison): Summary {
  const gated = { ...summary, comparison };
  // Reasons stand within a sentence.
  const reason = `baseline: ${comparison.sentence.replace(/\.$/, '')}`;
  switch (comparison.verdict) {
    case 'better':
    case 'same':
      return gated;
    case 'worse':
      if (summary.verdict === 'insufficient') return { ...gated, reasons: [...summary.reasons, reason] };
      return { ...gated, verdict: 'fail', reasons: inOrder(summary, reason), exitCode: exitCodes.thresholdsFailed };
    case 'insufficient':
      if (summary.verdict !== 'pass') return { ...gated, reasons: [...summary.reasons, reason] };
      return { ...gated, verdict: 'insufficient', reasons: inOrder(summary, reason), exitCode: exitCodes.insufficient };
    default:
      return assertNever(comparison.verdict);
  }
}

/** The decisive first: what a run that passed has to say, such as that its teardown failed, decided nothing. */
const inOrder = ({ verdict, reasons }: Summary, reason: string): string[] => (verdict === 'pass' ? [reason, ...reasons] : [...reasons, reason]);

/** The comparison of runs that are not of one kind after all, such as on another machine: it says why there is none. */
export function refusedComparison(baselines: readonly ComparedRun[], candidate: ComparedRun, options: JudgeOptions, refusals: readonly string[]): Comparison {
  return {
    schema: 'sora.compare/v1', verdict: 'insufficient', sentence: `Not compared: ${refusals.join('; ')}.`,
    baselines: baselines.map(({ summary }) => summary.runId), candidate: candidate.summary.runId, ...options,
    bandFrom: 'tolerance', warnings: [...refusals], operations: [], rows: [],
  };
}
