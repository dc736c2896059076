import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { formatDuration } from '../../ops/core/duration.ts';
import { invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { localOnly, parseTarget, type TargetPolicy } from './guard.ts';
import type { JudgedNames } from './journey/tag-sets.ts';
import { loadScenario } from './load-scenario.ts';
import type { ErrorGroup, LiveView, RunMeasurement, WorkerTick } from './measurement.ts';
import { Crew } from './crew.ts';
import type { RunPlan } from './engine.ts';
import { nurseryMbFor } from './nursery.ts';
import { everyone, partWithin, shareOf, type Partition } from './partition.ts';
import { sampledUserOf } from './plan.ts';
import { divideSockets, divideWork, operationsPerS, planRun, socketsMost, type ScenarioOverrides } from './run-plan.ts';
import { type AdminAccess, setUp, type SetUpFacts, tearDown, type TearDownFailure } from './set-up.ts';
import { composeMeasurement, phaseWindows } from './compose-measurement.ts';
import { resolveLinks } from './transport/resolve-links.ts';

export type { AdminAccess };

export interface SwarmOptions {
  readonly host: Host;
  /** Absolute path of a file whose default export is a scenario. */
  readonly scenarioFile: string;
  readonly overrides?: ScenarioOverrides;
  /** Scheme, host and port. */
  readonly target: string;
  /** Which targets besides this machine are allowed. Default none. */
  readonly policy?: TargetPolicy;
  readonly runId: string;
  readonly adminSecret?: string | undefined;
  /** Where the stack's admin endpoints answer, and the headers they want; becomes `context.admin` of `setup`. */
  readonly admin?: AdminAccess | undefined;
  /** Ends the run early, `setup` too: nothing more is sent, what was measured is returned. */
  readonly signal?: AbortSignal;
  /** Aborted after `signal`: what is under way is not waited for, and no teardown runs on. */
  readonly hurry?: AbortSignal;
  /** How long requests in flight may go on after an early end. Default 2,000. */
  readonly graceMs?: number;
  /** What thresholds name. Default nothing. */
  readonly judged?: JudgedNames | undefined;
  /** The share of the users that this process runs; default all of them. */
  readonly partition?: Partition;
  /** Wall time at which the run begins, so that shares begin together. Default as soon as the workers are ready. */
  readonly startAtMs?: number | undefined;
  /** Called with the wall time at which the run begins, once it is agreed. */
  readonly onStart?: ((startedAtMs: number) => void) | undefined;
  /** Called with each worker's report of a second as it comes in; the worker's second is closed by a later `onTick`. */
  readonly onWorkerTick?: ((tick: WorkerTick) => void) | undefined;
  /** Called once a second. */
  readonly onTick?: (live: LiveView) => void;
  /** Asked once a second; ends the run early for the reason it answers. Default never. */
  readonly abortWhen?: ((soFar: RunSoFar) => string | undefined) | undefined;
  /** Called with the pid of each worker once it is ready; default nothing. */
  readonly onWorkers?: (pids: readonly number[]) => void;
  /** Takes messages for people. Default stderr. */
  readonly log?: (message: string) => void;
}

/** What was measured until now. Gathering it costs a few ms, so it is made only where somebody asks. */
export interface RunSoFar extends Pick<RunMeasurement, 'operations' | 'series' | 'phases' | 'unsent' | 'tags' | 'checks'>, Partial<Pick<RunMeasurement, 'workers'>> {
  readonly elapsedMs: number;
}

const workerFile = fileURLToPath(new URL('./worker-main.ts', import.meta.url));

/**
 * Runs a scenario over worker processes and answers all it measured. Ends early, with what there is,
 * when the signal aborts or every worker is lost.
 * @throws SoraError `invalid_config` (104) on options out of range and on a refused target,
 *   `scenario_error` (107) when the scenario does not load or its `setup` throws
 */
export async function runSwarm(options: SwarmOptions): Promise<RunMeasurement> {
  const { host } = options;
  const log = options.log ?? ((message: string) => host.stderr.write(`${message}\n`));
  const policy = options.policy ?? localOnly;
  const overrides = options.overrides ?? {};
  parseTarget(options.target, policy);
  const scenario = await loadScenario(options.scenarioFile, host.files);
  const plan = planRun(scenario, overrides, options.runId);
  const partition = options.partition ?? everyone;
  const users = requireUsers(partition, plan.users);
  const pool = divideWork({ ...plan, users }, overrides, availableParallelism());
  const pooled = pool.sockets.reduce((sum, count) => sum + count, 0);
  const pooledMost = socketsMost(pooled, users, overrides);
  const link = resolveLinks({
    host, scenario, scenarioFile: options.scenarioFile, overrides, target: options.target, policy, users, usersTotal: plan.users,
    sockets: pooled, log,
  });
  const workers = Math.max(pool.workers, link.workersLeast);
  const sockets = link.kind === 'pooled' ? divideSockets(pooled, workers) : Array.from({ length: workers }, (_, worker) => shareOf(partWithin(partition, worker, workers), plan.users));
  const facts: SetUpFacts = { target: options.target, users: plan.users, seed: plan.seed, runId: plan.run, adminSecret: options.adminSecret };
  const access = { ...options, tls: link.tls };
  const shared = await setUp(scenario, access, facts);
  const crew = new Crew({
    host,
    workerFile,
    plan,
    users,
    log,
    graceMs: options.graceMs ?? 2_000,
    onTick: (live) => {
      options.onTick?.(live);
      const reason = options.abortWhen?.(soFar(crew, plan, live));
      if (reason !== undefined) crew.abort(reason);
    },
    onWorkerTick: options.onWorkerTick,
    jobs: sockets.map((count, worker) => ({
      worker,
      scenarioFile: options.scenarioFile,
      plan,
      partition: partWithin(partition, worker, workers),
      target: options.target,
      policy,
      sockets: count,
      socketsMost: link.kind === 'pooled' ? divideSockets(pooledMost, workers)[worker] : undefined,
      link,
      shared,
      judged: options.judged,
      nurseryMb: nurseryMbFor(operationsPerS(plan) / partWithin(partition, worker, workers).count),
      sampledUser: sampledUserOf(plan),
    })),
  });
  const onAbort = (): void => crew.stop();
  const onHurry = (): void => crew.hurry();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  options.hurry?.addEventListener('abort', onHurry, { once: true });
  let measured: RunMeasurement;
  let failure: TearDownFailure | undefined;
  try {
    if (options.signal?.aborted === true) crew.stop();
    await crew.prepare();
    options.onWorkers?.(crew.pids);
    const startedAtMs = await agreeOnStart(options, log);
    options.onStart?.(startedAtMs);
    const outcome = await crew.run(startedAtMs);
    measured = composeMeasurement({
      plan,
      partition,
      scenario: scenario.name,
      target: options.target,
      runId: options.runId,
      transport: link.kind,
      runtime: link.runtime,
      sourceAddresses: link.sourceCount,
      sockets: sockets.reduce((sum, count) => sum + count, 0),
      workers,
      startedAtMs,
      endedAtMs: host.clock.nowMs(),
      ...outcome,
    });
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
    options.hurry?.removeEventListener('abort', onHurry);
    crew.dismiss();
    failure = await tearDown(scenario, { ...access, signal: options.hurry }, facts, log);
  }
  return failure === undefined ? measured : withTearDown(measured, failure);
}

/** What a failed clean-up left behind is found by whoever reads the run. */
function withTearDown(run: RunMeasurement, { kind, message }: TearDownFailure): RunMeasurement {
  const error: ErrorGroup = { kind, op: 'teardown', count: 1, firstAtMs: run.endedAtMs - run.startedAtMs, firstMessage: message };
  return { ...run, errors: [...run.errors, error], teardownFailed: message };
}

/** @throws SoraError `invalid_config` on a share to which no user falls */
function requireUsers(partition: Partition, usersTotal: number): number {
  const users = shareOf(partition, usersTotal);
  if (users > 0) return users;
  throw invalidConfig(`share ${partition.index} of ${partition.count} has no user: the run has ${usersTotal}`, `give at most ${usersTotal} shares`);
}

/** How long before the agreed start the workers are told of it. */
const startNoticeMs = 500;

/**
 * Waits for the agreed start, or until the run is given up.
 * @throws SoraError `invalid_config` when it passed while the workers got ready
 */
async function agreeOnStart(options: SwarmOptions, log: (message: string) => void): Promise<number> {
  const { host, startAtMs, signal } = options;
  if (startAtMs === undefined) return host.clock.nowMs() + 100;
  const waitMs = startAtMs - startNoticeMs - host.clock.nowMs();
  if (waitMs > 0) {
    log(`ready; waiting ${formatDuration(waitMs)} for the start at ${new Date(startAtMs).toISOString()}`);
    await host.timers.sleep(waitMs, signal).catch(() => undefined);
  }
  // Given up while waiting: the crew knows, and answers what there is.
  if (signal?.aborted === true) return host.clock.nowMs();
  if (host.clock.nowMs() > startAtMs) {
    throw invalidConfig(
      `the start at ${new Date(startAtMs).toISOString()} passed ${formatDuration(host.clock.nowMs() - startAtMs)} before the workers were ready`,
      'give every share a later --start-at',
    );
  }
  return startAtMs;
}

function soFar({ merge }: Crew, plan: RunPlan, { elapsedMs, workers }: LiveView): RunSoFar {
  const unsent = workers.reduce((sum, worker) => sum + worker.unsent, 0);
  return { elapsedMs, operations: merge.operations, series: merge.series, phases: phaseWindows(plan, elapsedMs), unsent, tags: merge.tags, checks: merge.checks, workers };
}
