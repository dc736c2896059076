import { invalidConfig } from '../../ops/core/error.ts';
import { type ArrivalOverrides, resolveArrival } from './arrival/override.ts';
import { arrivalsPerS, planArrival } from './arrival/plan-arrival.ts';
import type { RunPlan } from './plan.ts';
import { meanOf } from './random.ts';
import type { Arrival, Distribution, Scenario } from './scenario.ts';
import type { LinkOverrides } from './transport/link-plan.ts';
import { runDigits } from './write-id.ts';

/** What a run may change of its scenario; undefined keeps the scenario's. */
export interface ScenarioOverrides extends LinkOverrides, ArrivalOverrides {
  readonly users?: number | undefined;
  readonly rampMs?: number | undefined;
  readonly holdMs?: number | undefined;
  readonly drainMs?: number | undefined;
  readonly thinkTimeMs?: Distribution | undefined;
  readonly seed?: number | undefined;
  readonly pace?: 'due' | 'after-reply' | undefined;
  /** Connections of all workers together. Default by rate: enough for replies that take 100 ms, 64 to 1,000. */
  readonly sockets?: number | undefined;
  /** Worker processes. Default by rate and cores. */
  readonly workers?: number | undefined;
}

export const limits = { users: 10_000_000, phaseMs: 7 * 86_400_000, sockets: 20_000, workers: 64 } as const;
/**
 * Connections by default: what a rate needs while a reply takes `replyS`, within these bounds. With half as many
 * a hiccup of one second at 6,667 operations/s left a backlog that ten seconds did not drain: the pool, not the system, was full.
 * A system may be slower than that, so few users may have a connection each (they are opened when they are needed), and
 * a pool that many wait for grows up to the upper bound.
 */
const defaultSockets = { least: 64, most: 1_000, replyS: 0.1 };
const defaultDrainMs = 30_000;
/** What one worker process does comfortably, operations/s. */
const workerRatePerS = 30_000;

/** @throws SoraError `invalid_config` naming the value and its limit */
export function planRun(scenario: Scenario<never>, overrides: ScenarioOverrides, runId: string): RunPlan {
  const thinkTimeMs = overrides.thinkTimeMs ?? scenario.thinkTimeMs;
  const arrival = resolveArrival(scenario, overrides);
  const pace = overrides.pace ?? scenario.pace ?? defaultPace(arrival);
  const openly = arrival !== undefined && arrival.kind !== 'users';
  if (pace === 'due' && meanOf(thinkTimeMs) < 1 && !openly && scenario.journeys.some(({ steps }) => steps !== undefined)) {
    throw invalidConfig(
      `a mean think time of ${meanOf(thinkTimeMs)} ms leaves no time between due times; the least is 1 ms`,
      "raise it, or use pace: 'after-reply' for users without pause",
    );
  }
  const seed = whole('seed', overrides.seed ?? 1, 0, Number.MAX_SAFE_INTEGER);
  const drainMs = between('drain', overrides.drainMs ?? defaultDrainMs, 0, limits.phaseMs);
  return { run: runDigits(runId), seed, ...planPhases(scenario, arrival, overrides, drainMs), thinkTimeMs, ...(overrides.thinkTimeMs === undefined ? {} : { paced: true as const }), pace };
}

function defaultPace(arrival: Arrival | undefined): RunPlan['pace'] {
  return arrival?.kind === 'sessions' || arrival?.kind === 'iterations' ? 'after-reply' : 'due';
}

