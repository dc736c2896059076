/** Which cases SORA does not claim: those on native histograms, and those of functions that 3.x calls experimental. */
import { childrenOf } from '../promql/expr.ts';
import type { Expr } from '../promql/expr.ts';
import { parsePromql } from '../promql/parse.ts';
import type { EvalCommand } from './eval-command.ts';

/** Functions and aggregations behind `--enable-feature=promql-experimental-functions` in some Prometheus 3.x. */
export const experimentalFunctions: ReadonlySet<string> = new Set([
  'first_over_time', 'double_exponential_smoothing', 'histogram_quantiles', 'info', 'limit_ratio', 'limitk', 'mad_over_time', 'max_of', 'min_of',
  'sort_by_label', 'sort_by_label_desc', 'start', 'end', 'range', 'step',
  'ts_of_first_over_time', 'ts_of_last_over_time', 'ts_of_max_over_time', 'ts_of_min_over_time',
]);

/** Why a case is not applicable. */
export type Reason = 'native histogram in the input' | 'native histogram in the result' | 'experimental function';

/**
 * The reason for which a failed case does not count; undefined when it does. Only what the case itself holds counts:
 * what it expects, what its selectors read, what it calls.
 * @param readsNative whether its query read samples of native histograms
 */
export function reasonNotApplicable({ expr, result }: EvalCommand, readsNative: boolean): Reason | undefined {
  if (result.kind === 'series' && result.series.some(({ values }) => values.some(({ kind }) => kind === 'native'))) return 'native histogram in the result';
  if (readsNative) return 'native histogram in the input';
  return callsExperimental(expr) ? 'experimental function' : undefined;
}

function callsExperimental(text: string): boolean {
  try {
    return calls(parsePromql(text));
  } catch {
    return false;
  }
}

function calls(expr: Expr): boolean {
  const name = expr.kind === 'call' ? expr.name : expr.kind === 'aggregation' ? expr.operator : '';
  return experimentalFunctions.has(name) || childrenOf(expr).some(calls);
}
