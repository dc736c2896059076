import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfig } from '../../ops/core/config.ts';
import { exitCodes, invalidConfig } from '../../ops/core/error.ts';
import { formatDuration } from '../../ops/core/duration.ts';
import type { Host } from '../../ops/core/host.ts';
import { goTools, requireTool } from '../../ops/core/tools.ts';
import type { FoundTool, ToolPlaces } from '../../ops/core/tools.ts';
import { readK6Options } from '../k6/runner/arguments.ts';
import type { K6Options } from '../k6/runner/arguments.ts';
import { fenceTarget } from '../k6/runner/fence.ts';
import type { FencedTarget } from '../k6/runner/fence.ts';
import { writeSessions } from '../k6/runner/sessions.ts';
import { whyNotJudged } from '../k6/suite/options.ts';
import { dueBefore, lengthMs, planSuite } from '../k6/suite/plan.ts';
import type { SuitePlan } from '../k6/suite/plan.ts';
import { formatNumber } from '../report/format.ts';
import { expectResources } from '../report/resources.ts';
import type { ExpectedResources } from '../report/resources.ts';
import { expectedText } from '../report/resources-text.ts';
import launchMix from '../scenarios/launch-mix.ts';
import { launchThresholds } from '../scenarios/launch-mix/thresholds.ts';
import type { TargetPolicy } from '../swarm/guard.ts';
import type { Scenario } from '../swarm/scenario.ts';
import { runDigits } from '../swarm/write-id.ts';
import { refuseForeignAccounts } from './foreign-accounts.ts';
import { playK6 } from './k6-run.ts';
import { newRunId, openRunStore, readStackAccess } from './run.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where this checkout keeps tools. */
export function toolPlaces(host: Host): ToolPlaces {
  return { root, home: host.process.env['SORA_HOME'] ?? resolve(host.process.cwd(), '.sora') };
}

/** Finds k6 v2, or builds the pinned one. @throws SoraError 104 that says how to get it */
export function requireK6(host: Host): Promise<FoundTool> {
  return requireTool(host, goTools.k6, toolPlaces(host), (message) => host.stderr.write(`${message}\n`));
}

/** Which targets may be loaded: this machine, and what the configuration lists. */
export async function readPolicy(host: Host, confirmed: readonly string[]): Promise<TargetPolicy> {
  const { staging } = (await readConfig(host, root)).load;
  return { staging, confirmed };
}

/** A suite with the script that plays it. */
export interface SuiteLaunch {
  readonly options: K6Options;
  readonly plan: SuitePlan;
  /** Below `loadtests/k6`. */
  readonly script: string;
  /** What this script wants to know besides. */
  readonly env: (fence: FencedTarget) => Readonly<Record<string, string>>;
}

/** `plan-k6`: what a run of k6 needs, before anything is started for it; k6 is there when this ends well. */
export async function planK6Command(host: Host, args: readonly string[]): Promise<number> {
  const options = readK6Options(args);
  return await announcePlan(host, options, planSuite(options.suite, options.changes));
}

/** `k6 SUITE`: runs a suite of k6, judges it and keeps it like every other run; answers the exit code. */
export async function k6Command(host: Host, args: readonly string[]): Promise<number> {
  const options = readK6Options(args);
  const plan = planSuite(options.suite, options.changes);
  return await launchSuite(host, { options, plan, script: `${options.suite}.ts`, env: () => ({}) });
}

/** Checks what can be checked without a stack, and says what the run needs. */
export async function announcePlan(host: Host, options: K6Options, plan: SuitePlan): Promise<number> {
  if (options.target !== undefined) await fenceTarget(options.target, await readPolicy(host, options.confirmed));
  requireSessionsFile(host, options);
  await requireK6(host);
  const { users, name } = plan;
  host.stdout.write(`${JSON.stringify({
    needsStack: options.target === undefined, users, seed: options.seed, scenario: `k6-${name}`, user: 0, usersGiven: options.changes.users !== undefined, durationMs: lengthMs(plan),
  })}\n`);
  return exitCodes.pass;
}

/** Fences the target, signs the users in, and runs the suite. */
export async function launchSuite(host: Host, { options, plan, script, env }: SuiteLaunch): Promise<number> {
  const stack = readStackAccess(host, { options: { target: options.target, scenario: 'launch-mix' } });
  const fence = await fenceTarget(stack.target, await readPolicy(host, options.confirmed));
  await refuseForeignAccounts(host, { scenario: launchMix as unknown as Scenario<never>, users: plan.users }, stack);
  const k6 = await requireK6(host);
  const runId = host.process.env['SORA_RUN_ID'] ?? newRunId(host);
  const store = openRunStore(host);
  store.folderOf(runId);
  const { prices } = await readConfig(host, root);
  const load = { operations: Math.round(dueBefore(plan, lengthMs(plan))), durationMs: lengthMs(plan) };
  const expected = expectResources(store.newest().map(({ summary }) => summary), { scenario: `k6-${plan.name}`, host: hostname() }, load, prices);
  const scratch = join(toolPlaces(host).home, 'k6', runId);
  const scriptPath = join(root, 'loadtests/k6', script);
  host.stderr.write(describe(plan, options, k6, stack.target, fence.address, expected));
  try {
    const sessionsPath = requireSessionsFile(host, options) ?? join(scratch, 'sessions');
    if (options.sessionsPath === undefined) await writeSessions(host, stack, plan.users, sessionsPath);
    return await playK6(host, {
      runId, k6, scriptPath, expected, prices, scratch, fence, stack, note: options.note, seed: options.seed, json: options.json, quiet: options.quiet, noColor: options.noColor,
      scriptSha256: createHash('sha256').update(host.files.readBytes(scriptPath)).digest('hex'),
      env: {
        ...env(fence), SORA_TARGET: fence.url.origin, SORA_STAGING: fence.url.hostname, SORA_SESSIONS: sessionsPath, SORA_SEED: String(options.seed), SORA_RUN_DIGITS: runDigits(runId),
        SORA_USERS: String(plan.users), SORA_THINK_MS: String(plan.thinkTimeMs), SORA_DURATION_MS: String(lengthMs(plan)),
      },
    });
  } finally {
    // It holds the users' tokens.
    host.files.remove(scratch);
  }
}

/** What will happen, before it does. */
function describe(plan: SuitePlan, { seed }: K6Options, k6: FoundTool, target: string, address: string, expected: ExpectedResources | null): string {
  const unjudged = Object.keys(launchThresholds).flatMap((metric) => {
    const why = whyNotJudged(plan, metric);
    return why === undefined ? [] : [`  not judged: ${metric}, as ${why}`];
  });
  return [
    `  k6-${plan.name}  ${plan.about}; k6 ${k6.version}`,
    `  against ${target}, seed ${seed}; k6 may reach ${address} and no other address`,
    `  ${formatNumber(plan.users)} users, each acting about every ${formatDuration(plan.thinkTimeMs)} at the base rate, for ${formatDuration(lengthMs(plan))}`,
    `  ${expectedText(expected, `k6-${plan.name}`)}`,
    ...unjudged, '',
  ].join('\n');
}

function requireSessionsFile(host: Host, { sessionsPath }: K6Options): string | undefined {
  if (sessionsPath === undefined) return undefined;
  const path = resolve(host.process.cwd(), sessionsPath);
  if (!host.files.exists(path)) throw invalidConfig(`there is no file of sessions ${path}`, 'it holds one access token a line, user 0 first');
  return path;
}
