import { invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import type { HopListener } from './debug-hops.ts';
import { type DebugEvent, DebugStage } from './debug-stage.ts';
import { playFunction } from './debug-function.ts';
import type { TargetPolicy } from './guard.ts';
import { createHttpClient } from './http-client.ts';
import { Itinerary } from './itinerary.ts';
import { resolveJourneys } from './journeys.ts';
import { loadScenario } from './load-scenario.ts';
import { planRun, type ScenarioOverrides } from './run-plan.ts';
import { resolveTls } from './transport/resolve-links.ts';
import { setUp, tearDown } from './set-up.ts';
import type { AdminAccess } from './set-up.ts';
import { UserTable } from './users.ts';

export interface DebugOptions {
  readonly host: Host;
  /** Absolute path. */
  readonly scenarioFile: string;
  readonly target: string;
  readonly policy?: TargetPolicy;
  /** Which user; below the scenario's users. */
  readonly user: number;
  readonly runId: string;
  readonly overrides?: ScenarioOverrides;
  readonly adminSecret?: string | undefined;
  readonly admin?: AdminAccess | undefined;
}

/**
 * Runs the first journey of one user once, without pauses, and yields what happens as it happens.
 * @throws SoraError as `runSwarm` does, and `invalid_config` on a user that the scenario has not
 */
export async function* debugUser(options: DebugOptions): AsyncGenerator<DebugEvent> {
  const { host, user, target, policy, adminSecret } = options;
  const scenario = await loadScenario(options.scenarioFile, host.files);
  const plan = planRun(scenario, options.overrides ?? {}, options.runId);
  if (!Number.isInteger(user) || user < 0 || user >= plan.users) {
    throw invalidConfig(`user ${user} does not exist; the scenario has ${plan.users}`, `give one from 0 to ${plan.users - 1}`);
  }
  const tls = resolveTls(host, scenario, options.scenarioFile, options.overrides ?? {});
  let stage: DebugStage | undefined;
  const hops: HopListener = { onSent: (hop) => stage?.onSent(hop), onFollowed: (outcome) => stage?.onFollowed(outcome) };
  using http = await createHttpClient(host, target, { sockets: 1, policy, tls, links: scenario, hops });
  const context = { target, users: plan.users, seed: plan.seed, runId: plan.run, adminSecret };
  const shared = await setUp(scenario, { ...options, tls }, context);
  const table = new UserTable(1);
  const itinerary = new Itinerary(resolveJourneys(scenario, plan.thinkTimeMs, plan.paced), table, { index: user, count: plan.users }, plan.seed);
  stage = new DebugStage({ host, scenario, http, seed: plan.seed, run: plan.run, shared, usersTotal: plan.users });
  try {
    const residualMs = itinerary.begin(0);
    // Who arrives acts at once.
    let thinkTimeMs = plan.arrival === undefined || plan.arrival.kind === 'users' ? residualMs : 0;
    for (let step = 0; step === 0 || !itinerary.atBeginning(0); step++) {
      const planned = itinerary.stepAt(0);
      if (planned.whole !== undefined) {
        yield* playFunction(stage, planned, user, thinkTimeMs);
        return;
      }
      yield { kind: 'step', step, op: planned.op, thinkTimeMs };
      yield* stage.play(planned, user, step);
      table.steps[0] = step + 1;
      thinkTimeMs = itinerary.proceed(0);
    }
  } finally {
    await tearDown(scenario, { ...options, tls }, context, (message) => host.stderr.write(`${message}\n`));
  }
}
