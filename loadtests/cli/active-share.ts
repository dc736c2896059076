import { assertNever } from '../../ops/core/error.ts';
import { resolveJourneys } from '../swarm/journeys.ts';
import { meanOf } from '../swarm/random.ts';
import type { Distribution, Scenario } from '../swarm/scenario.ts';

/** Points of the ramp at which it is asked who acts before the end. */
const rampPoints = 200;

/** The share of users of whom a step is expected before the end, 0 to 1. */
export function activeShare({ scenario, rampMs }: { readonly scenario: Scenario<never>; readonly rampMs: number }, thinkTimeMs: Distribution, holdMs: number): number {
  const { steps, bounds } = resolveJourneys(scenario, thinkTimeMs, thinkTimeMs !== scenario.thinkTimeMs);
  let share = 0;
  for (let point = 0; point < rampPoints; point++) {
    const leftMs = (rampMs * (point + 0.5)) / rampPoints + holdMs;
    steps.forEach(([first], journey) => {
      const weight = (bounds[journey] ?? 0) - (bounds[journey - 1] ?? 0);
      if (first !== undefined && weight > 0) share += (weight * (1 - residualBeyond(first.thinkTimeMs, leftMs))) / rampPoints;
    });
  }
  return share;
}

/**
 * The probability that what is left of a pause at a random moment exceeds a time: (1/m) ∫ (1 - F) from
 * there on, the residual life of a renewal process (Cox, Renewal Theory, 1962), as `drawResidual` draws it.
 */
export function residualBeyond(pause: Distribution, timeMs: number): number {
  switch (pause.kind) {
    case 'constant':
      return pause.value === 0 ? 0 : Math.max(0, 1 - timeMs / pause.value);
    case 'uniform': {
      const { from, to } = pause;
      if (timeMs >= to) return 0;
      if (timeMs < from) return 1 - timeMs / meanOf(pause);
      return (to - timeMs) ** 2 / ((to - from) * (to + from));
    }
    case 'exponential':
      return Math.exp(-timeMs / pause.mean);
    default:
      return assertNever(pause);
  }
}
