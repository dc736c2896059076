import type { RuleHealth } from '../alerting/alert.ts';

/** What is known of the groups of rules. */
export interface EvaluatedGroup {
  readonly intervalMs: number;
  readonly evaluatedAtMs: number | undefined;
  readonly rules: readonly { readonly state: { readonly health: RuleHealth; readonly error?: string | undefined } }[];
}

/** Evaluations that may be late before something is wrong. */
const lateMax = 4;

/**
 * Why alerts are not evaluated as they should be; undefined while they are. No group was for four times the longest
 * interval, or more than half of the rules fail, as when the samples cannot be read.
 * @param sinceMs when evaluating began
 */
export function findProblem(groups: readonly EvaluatedGroup[], sinceMs: number, nowMs: number): string | undefined {
  const loaded = groups.filter(({ rules }) => rules.length > 0);
  const lateAfterMs = lateMax * Math.max(0, ...loaded.map(({ intervalMs }) => intervalMs));
  const lastMs = Math.max(sinceMs, ...loaded.map(({ evaluatedAtMs }) => evaluatedAtMs ?? 0));
  if (loaded.length > 0 && nowMs - lastMs > lateAfterMs) return `no rule was evaluated for ${Math.round((nowMs - lastMs) / 1_000)} s`;
  const states = loaded.flatMap(({ rules }) => rules.map(({ state }) => state));
  const failing = states.filter(({ health }) => health === 'error');
  if (failing.length * 2 <= states.length) return undefined;
  return `${failing.length} of ${states.length} rules fail, the first with: ${failing[0]?.error ?? 'no word'}`;
}
