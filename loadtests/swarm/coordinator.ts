import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { messageOf, SoraError, exitCodes } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { localOnly, parseTarget, type TargetPolicy } from './guard.ts';
import { createHttpClient } from './http-client.ts';
import { scenarioError } from './journeys.ts';
import { loadScenario } from './load-scenario.ts';
import type { LiveView, RunMeasurement } from './measurement.ts';
import { Crew } from './crew.ts';
import { divideWork, planRun, type ScenarioOverrides } from './run-plan.ts';
import type { Scenario, SetupContext } from './scenario.ts';
import { composeMeasurement } from './compose-measurement.ts';

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
  /** Ends the run early: nothing more is sent, what was measured is returned. */
  readonly signal?: AbortSignal;
  /** How long requests in flight may go on after an early end. Default 2,000. */
  readonly graceMs?: number;
  /** Called once a second. */
  readonly onTick?: (live: LiveView) => void;
  /** Called with the pid of each worker once it is ready; default nothing. */
  readonly onWorkers?: (pids: readonly number[]) => void;
  /** Takes messages for people. Default stderr. */
  readonly log?: (message: string) => void;
}

export interface AdminAccess {
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
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
  const scenario = await loadScenario(options.scenarioFile);
  const plan = planRun(scenario, overrides, options.runId);
  const { workers, sockets } = divideWork(plan, overrides, availableParallelism());
  const context: Context = { target: options.target, users: plan.users, seed: plan.seed, runId: plan.run, adminSecret: options.adminSecret };
  const shared = await setUp(scenario, options, context);
  const crew = new Crew({
    host,
    workerFile,
    plan,
    log,
    graceMs: options.graceMs ?? 2_000,
    onTick: options.onTick,
    jobs: sockets.map((count, worker) => ({
      worker,
      scenarioFile: options.scenarioFile,
      plan,
      partition: { index: worker, count: workers },
      target: options.target,
      policy,
      sockets: count,
      shared,
      sampledUser: Math.floor(plan.users / 2),
    })),
  });
  const onAbort = (): void => crew.stop();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    if (options.signal?.aborted === true) crew.stop();
    await crew.prepare();
    options.onWorkers?.(crew.pids);
    const startedAtMs = host.clock.nowMs() + 100;
    const outcome = await crew.run(startedAtMs);
    return composeMeasurement({
      plan,
      scenario: scenario.name,
      target: options.target,
      runId: options.runId,
      sockets: sockets.reduce((sum, count) => sum + count, 0),
      workers,
      startedAtMs,
      endedAtMs: host.clock.nowMs(),
      ...outcome,
    });
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
    crew.dismiss();
    await tearDown(scenario, options, context, log);
  }
}

type Context = Omit<SetupContext, 'http' | 'admin'>;
type Access = Pick<SwarmOptions, 'host' | 'policy' | 'admin'>;

/** Runs `work` with the clients that `setup` and `teardown` get, and closes them. */
async function withClients<T>(options: Access, context: Context, work: (context: SetupContext) => Promise<T>): Promise<T> {
  const { host, policy, admin } = options;
  using http = createHttpClient(host, context.target, { policy });
  if (admin === undefined) return await work({ ...context, http, admin: undefined });
  using adminHttp = createHttpClient(host, admin.target, { policy, headers: admin.headers });
  return await work({ ...context, http, admin: adminHttp });
}

/**
 * Runs a scenario's `setup` and answers what it shares.
 * @throws SoraError `scenario_error` (107) when it throws; an error of ours keeps its exit code
 */
export async function setUp(scenario: Scenario<never>, options: Access, context: Context): Promise<unknown> {
  if (scenario.setup === undefined) return undefined;
  try {
    return await withClients(options, context, async (ready) => await scenario.setup?.(ready));
  } catch (error) {
    // An error of ours keeps its code and hint; anything else is the scenario's.
    if (error instanceof SoraError && error.exitCode !== exitCodes.generic) throw error;
    throw scenarioError(`setup of ${scenario.name} threw: ${messageOf(error)}`, error);
  }
}

/** Runs a scenario's `teardown`; never throws. */
export async function tearDown(scenario: Scenario<never>, options: Access, context: Context, log: (message: string) => void): Promise<void> {
  if (scenario.teardown === undefined) return;
  try {
    await withClients(options, context, async (ready) => await scenario.teardown?.(ready));
  } catch (error) {
    // The run is over and measured; a failed clean-up does not change what it found.
    log(`teardown of ${scenario.name} threw: ${messageOf(error)}`);
  }
}
