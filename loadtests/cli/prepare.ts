import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { distance } from 'fastest-levenshtein';
import { readConfig } from '../../ops/core/config.ts';
import type { Prices } from '../../ops/core/config.ts';
import { assertNever, invalidConfig, SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { checkOutput } from '../outputs/flag.ts';
import { ownTagsOf, requireRoomForNames } from '../report/thresholds/judged-names.ts';
import { parseThresholds } from '../report/thresholds.ts';
import type { Threshold } from '../report/thresholds.ts';
import { requireStartAhead } from '../shares/flags.ts';
import type { RunKind } from './baseline.ts';
import { describeArrival } from '../swarm/arrival/describe.ts';
import type { Segment } from '../swarm/arrival/levels.ts';
import { arrivalsPerS } from '../swarm/arrival/plan-arrival.ts';
import { parseTarget, pinTarget } from '../swarm/guard.ts';
import type { TargetPolicy } from '../swarm/guard.ts';
import { operationsOf } from '../swarm/journeys.ts';
import { loadScenario } from '../swarm/load-scenario.ts';
import { everyone, shareOf } from '../swarm/partition.ts';
import { planRun } from '../swarm/run-plan.ts';
import type { Distribution, Scenario } from '../swarm/scenario.ts';
import type { LinkPlan } from '../swarm/transport/link-plan.ts';
import { resolveLinks } from '../swarm/transport/resolve-links.ts';
import { spreadLoad } from './spread-load.ts';
import { ConfigErrors } from './config-errors.ts';
import { readRunOptions } from './options.ts';
import type { RunOptions, RunVerb } from './options.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scenarioFolder = resolve(root, 'loadtests/scenarios');

/** A run that has passed every check that needs no server. */
export interface PreparedRun {
  readonly options: RunOptions;
  readonly scenario: Scenario<never>;
  readonly scenarioFile: string;
  readonly scenarioSha256: string;
  readonly thresholds: readonly Threshold[];
  readonly users: number;
  readonly seed: number;
  readonly rampMs: number;
  readonly holdMs: number;
  readonly thinkTimeMs: Distribution;
  /** Why the think time is longer than the scenario's own though nobody gave one; else empty. */
  readonly spread: string;
  /** Mean of the judged part where work arrives openly, else undefined. */
  readonly arrivalsPerS: number | undefined;
  /** How work arrives, as `describeArrival` says it. */
  readonly arrival: string;
  /** Levels of users or of arrivals a second over time; empty without stages. */
  readonly segments: readonly Segment[];
  readonly policy: TargetPolicy;
  /** Whether the scenario wants the stack and no target was given. */
  readonly needsStack: boolean;
  /** The configured price list. */
  readonly prices: Prices | undefined;
}

/**
 * Checks everything that can be checked before the first request.
 * @throws ConfigErrors (104) with all that is wrong, or SoraError `scenario_error` (107)
 */
export async function prepareRun(host: Host, args: readonly string[], verb: RunVerb = 'run'): Promise<PreparedRun> {
  const errors: SoraError[] = [];
  const onError = (error: SoraError): void => void errors.push(error);
  const given = readRunOptions(args, errors, verb);
  const scenarioFile = given.scenario === '' ? undefined : collect(onError, () => findScenario(host, given.scenario));
  if (scenarioFile === undefined) throw new ConfigErrors(errors);
  const scenario = await loadScenario(scenarioFile, host.files);
  const spread = given.target === undefined ? spreadLoad(scenario, given.overrides) : { overrides: given.overrides, why: '' };
  const options = { ...given, overrides: spread.overrides };
  const thresholds = [...parseThresholds(scenario.thresholds, onError), ...options.thresholds];
  requireKnownOperations(scenario, thresholds, onError);
  requireRoomForNames(thresholds, onError);
  const { load: { staging }, prices } = await readConfig(host, root);
  const listed = { staging, confirmed: options.confirmed };
  const isTargetFine = collect(onError, () => options.target === undefined || parseTarget(options.target, listed)) !== undefined;
  for (const output of options.outputs) collect(onError, () => checkOutput(output, listed));
  collect(onError, () => requireStartAhead(options.share, host.clock.nowMs()));
  const plan = collect(onError, () => planRun(scenario, options.overrides, 'plan'));
  if (plan !== undefined && isTargetFine) collect(onError, () => requireLinks(host, options, scenario, scenarioFile, listed, plan.users));
  const needsStack = scenario.system === 'avalo' && options.target === undefined;
  if (!needsStack && options.target === undefined) {
    onError(invalidConfig(`${scenario.name} needs to know what to load`, 'give it: --target http://127.0.0.1:3000'));
  }
  if (errors.length > 0 || plan === undefined) throw new ConfigErrors(errors);
  const policy = options.target === undefined ? listed : await pinTarget(options.target, listed);
  const scenarioSha256 = createHash('sha256').update(host.files.readBytes(scenarioFile)).digest('hex');
  const { users, seed, rampMs, holdMs, thinkTimeMs } = plan;
  const arrival = describeArrival(plan);
  const perS = arrivalsPerS(plan.arrival, rampMs, holdMs);
  const segments = plan.arrival === undefined || plan.arrival.kind === 'iterations' ? [] : plan.arrival.segments;
  return { options, spread: spread.why, scenario, scenarioFile, scenarioSha256, thresholds, users, seed, rampMs, holdMs, thinkTimeMs, arrival, segments, arrivalsPerS: perS, policy, needsStack, prices };
}

/** That this machine can hold the connections, and their certificates are there: known before a stack is started. */
function requireLinks(host: Host, { overrides, target = 'http://127.0.0.1', share }: RunOptions, scenario: Scenario<never>, scenarioFile: string, policy: TargetPolicy, usersTotal: number): LinkPlan {
  const users = shareOf(share.partition ?? everyone, usersTotal);
  return resolveLinks({ host, scenario, scenarioFile, overrides, target, policy, users, usersTotal, sockets: overrides.sockets ?? 1, log: () => undefined });
}

/** A path as it is, a bare name among the built-in scenarios. */
function findScenario(host: Host, name: string): string {
  if (/[/\\]|\.[cm]?[jt]s$/.test(name)) {
    const path = resolve(host.process.cwd(), name);
    if (host.files.exists(path)) return path;
    throw invalidConfig(`there is no scenario file ${path}`, 'check the path, or name a built-in scenario such as launch-mix');
  }
  const known = host.files.list(scenarioFolder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')).map((file) => basename(file, '.ts'));
  if (known.includes(name)) return resolve(scenarioFolder, `${name}.ts`);
  const nearest = known.toSorted((a, b) => distance(a, name) - distance(b, name))[0];
  throw invalidConfig(`there is no scenario "${name}"`, `did you mean ${nearest ?? './my-journey.ts'}? Built in: ${known.join(', ')}; a file is given as ./my-journey.ts`);
}

/** A threshold on an operation that no journey has would never be measured. */
function requireKnownOperations(scenario: Scenario<never>, thresholds: readonly Threshold[], onError: (error: SoraError) => void): void {
  // A function names its operations while it runs.
  if (scenario.journeys.some(({ run }) => run !== undefined)) return;
  const known = [...new Set(scenario.journeys.flatMap(operationsOf))];
  for (const { expression, metric, tags } of thresholds) {
    if (tags['op'] !== undefined && !known.includes(tags['op'])) {
      onError(invalidConfig(`threshold "${expression}": ${scenario.name} has no operation "${tags['op']}"`, `its operations are ${known.join(', ')}`));
    }
    const [own] = Object.keys(ownTagsOf({ metric, tags }));
    if (own !== undefined) {
      onError(invalidConfig(`threshold "${expression}": nothing in ${scenario.name} is tagged "${own}"`, 'journeys that are functions set tags; those of steps have op and phase'));
    }
  }
}

function collect<T>(onError: (error: SoraError) => void, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SoraError)) throw error;
    onError(error);
    return undefined;
  }
}

