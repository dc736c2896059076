import { formatDuration } from '../../../ops/core/duration.ts';
import type { RunSoFar } from '../../swarm/coordinator.ts';
import { holdOf, lookupMetrics } from '../hold.ts';
import { evaluateThreshold } from '../thresholds.ts';
import type { Threshold } from '../thresholds.ts';
import { thresholdReason } from '../verdict.ts';

/**
 * Makes the function that says whether a run should end early: the first threshold with `abortOnFail`
 * that the hold so far misses. Delays count from the beginning of the hold, which is what thresholds
 * judge; what was not measured yet misses nothing. Undefined where no threshold asks for it.
 */
export function createAbortJudge(thresholds: readonly Threshold[]): ((soFar: RunSoFar) => string | undefined) | undefined {
  const watched = thresholds.filter(({ abort }) => abort !== undefined);
  if (watched.length === 0) return undefined;
  return (soFar) => {
    const window = soFar.phases.find(({ name }) => name === 'hold');
    const holdMs = window === undefined ? 0 : window.endMs - window.startMs;
    const due = watched.filter(({ abort }) => holdMs > 0 && holdMs >= (abort?.delayMs ?? 0));
    if (due.length === 0) return undefined;
    // The audit comes after a run; what only it can say never ends one.
    const lookup = lookupMetrics(soFar, holdOf(soFar), null);
    const missed = due.map((threshold) => evaluateThreshold(threshold, lookup)).find(({ ok }) => ok === false);
    return missed === undefined ? undefined : `${thresholdReason(missed)} after ${formatDuration(holdMs)} of the hold`;
  };
}
