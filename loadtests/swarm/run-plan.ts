import { invalidConfig } from '../../ops/core/error.ts';
import type { RunPlan } from './engine.ts';
import { meanOf } from './random.ts';
import type { Distribution, Scenario } from './scenario.ts';
import type { LinkOverrides } from './transport/link-plan.ts';
import { runDigits } from './write-id.ts';

/** What a run may change of its scenario; undefined keeps the scenario's. */
export interface ScenarioOverrides extends LinkOverrides {
  readonly users?: number | undefined;
  readonly rampMs?: number | undefined;
  readonly holdMs?: number | undefined;
  readonly drainMs?: number | undefined;
  readonly thinkTimeMs?: Distribution | undefined;
  readonly seed?: number | undefined;
  readonly pace?: 'due' | 'after-reply' | undefined;
  /** Connections of all workers together. Default by rate: enough for replies that take 50 ms, 64 to 1,000. */
  readonly sockets?: number | undefined;
  /** Worker processes. Default by rate and cores. */
  readonly workers?: number | undefined;
}

export const limits = { users: 10_000_000, phaseMs: 7 * 86_400_000, sockets: 20_000, workers: 64 } as const;
/** Connections by default: what a rate needs while a reply takes `replyS`, within these bounds. */
const defaultSockets = { least: 64, most: 1_000, replyS: 0.05 };
const defaultDrainMs = 30_000;
/** What one worker process does comfortably, operations/s. */
const workerRatePerS = 30_000;

/** @throws SoraError `invalid_config` naming the value and its limit */
export function planRun(scenario: Scenario<never>, overrides: ScenarioOverrides, runId: string): RunPlan {
  const thinkTimeMs = overrides.thinkTimeMs ?? scenario.thinkTimeMs;
  const pace = overrides.pace ?? scenario.pace ?? 'due';
  if (pace === 'due' && meanOf(thinkTimeMs) < 1) {
    throw invalidConfig(
      `a mean think time of ${meanOf(thinkTimeMs)} ms leaves no time between due times; the least is 1 ms`,
      "raise it, or use pace: 'after-reply' for users without pause",
    );
  }
  return {
    run: runDigits(runId),
    seed: whole('seed', overrides.seed ?? 1, 0, Number.MAX_SAFE_INTEGER),
    users: whole('users', overrides.users ?? scenario.users, 1, limits.users),
    rampMs: between('ramp', overrides.rampMs ?? scenario.rampMs, 0, limits.phaseMs),
    holdMs: between('duration', overrides.holdMs ?? scenario.holdMs, 1, limits.phaseMs),
    drainMs: between('drain', overrides.drainMs ?? defaultDrainMs, 0, limits.phaseMs),
    thinkTimeMs,
    pace,
  };
}

/** How many worker processes a plan gets, and how many connections each. */
export function divideWork(plan: RunPlan, overrides: ScenarioOverrides, cores: number): { workers: number; sockets: number[] } {
  const ratePerS = plan.users / Math.max(meanOf(plan.thinkTimeMs) / 1_000, 0.001);
  const wanted = Math.min(Math.max(1, cores), Math.ceil(ratePerS / workerRatePerS));
  const { least, most: mostSockets, replyS } = defaultSockets;
  const byRate = Math.min(mostSockets, Math.max(least, Math.ceil(ratePerS * replyS)));
  const sockets = whole('sockets', overrides.sockets ?? byRate, 1, limits.sockets);
  const most = Math.min(limits.workers, plan.users, sockets);
  const workers = overrides.workers === undefined ? Math.min(wanted, most) : whole('workers', overrides.workers, 1, most);
  return {
    workers,
    sockets: Array.from({ length: workers }, (_, worker) => Math.ceil((sockets - worker) / workers)),
  };
}

function whole(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value)) throw invalidConfig(`${name} ${value} is not a whole number`, `give one from ${least} to ${most}`);
  return between(name, value, least, most);
}

function between(name: string, value: number, least: number, most: number): number {
  if (!(value >= least && value <= most)) {
    throw invalidConfig(`${name} ${value} is outside ${least} to ${most}`, `give a value from ${least} to ${most}`);
  }
  return value;
}
