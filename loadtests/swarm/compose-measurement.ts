import type { CrewOutcome } from './crew.ts';
import type { RunPlan } from './engine.ts';
import type { HistoryStep, IndeterminateWrite, OperationsPerUser, PhaseWindow, RunMeasurement, WriteReach, WriteTotals, WorkerHealth } from './measurement.ts';
import { everyone, partWithin, shareOf, userAt, type Partition } from './partition.ts';
import { meanOf } from './random.ts';
import type { Runtime } from './transport/limits.ts';
import type { TransportKind } from './transport/link-plan.ts';
import type { WorkerResult } from './worker-messages.ts';

export interface MeasurementParts extends CrewOutcome {
  readonly plan: RunPlan;
  /** The share that was run; default everyone. */
  readonly partition?: Partition;
  readonly scenario: string;
  readonly target: string;
  readonly runId: string;
  readonly transport: TransportKind;
  readonly runtime: Runtime;
  readonly sourceAddresses: number;
  readonly sockets: number;
  readonly workers: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** Puts together what a run measured, from its workers' ticks and last words. */
export function composeMeasurement(parts: MeasurementParts): RunMeasurement {
  const { plan, merge, results } = parts;
  const share = parts.partition ?? everyone;
  const partOf = (worker: number): Partition => partWithin(share, worker, parts.workers);
  const completed = completedByUser(plan.users, results, partOf);
  const endedMs = Math.max(0, parts.endedAtMs - parts.startedAtMs, ...results.map((result) => result.endedMs));
  const health = withSilent(merge.health, parts.workersLost);
  return {
    runId: parts.runId,
    scenario: parts.scenario,
    target: parts.target,
    seed: plan.seed,
    pace: plan.pace,
    transport: parts.transport,
    runtime: parts.runtime,
    sourceAddresses: parts.sourceAddresses,
    sockets: parts.sockets,
    users: shareOf(share, plan.users),
    rampMs: plan.rampMs,
    holdMs: plan.holdMs,
    drainMs: plan.drainMs,
    thinkTimeMeanMs: meanOf(plan.thinkTimeMs),
    startedAtMs: parts.startedAtMs,
    endedAtMs: parts.endedAtMs,
    phases: phaseWindows(plan, endedMs),
    operations: merge.operations,
    ...(merge.tags.length > 0 ? { tags: merge.tags } : {}),
    ...(merge.checks.length > 0 ? { checks: merge.checks } : {}),
    series: merge.series,
    blocks: merge.blocks,
    workers: health,
    errors: merge.errors,
    slowest: merge.slowest,
    operationsPerUser: operationsPerUser(completed, share, health),
    completed,
    history: results.flatMap((result): readonly HistoryStep[] => result.history),
    writes: writeTotals(plan, results, partOf),
    unsent: health.reduce((sum, worker) => sum + worker.unsent, 0),
    interrupted: parts.interrupted,
    ...(parts.aborted === undefined ? {} : { aborted: parts.aborted }),
    workersLost: parts.workersLost,
    lostParts: parts.workersLost.map(partOf),
  };
}

/** Reports of all workers; one that was lost before it reported has done nothing that is known. */
function withSilent(health: readonly WorkerHealth[], lost: readonly number[]): WorkerHealth[] {
  const silent = lost.filter((worker) => !health.some((known) => known.worker === worker));
  const nothing = { pid: 0, cpuUs: 0, coreShareMax: 0, rssBytes: 0, rssAtStartBytes: 0, loopDelayP99Ms: 0, usersStarted: 0, usersActive: 0, unsent: 0 };
  return [...health, ...silent.map((worker) => ({ worker, ...nothing }))].toSorted((a, b) => a.worker - b.worker);
}

/** Phases as far as the run came. */
export function phaseWindows(plan: RunPlan, endedMs: number): PhaseWindow[] {
  const holdEndMs = plan.rampMs + plan.holdMs;
  const windows: PhaseWindow[] = [
    { name: 'ramp', startMs: 0, endMs: Math.min(plan.rampMs, endedMs) },
    { name: 'hold', startMs: plan.rampMs, endMs: Math.min(holdEndMs, endedMs) },
    { name: 'drain', startMs: holdEndMs, endMs: endedMs },
  ];
  return windows.filter((window) => window.endMs > window.startMs);
}

/** Indexed by user; those of a lost worker count as having completed nothing. */
function completedByUser(users: number, results: readonly WorkerResult[], partOf: (worker: number) => Partition): Uint32Array {
  const counts = new Uint32Array(users);
  for (const { worker, completed } of results) {
    const part = partOf(worker);
    for (let place = 0; place < completed.length; place++) counts[userAt(part, place)] = completed[place]!;
  }
  return counts;
}

/** Of so many users at most, those that a run needed: all of a population, else those that acted. */
export function usersNeeded(users: number, workers: readonly WorkerHealth[]): number {
  const openly = workers.some(({ usersAsNeeded, arrivalsQueued }) => usersAsNeeded === true || arrivalsQueued !== undefined);
  return openly ? Math.min(users, workers.reduce((sum, { usersStarted }) => sum + usersStarted, 0)) : users;
}

/**
 * Where work arrives openly, `users` is a bound and those who were never needed are left out.
 * @param completed indexed by user
 * @param share those that count
 * @param workers of that share
 */
export function operationsPerUser(completed: Uint32Array, share: Partition, workers: readonly WorkerHealth[]): OperationsPerUser {
  const all = shareOf(share, completed.length);
  const users = usersNeeded(all, workers);
  const counts = Uint32Array.from({ length: all }, (_, place) => completed[userAt(share, place)]!).sort().subarray(all - users);
  const quantile = (ratio: number): number => counts[Math.max(0, Math.ceil(ratio * users) - 1)] ?? 0;
  const idle = counts.findIndex((count) => count > 0);
  return {
    min: quantile(0),
    p1: quantile(0.01),
    p50: quantile(0.5),
    p99: quantile(0.99),
    max: quantile(1),
    completedRatio: idle < 0 ? 0 : (users - idle) / users,
  };
}

function writeTotals(plan: RunPlan, results: readonly WorkerResult[], partOf: (worker: number) => Partition): WriteTotals {
  const acknowledged = new Uint32Array(plan.users);
  const checksum = new Float64Array(plan.users);
  const indeterminate: IndeterminateWrite[] = [];
  const byKind: Record<string, number> = {};
  for (const result of results) {
    const partition = partOf(result.worker);
    for (let place = 0; place < result.acknowledged.length; place++) {
      acknowledged[userAt(partition, place)] = result.acknowledged[place]!;
      checksum[userAt(partition, place)] = result.checksum[place]!;
    }
    for (const write of result.indeterminate) indeterminate.push(write);
    for (const [kind, count] of Object.entries(result.byKind)) byKind[kind] = (byKind[kind] ?? 0) + count;
  }
  const indeterminateDropped = results.reduce((sum, result) => sum + result.indeterminateDropped, 0);
  return { acknowledged, checksum, indeterminate, indeterminateDropped, byKind, run: plan.run, reach: farthest(results.map(({ reach }) => reach)) };
}

/** What covers all of them. */
export function farthest(reaches: readonly WriteReach[]): WriteReach {
  return { keys: Math.max(0, ...reaches.map(({ keys }) => keys)), steps: Math.max(0, ...reaches.map(({ steps }) => steps)) };
}