/** Users and phases: of the scenario's arrival where it has one, else of its ramp and hold. */
function planPhases(
  scenario: Scenario<never>, arrival: Arrival | undefined, overrides: ScenarioOverrides, drainMs: number,
): Pick<RunPlan, 'users' | 'rampMs' | 'holdMs' | 'drainMs' | 'arrival'> {
  if (arrival === undefined) {
    return {
      users: whole('users', overrides.users ?? scenario.users, 1, limits.users),
      rampMs: between('ramp', overrides.rampMs ?? scenario.rampMs, 0, limits.phaseMs),
      holdMs: between('duration', overrides.holdMs ?? scenario.holdMs, 1, limits.phaseMs),
      drainMs,
    };
  }
  if (overrides.stages !== undefined || (overrides.arrivalPerS === undefined && scenario.arrival !== undefined)) refuseWithStages(arrival, overrides);
  if (arrival.kind !== 'users') refuseOwnJourneys(scenario, arrival);
  const own = arrival.kind === 'iterations' ? arrival.users : arrival.kind === 'users' ? scenario.users : (arrival.usersMax ?? scenario.users);
  const users = whole('users', overrides.users ?? own, 1, limits.users);
  const { afterMs, ...phases } = planArrival(arrival, users, between('duration', overrides.holdMs ?? scenario.holdMs, 1, limits.phaseMs));
  return { ...phases, drainMs: drainMs + afterMs };
}

/** Flags that would be without effect beside stages. */
function refuseWithStages({ kind }: Arrival, { users, rampMs, holdMs }: ScenarioOverrides): void {
  const given = [
    kind === 'users' && users !== undefined ? `users ${users}` : undefined,
    rampMs !== undefined ? `a ramp of ${rampMs} ms` : undefined,
    kind !== 'iterations' && holdMs !== undefined ? `a duration of ${holdMs} ms` : undefined,
  ].find((found) => found !== undefined);
  if (given !== undefined) throw invalidConfig(`${given} is given, and the stages of its arrival (${kind}) say that themselves`, 'change the stages, or leave it out');
}

function refuseOwnJourneys({ journeys, name }: Scenario<never>, { kind }: Arrival): void {
  const own = journeys.find(({ users }) => users !== undefined);
  if (own === undefined) return;
  throw invalidConfig(`journey "${own.name}" of ${name} belongs to certain users, and an arrival of kind ${kind} has no fixed ones`, "leave out the journey's users, or use an arrival of kind users");
}

/** How many worker processes a plan gets, and how many connections each. */
export function divideWork(plan: RunPlan, overrides: ScenarioOverrides, cores: number): { workers: number; sockets: number[] } {
  const ratePerS = operationsPerS(plan);
  const wanted = Math.min(Math.max(1, cores), Math.ceil(ratePerS / workerRatePerS));
  const { least, most: mostSockets, replyS } = defaultSockets;
  const byRate = Math.min(mostSockets, Math.max(least, Math.ceil(ratePerS * replyS)));
  const byUsers = plan.users <= mostSockets ? plan.users : 0;
  const sockets = whole('sockets', overrides.sockets ?? Math.max(byRate, byUsers), 1, limits.sockets);
  const most = Math.min(limits.workers, plan.users, sockets);
  const workers = overrides.workers === undefined ? Math.min(wanted, most) : whole('workers', overrides.workers, 1, most);
  return { workers, sockets: divideSockets(sockets, workers) };
}

/** What a pool may grow to: a number that was given is kept to. */
export function socketsMost(pooled: number, users: number, { sockets }: ScenarioOverrides): number {
  return sockets === undefined ? Math.max(pooled, Math.min(users, defaultSockets.most)) : pooled;
}

/** Connections of a pool for each worker, at least one. */
export function divideSockets(sockets: number, workers: number): number[] {
  return Array.from({ length: workers }, (_, worker) => Math.max(1, Math.ceil((sockets - worker) / workers)));
}

/** A guess at the operations a second of the judged part: an arrival counts as one, as what it does is not known. */
export function operationsPerS(plan: RunPlan): number {
  const { arrival, rampMs, holdMs, users, thinkTimeMs } = plan;
  return arrivalsPerS(arrival, rampMs, holdMs) ?? users / Math.max(meanOf(thinkTimeMs) / 1_000, 0.001);
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
