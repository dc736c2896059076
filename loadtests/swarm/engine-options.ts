import type { Carrier } from './exchange.ts';
import type { JudgedNames } from './journey/tag-sets.ts';
import type { HistoryStep } from './measurement.ts';
import type { Partition } from './partition.ts';
import type { RunPlan } from './plan.ts';
import type { Scenario } from './scenario.ts';
import type { StepUser } from './step-user.ts';

/** What the engine is given. */
export interface EngineOptions {
  readonly scenario: Scenario<never>;
  readonly plan: RunPlan;
  readonly partition: Partition;
  readonly shared: unknown;
  /** What thresholds name; default nothing. */
  readonly judged?: JudgedNames | undefined;
  readonly carrier: Carrier;
  /** Milliseconds since the run began. */
  readonly now: () => number;
  /** Runs once the events at hand have been handled. Default: what falls due meanwhile waits for the next tick. */
  readonly soon?: (run: () => void) => void;
  /** Told of each step of a user that ended. */
  readonly onEnd?: (nowMs: number) => void;
  /** Users whose steps are recorded with their requests; default none. */
  readonly traced?: (user: number) => boolean;
  readonly onTraced?: (user: StepUser, record: HistoryStep) => void;
}