/** Says what took the place of a scenario's own distribution; empty where nothing did. */
export function replacedThinkTime({ options, scenario, spread }: Pick<PreparedRun, 'options' | 'scenario' | 'spread'>): string {
  if (spread !== '') return `, ${spread}`;
  return options.overrides.thinkTimeMs === undefined ? '' : ` (--think; the scenario's own is ${describeThinkTime(scenario.thinkTimeMs)})`;
}

/** What a run must share with others to be compared with them. */
export function kindOf({ scenario, users, thinkTimeMs, arrival, options }: Pick<PreparedRun, 'scenario' | 'users' | 'thinkTimeMs' | 'arrival' | 'options'>): RunKind {
  const transport = options.overrides.transport ?? scenario.transport ?? 'pooled';
  return { scenario: scenario.name, users, thinkTime: describeThinkTime(thinkTimeMs), transport, ...(arrival === '' ? {} : { arrival }) };
}

/** `exponential, mean 10 s`. */
export function describeThinkTime(distribution: Distribution): string {
  const seconds = (valueMs: number): string => `${Number((valueMs / 1_000).toFixed(3))} s`;
  switch (distribution.kind) {
    case 'constant':
      return `constant, ${seconds(distribution.value)}`;
    case 'uniform':
      return `uniform, ${seconds(distribution.from)} to ${seconds(distribution.to)}`;
    case 'exponential':
      return `exponential, mean ${seconds(distribution.mean)}`;
    default:
      return assertNever(distribution);
  }
}
