import { assertNever } from '../../ops/core/error.ts';
import { formatNumber } from '../report/format.ts';
import { comesInSessions } from '../swarm/arrival/override.ts';
import { meanOf } from '../swarm/random.ts';
import type { ScenarioOverrides } from '../swarm/run-plan.ts';
import type { Distribution, Scenario } from '../swarm/scenario.ts';
import { activeShare } from './active-share.ts';

/** What takes the place of a scenario's own times, and why; without a reason nothing does. */
export interface SpreadLoad {
  readonly overrides: ScenarioOverrides;
  /** For people; empty where nothing was changed. */
  readonly why: string;
}

/** Of the users so many shall act before the end: a little more than the 99 % that a valid run needs. */
const activeLeast = 0.991;
const rampStepMs = 10_000;
const rampMaxMs = 900_000;

/**
 * Keeps a run of many users at the rate its scenario says the stack on one machine carries, by a longer think time;
 * and lengthens the ramp until users who think that long will have acted before the end. Whoever gives a think
 * time or a ramp keeps it. With stages their highest level is the users, and their times are the ramp.
 */
export function spreadLoad(scenario: Scenario<never>, overrides: ScenarioOverrides): SpreadLoad {
  const { stages } = overrides;
  const users = stages === undefined ? (overrides.users ?? scenario.users) : Math.max(...stages.map(({ level }) => level));
  const { ratePerSMax = Infinity, thinkTimeMs: own } = scenario;
  const factor = (users * 1_000) / meanOf(own) / ratePerSMax;
  const arrives = scenario.arrival !== undefined || overrides.arrivalPerS !== undefined || comesInSessions(scenario);
  if (overrides.thinkTimeMs !== undefined || arrives || !(factor > 1) || !Number.isFinite(factor)) return { overrides, why: '' };
  const thinkTimeMs = stretch(own, factor);
  const rampMs = overrides.rampMs ?? (stages === undefined ? rampFor(scenario, thinkTimeMs, overrides.holdMs ?? scenario.holdMs) : undefined);
  return {
    overrides: { ...overrides, thinkTimeMs, rampMs },
    why: `so that it makes ${formatNumber(ratePerSMax)} operations/s, which one small machine carries; --think ${meanOf(own) / 1_000}s is the scenario's own`,
  };
}

/** The same shape with a longer mean, in whole tenths of a second. */
function stretch(own: Distribution, factor: number): Distribution {
  const longer = (ms: number): number => Math.ceil((ms * factor) / 100) * 100;
  switch (own.kind) {
    case 'constant':
      return { ...own, value: longer(own.value) };
    case 'uniform':
      return { ...own, from: longer(own.from), to: longer(own.to) };
    case 'exponential':
      return { ...own, mean: longer(own.mean) };
    default:
      return assertNever(own);
  }
}

function rampFor(scenario: Scenario<never>, thinkTimeMs: Distribution, holdMs: number): number {
  // At least one mean pause, so that caches and connections meet the crowd by and by.
  let rampMs = Math.max(scenario.rampMs, Math.ceil(meanOf(thinkTimeMs) / rampStepMs) * rampStepMs);
  while (rampMs < rampMaxMs && activeShare({ scenario, rampMs }, thinkTimeMs, holdMs) < activeLeast) rampMs += rampStepMs;
  // A hold too short for any ramp: the warning about idle users says what would do.
  return rampMs < rampMaxMs ? rampMs : scenario.rampMs;
}
