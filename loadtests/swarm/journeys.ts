import { SoraError, exitCodes } from '../../ops/core/error.ts';
import { paceOf, pauseAt, type Pace } from './pauses.ts';
import type { Distribution, FunctionJourney, Journey, Scenario, Step } from './scenario.ts';

/** A step with all that the engine looks up while it runs. */
export interface PlannedStep {
  readonly op: string;
  /** Index of the operation among `Journeys.ops`. */
  readonly opIndex: number;
  readonly run: Step<unknown>['run'];
  readonly thinkTimeMs: Distribution;
  /** A journey that is a function, which stands here as one step named after it; undefined for a step. */
  readonly whole: FunctionJourney<unknown>['run'] | undefined;
}

/** A scenario's journeys, resolved: operations numbered, weights summed up, think times filled in. */
export interface Journeys {
  readonly ops: readonly string[];
  readonly steps: readonly (readonly PlannedStep[])[];
  /** Cumulative weights, ending at 1. */
  readonly bounds: readonly number[];
  /** Index of the only journey of users that have one. */
  readonly fixed: ReadonlyMap<number, number>;
  /** What the pauses within functions are multiplied by. */
  readonly pauseRatio: number;
}

const opsMax = 500;

/**
 * @param thinkTimeMs of steps without one of their own
 * @param paced it was given for the run: the scenario's own pauses are scaled to it, see `paceOf`
 * @throws SoraError `scenario_error` (exit 107) on a scenario that cannot be run
 */
export function resolveJourneys(scenario: Scenario<never>, thinkTimeMs: Distribution, paced = false): Journeys {
  const usable = scenario.journeys.filter((journey) => (journey.weight > 0 || journey.users !== undefined) && journey.steps?.length !== 0);
  const total = usable.reduce((sum, journey) => sum + journey.weight, 0);
  if (!(total > 0) || !Number.isFinite(total)) {
    throw scenarioError(`scenario ${scenario.name} has no journey with a weight above 0 and a step`);
  }
  const ops = [...new Set(usable.flatMap(operationsOf))];
  if (ops.length > opsMax) throw scenarioError(`scenario ${scenario.name} names ${ops.length} operations; the limit is ${opsMax}`);
  const pace = paced ? paceOf(scenario, thinkTimeMs) : { ratio: 1, usual: thinkTimeMs };
  let sum = 0;
  return {
    ops,
    bounds: usable.map((journey) => (sum += journey.weight) / total),
    fixed: new Map(usable.flatMap((journey, index) => (journey.users ?? []).map((user): [number, number] => [user, index]))),
    steps: usable.map((journey) => planSteps(journey, ops, pace)),
    pauseRatio: pace.ratio,
  };
}

type AnyJourney = Scenario<never>['journeys'][number];

/** The operations that a journey is known to have: its steps; of a function only its name, which stands for what never began. */
export function operationsOf(journey: AnyJourney): string[] {
  return journey.steps === undefined ? [journey.name] : journey.steps.map((step) => step.op);
}

function planSteps(journey: AnyJourney, ops: readonly string[], pace: Pace): PlannedStep[] {
  // The engine keeps what a journey remembers as it is; its type is the author's.
  const typed = journey as unknown as Journey<unknown> | FunctionJourney<unknown>;
  if (typed.steps === undefined) {
    const { name, run, thinkTimeMs: own } = typed;
    return [{ op: name, opIndex: ops.indexOf(name), run: () => Promise.resolve(), thinkTimeMs: pauseAt(pace, journey, own), whole: run }];
  }
  return typed.steps.map((step) => ({
    op: step.op,
    opIndex: ops.indexOf(step.op),
    run: step.run,
    thinkTimeMs: pauseAt(pace, journey, step.thinkTimeMs),
    whole: undefined,
  }));
}

/** The journey of a user: its own where it has one, else the one a uniform number in [0, 1) falls to. */
export function journeyOf(journeys: Journeys, user: number, point: number): number {
  const own = journeys.fixed.get(user);
  if (own !== undefined) return own;
  const found = journeys.bounds.findIndex((bound) => point < bound);
  return found < 0 ? journeys.bounds.length - 1 : found;
}

export function scenarioError(message: string, cause?: unknown): SoraError {
  return new SoraError('scenario_error', message, {
    exitCode: exitCodes.scenarioError,
    hint: 'correct the scenario file; `sora load debug` runs one user of it once',
    ...(cause === undefined ? {} : { cause }),
  });
}
