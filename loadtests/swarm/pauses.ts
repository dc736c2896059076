import { assertNever } from '../../ops/core/error.ts';
import { meanOf } from './random.ts';
import type { Distribution, Scenario } from './scenario.ts';

/** What a think time given for a run makes of a scenario's pauses. */
export interface Pace {
  /** What its own pauses are multiplied by. */
  readonly ratio: number;
  /** In place of the scenario's think time. */
  readonly usual: Distribution;
}

type AnyJourney = Scenario<never>['journeys'][number];

/** A journey that only certain users take has a rate of its own, which is what it is for. */
const isChosen = ({ weight }: AnyJourney): boolean => weight > 0;

/**
 * The mean pause before an operation as the scenario has it, ms: over all steps, by the weight of their journeys. A function
 * counts as one step, with the pause before it.
 */
export function meanPauseMs({ journeys, thinkTimeMs }: Pick<Scenario<never>, 'journeys' | 'thinkTimeMs'>): number {
  let [pausesMs, steps] = [0, 0];
  for (const journey of journeys.filter(isChosen)) {
    for (const own of ownPausesOf(journey)) pausesMs += journey.weight * meanOf(own ?? thinkTimeMs);
    steps += journey.weight * ownPausesOf(journey).length;
  }
  return steps === 0 ? meanOf(thinkTimeMs) : pausesMs / steps;
}

/**
 * How a think time given for a run applies to a scenario: it becomes the mean pause, and steps keep their proportions. So
 * users / think time is the rate whatever the journeys are.
 */
export function paceOf(scenario: Pick<Scenario<never>, 'journeys' | 'thinkTimeMs'>, given: Distribution): Pace {
  const meanMs = meanPauseMs(scenario);
  if (meanMs <= 0) return { ratio: 1, usual: given };
  return { ratio: meanOf(given) / meanMs, usual: scaled(given, meanOf(scenario.thinkTimeMs) / meanMs) };
}

/** The pause of a step, or before a function, at a pace. */
export function pauseAt(pace: Pace, journey: AnyJourney, own: Distribution | undefined): Distribution {
  return own === undefined ? pace.usual : isChosen(journey) ? scaled(own, pace.ratio) : own;
}

function ownPausesOf(journey: AnyJourney): readonly (Distribution | undefined)[] {
  return journey.steps === undefined ? [journey.thinkTimeMs] : journey.steps.map(({ thinkTimeMs }) => thinkTimeMs);
}

function scaled(pause: Distribution, ratio: number): Distribution {
  if (ratio === 1) return pause;
  switch (pause.kind) {
    case 'constant':
      return { ...pause, value: pause.value * ratio };
    case 'uniform':
      return { ...pause, from: pause.from * ratio, to: pause.to * ratio };
    case 'exponential':
      return { ...pause, mean: pause.mean * ratio };
    default:
      return assertNever(pause);
  }
}
