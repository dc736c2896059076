import { assertNever } from '../../../ops/core/error.ts';
import type { RunPlan } from '../plan.ts';
import { arrivalsPerS } from './plan-arrival.ts';

/** How work arrives, for people: `sessions arrive at 20/s (poisson), 2 stages`; empty for a population of the ramp. */
export function describeArrival({ arrival, rampMs, holdMs }: RunPlan): string {
  switch (arrival?.kind) {
    case undefined:
      return '';
    case 'users':
      return `in ${counted(arrival.segments.length)}`;
    case 'rate':
    case 'sessions': {
      const perS = Number((arrivalsPerS(arrival, rampMs, holdMs) ?? 0).toFixed(2));
      return `${arrival.kind === 'rate' ? 'iterations' : 'sessions'} arrive at ${perS}/s (${arrival.spacing}), ${counted(arrival.segments.length)}`;
    }
    case 'iterations':
      return `${arrival.iterations} iterations shared`;
    default:
      return assertNever(arrival);
  }
}

function counted(stages: number): string {
  return stages === 1 ? '1 stage' : `${stages} stages`;
}
