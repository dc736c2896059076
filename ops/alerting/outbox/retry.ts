/** When an item is tried again, and when it is given up. */
import type { Outcome } from '../notifiers/outcome.ts';

/** First pause, the factor from one to the next, and the longest. */
export const backoff = { firstMs: 1_000, factor: 2, longestMs: 60_000 } as const;
/** A receiver may hold us back this long; one that names a day must not silence an alert. */
export const retryAfterMaxMs = 15 * 60_000;
/** A refusal is tried this often in all: a proxy between may refuse for a moment what the receiver takes. */
export const refusedAttemptsMax = 3;

export type RetryDecision = { readonly kind: 'again'; readonly dueAtMs: number } | { readonly kind: 'dead' };

/**
 * Decides after a failed attempt. The pause doubles from attempt to attempt and is drawn evenly between half of
 * it and all of it, so that what failed together does not come back together; it is never shorter than what the
 * receiver asked for.
 * @param failed.attempts attempts so far, the one that just failed among them
 * @param random uniform in [0, 1)
 */
export function decideRetry(failed: { readonly outcome: Exclude<Outcome, { kind: 'sent' }>; readonly attempts: number; readonly nowMs: number; readonly giveUpAtMs: number }, random: number): RetryDecision {
  const { outcome, attempts, nowMs, giveUpAtMs } = failed;
  if (outcome.kind === 'refused' && attempts >= refusedAttemptsMax) return { kind: 'dead' };
  const pauseMs = Math.min(backoff.longestMs, backoff.firstMs * backoff.factor ** Math.min(30, attempts - 1));
  const askedMs = outcome.kind === 'retry' ? Math.min(retryAfterMaxMs, outcome.afterMs ?? 0) : 0;
  const dueAtMs = Math.ceil(nowMs + Math.max(askedMs, pauseMs * (0.5 + random / 2)));
  return dueAtMs > giveUpAtMs ? { kind: 'dead' } : { kind: 'again', dueAtMs };
}
