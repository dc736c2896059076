import { hostname } from 'node:os';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { exitCodes, invalidConfig, messageOf } from '../../ops/core/error.ts';
import type { Host, Timer } from '../../ops/core/host.ts';
import { auditRun } from '../audit/run-audit.ts';
import { describeBlocks } from '../report/blocks.ts';
import { renderComparison } from '../report/compare/text.ts';
import { renderEnding, repeatsOnStdout, verdictLine } from '../report/ending.ts';
import { formatNumber } from '../report/format.ts';
import type { GeneratorUse } from '../report/generator-use.ts';
import { createLiveDisplay } from '../report/live.ts';
import type { LiveDisplay } from '../report/live.ts';
import { describeMachine } from '../report/machine.ts';
import { createProcessSampler } from '../report/processes.ts';
import { expectResources, joinMemory, sumResources } from '../report/resources.ts';
import type { ExpectedResources, Resources, UsageMeasured } from '../report/resources.ts';
import { createGeneratorMeter } from '../report/resources-meter.ts';
import { expectedText } from '../report/resources-text.ts';
import { styleFor } from '../report/style.ts';
import { buildSummary } from '../report/summary.ts';
import { createAbortJudge } from '../report/thresholds/abort.ts';
import { judgedNamesOf } from '../report/thresholds/judged-names.ts';
import type { RunFacts } from '../report/summary.ts';
import type { Summary, SummaryAudit, SummaryProcess } from '../report/summary-schema.ts';
import { removedText, RunStore } from '../runs/store.ts';
import { runSwarm } from '../swarm/coordinator.ts';
import type { AdminAccess } from '../swarm/coordinator.ts';
import type { RunMeasurement } from '../swarm/measurement.ts';
import { openBaselineGate } from './baseline.ts';
import type { BaselineGate } from './baseline.ts';
import { expectedLoad, loadText } from './expected-load.ts';
import { refuseForeignAccounts } from './foreign-accounts.ts';
import { requireNewRun } from './new-run.ts';
import { describeThinkTime, kindOf, prepareRun, replacedThinkTime } from './prepare.ts';
import type { RunOptions } from './options.ts';
import type { PreparedRun } from './prepare.ts';
import { endShare, openRunParts } from './run-parts.ts';
import type { RunParts } from './run-parts.ts';

const processPeriodMs = 1_000;
const supervisorOf = z.object({ supervisorPid: z.int().positive() });

/** Where the stack is, as the `sora` command says it. */
export interface StackAccess {
  readonly target: string;
  readonly admin: AdminAccess | undefined;
  readonly adminUrl: string | undefined;
  readonly adminSecret: string | undefined;
  readonly statePath: string | undefined;
  readonly databaseUrl: string | undefined;
}

/** Reads the stack's address from the environment; a given target has no admin side. */
export function readStackAccess(host: Host, run: { readonly options: Pick<PreparedRun['options'], 'target' | 'scenario'> }): StackAccess {
  const { env } = host.process;
  if (run.options.target !== undefined) {
    return { target: run.options.target, admin: undefined, adminUrl: undefined, adminSecret: undefined, statePath: undefined, databaseUrl: undefined };
  }
  const target = env['SORA_TARGET'];
  if (target === undefined || target === '') {
    throw invalidConfig('no stack is known: SORA_TARGET is not set', `start it through the command: npx sora load run ${run.options.scenario}`);
  }
  const adminUrl = env['SORA_ADMIN_URL'] || undefined;
  const adminSecret = env['SORA_ADMIN_SECRET'] || undefined;
  const admin = adminUrl === undefined || adminSecret === undefined ? undefined : { target: adminUrl, headers: { authorization: `Bearer ${adminSecret}` } };
  return { target, admin, adminUrl, adminSecret, statePath: env['SORA_STACK_STATE'] || undefined, databaseUrl: env['SORA_DATABASE_URL'] || undefined };
}

/** The folder that keeps runs: `.sora/runs` below SORA_HOME or the working folder. */
export function openRunStore(host: Host): RunStore {
  return new RunStore(host, join(host.process.env['SORA_HOME'] ?? resolve(host.process.cwd(), '.sora'), 'runs'));
}

const isWhole = ({ interrupted, aborted }: RunMeasurement): boolean => !interrupted && aborted === undefined;

/** What is measured must not be lost for want of a place. @throws SoraError `invalid_config` naming the folder */
function requireWritable({ files, process }: Host, folder: string): void {
  const probe = join(folder, `.probe-${process.pid}`);
  try {
    files.writeText(probe, '');
    files.remove(probe);
  } catch (error) {
    throw invalidConfig(`runs cannot be kept in ${folder}: ${messageOf(error)}`, 'make the folder writable, or name another with SORA_HOME');
  }
}

/** Runs, judges, writes down and shows one load test; answers the exit code. */
export async function runCommand(host: Host, args: readonly string[]): Promise<number> {
  const run = await prepareRun(host, args);
  const stack = readStackAccess(host, run);
  const display = createLiveDisplay(host, run.options);
  const store = openRunStore(host);
  const runId = run.options.share.runId ?? host.process.env['SORA_RUN_ID'] ?? newRunId(host);
  store.folderOf(runId);
  requireWritable(host, store.folder);
  requireNewRun(host, store, run.options.share);
  const baseline = openBaselineGate(store, run.options.baseline, kindOf(run));
  await refuseForeignAccounts(host, run, stack);
  const planned = expectedLoad(run);
  const expected = expectResources(store.newest().map(({ summary }) => summary), { scenario: run.scenario.name, host: hostname() }, planned, run.prices);
  const parts = await openRunParts(host, run, runId, readVersion(host), (message) => display.say(message));
  if (!run.options.quiet) announce(host, run, stack.target, display, expected, parts.lines);
  const stops = listenForSignals(host, display);
  try {
    const { measurement, processes, usage, generator } = await measure(host, run, stack, runId, stops, display, parts);
    const resources = sumResources(measurement, usage, expected, run.prices, isWhole(measurement) ? planned.operations : undefined);
    const outputs = await Promise.race([parts.close(), stops.hurried.then(() => [])]);
    const gathered = { ...(await gatherFacts(host, run, store, stops.hurrying.aborted ? undefined : stack.databaseUrl, processes, resources)), outputs, generator };
    const facts = { ...gathered, ...parts.keep(measurement, gathered, store.folder) };
    const named = { ...measurement, runId: parts.folderName };
    const summary = await judge(host, store, stack, named, facts, stops, display, baseline, parts.isPart, run.options.quiet);
    finish(host, run.options, summary, join(store.folderOf(parts.folderName), 'report.html'));
    return summary.exitCode;
  } finally {
    await parts.close();
    stops.end();
  }
}

/**
 * Audits and saves. The measurement is saved before the audit too, so that whatever ends the audit,
 * a second Ctrl-C or a kill, the run is on disk and says that it was not audited.
 */
async function judge(
  host: Host, store: RunStore, stack: StackAccess, measurement: RunMeasurement, facts: Omit<RunFacts, 'audit'>, stops: Stops, display: LiveDisplay,
  baseline: BaselineGate, isPart: boolean, quiet: boolean,
): Promise<Summary> {
  const save = (audit: SummaryAudit | null, interrupted: boolean): Summary => {
    const blocks = describeBlocks(measurement.runId, measurement.blocks ?? []);
    const judged = baseline(buildSummary({ ...measurement, interrupted }, { ...facts, audit }), blocks);
    const summary = isPart ? endShare(judged, measurement) : judged;
    const dropped = removedText(store.save(summary, blocks).removed);
    if (dropped !== undefined && !quiet) display.say(dropped);
    return summary;
  };
  const { adminUrl, adminSecret } = stack;
  // The database holds the other shares' writes too.
  if (isPart) return save(notAudited(measurement, 'not done for one share; sora load merge --audit does it for all'), measurement.interrupted);
  if (adminUrl === undefined || adminSecret === undefined) return save(null, measurement.interrupted);
  if (stops.hurrying.aborted) return save(notAudited(measurement, 'not run: the run was ended at once'), measurement.interrupted);
  const unaudited = (incomplete: string): SummaryAudit => ({ ...nothingAudited(measurement), incomplete });
  // Not the user stopped this run: what was to be measured went away.
  if (hasStackEnded(host, stack)) return save(unaudited('not run: the stack ended in mid-run, its supervisor is gone'), false);
  save(unaudited('not run yet'), measurement.interrupted);
  display.say('comparing every acknowledged write with the database');
  const signal = stops.beginAudit();
  const audit = await auditRun(host, measurement, { adminUrl, adminSecret, signal });
  return save(audit, measurement.interrupted || signal.aborted);
}

/** An audit that was not done, which proves nothing where writes were made; null where none was. */
export function notAudited(run: RunMeasurement, why: string): SummaryAudit | null {
  const nothing = nothingAudited(run);
  return nothing.acknowledgedWrites + nothing.indeterminate === 0 ? null : { ...nothing, incomplete: why };
}

function nothingAudited(run: RunMeasurement): SummaryAudit {
  return {
    acknowledgedWrites: run.writes.acknowledged.reduce((sum, count) => sum + count, 0), indeterminate: run.writes.indeterminate.length,
    lost: 0, duplicated: 0, unexpected: 0, usersCompared: 0, ledgerBalanced: null, differences: [],
  };
}

/** Whether the supervisor that the stack's state names has died. Unknown without a state. */
function hasStackEnded(host: Host, { statePath }: StackAccess): boolean {
  if (statePath === undefined || !host.files.exists(statePath)) return false;
  const { supervisorPid } = supervisorOf.parse(JSON.parse(host.files.readText(statePath)));
  return !host.process.kill(supervisorPid, 0);
}

async function measure(
  host: Host, run: PreparedRun, stack: StackAccess, runId: string, stops: Stops, display: LiveDisplay, parts: RunParts,
): Promise<{ measurement: RunMeasurement; processes: SummaryProcess[]; usage: UsageMeasured; generator: GeneratorUse | undefined }> {
  const sampler = stack.statePath === undefined ? undefined : createProcessSampler(host, stack.statePath);
  const meter = createGeneratorMeter(host);
  let sampling: { cancel(): void } | undefined;
  try {
    const measurement = await runSwarm({
      host, scenarioFile: run.scenarioFile, overrides: run.options.overrides, target: stack.target, policy: run.policy, runId,
      adminSecret: stack.adminSecret, admin: stack.admin, signal: stops.measuring, hurry: stops.hurrying, ...parts.swarm,
      onTick: (view) => {
        display.update(view);
        parts.onTick(view);
        meter.tick(view);
      },
      judged: judgedNamesOf(run.thresholds),
      abortWhen: createAbortJudge(run.thresholds),
      onWorkers: () => {
        meter.ready();
        sampler?.sample();
        sampling = host.timers.every(processPeriodMs, () => sampler?.sample());
      },
      log: (message) => display.say(message),
    });
    sampler?.sample();
    const done = measurement.operations.reduce((sum, sample) => sum + sample.total, 0);
    const [generator, system] = [meter.usage(measurement.workers), sampler?.usage()];
    const memory = joinMemory(system?.memory.points() ?? [], generator.memory.points());
    return { measurement, processes: sampler?.result(done) ?? [], usage: { generator: generator.usage, system: system?.processes, memory }, generator: meter.use() };
  } finally {
    sampling?.cancel();
    display.end();
  }
}

async function gatherFacts(
  host: Host, run: PreparedRun, store: RunStore, databaseUrl: string | undefined, processes: SummaryProcess[], resources: Resources,
): Promise<Omit<RunFacts, 'audit'>> {
  host.files.makeFolder(store.folder);
  return {
    description: run.scenario.description,
    scenarioSha256: run.scenarioSha256,
    note: run.options.note,
    gitSha: readGitSha(host),
    version: readVersion(host),
    host: hostname(),
    thinkTime: describeThinkTime(run.thinkTimeMs),
    arrival: run.arrival,
    thresholds: run.thresholds,
    validity: run.options.validity,
    processes,
    resources,
    machine: await describeMachine(host, store.folder, databaseUrl),
  };
}

function announce(
  host: Host, run: PreparedRun, target: string, display: LiveDisplay, expected: ExpectedResources | null, more: readonly string[],
): void {
  const style = styleFor(host, host.stderr, run.options.noColor);
  display.say([
    `  ${style.bold(run.scenario.name)}  ${run.scenario.description}`,
    `  against ${target}, seed ${run.seed}`,
    `  ${run.arrivalsPerS === undefined ? '' : 'up to '}${formatNumber(run.users)} users${run.arrival === '' ? '' : `, ${run.arrival}`}, think time ${describeThinkTime(run.thinkTimeMs)}${replacedThinkTime(run)}`,
    `  ${loadText(expectedLoad(run))}`,
    `  ${expectedText(expected, run.scenario.name)}`,
    ...more.map((line) => `  ${line}`),
  ].join('\n'));
}

/** What signals end: the measuring, and later the audit. */
interface Stops {
  readonly measuring: AbortSignal;
  /** Aborted by the second signal: only writing what was measured is left to do. */
  readonly hurrying: AbortSignal;
  /** Resolves when `hurrying` aborts. */
  readonly hurried: Promise<void>;
  /** From here on a signal ends the audit, whose run is on disk already. */
  beginAudit(): AbortSignal;
  /** Stops listening. */
  end(): void;
}

/** After the second signal the process ends in this time, whether or not all is written. */
const hurryMs = 900;

/** The first signal stops measuring, the second leaves only the writing, the third ends at once; one during the audit ends that. */
function listenForSignals(host: Host, display: LiveDisplay): Stops {
  const [measuring, hurrying, auditing] = [new AbortController(), new AbortController(), new AbortController()];
  let isAuditing = false;
  let deadline: Timer | undefined;
  const exit = (): void => host.process.exit(exitCodes.interrupted);
  const onSignal = (): void => {
    if (isAuditing) {
      if (auditing.signal.aborted) return exit();
      display.say('ending the audit; the run will be kept as not audited');
      auditing.abort();
    } else if (!measuring.signal.aborted) {
      display.say('stopping; what was measured will be written. Press Ctrl-C again to end at once');
      measuring.abort();
    } else {
      if (hurrying.signal.aborted) return exit();
      display.say('ending at once; what was measured is written, the audit is left out');
      deadline = host.timers.after(hurryMs, exit);
      hurrying.abort();
    }
  };
  const removals = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => host.process.onSignal(name, onSignal));
  return {
    measuring: measuring.signal,
    hurrying: hurrying.signal,
    hurried: new Promise((resolve) => hurrying.signal.addEventListener('abort', () => resolve(), { once: true })),
    beginAudit: () => {
      isAuditing = true;
      return auditing.signal;
    },
    end: () => {
      deadline?.cancel();
      for (const remove of removals) remove();
    },
  };
}

/** Data on stdout, everything for people on stderr, the verdict last. */
export function finish(host: Host, options: Pick<RunOptions, 'noColor' | 'quiet' | 'json'>, summary: Summary, reportPath: string): void {
  const style = styleFor(host, host.stderr, options.noColor);
  if (!options.quiet && summary.comparison !== undefined) host.stderr.write(renderComparison(summary.comparison, style));
  if (!options.quiet) host.stderr.write(renderEnding(summary, style, reportPath));
  if (options.json) host.stdout.write(`${JSON.stringify(summary)}\n`);
  else if (repeatsOnStdout(host, options.quiet)) {
    host.stdout.write(`${reportPath}\n${verdictLine(summary, styleFor(host, host.stdout, options.noColor)).trim()}\n`);
  }
}

/** The commit of this checkout; null outside of one. */
export function readGitSha(host: Host): string | null {
  const { status, stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: new URL('.', import.meta.url).pathname, encoding: 'utf8', timeout: 3_000 });
  return status === 0 ? stdout.trim() : (host.process.env['GITHUB_SHA'] ?? null);
}

/** Our own version, from the package.json of this checkout. */
export function readVersion(host: Host): string {
  const text = host.files.readText(new URL('../../package.json', import.meta.url).pathname);
  return (JSON.parse(text) as { version: string }).version;
}

/** `20260131-142305-9f2c`: sorts by time. */
export function newRunId(host: Host): string {
  const stamp = new Date(host.clock.nowMs()).toISOString().replaceAll(/[-:]|\..*/g, '').replace('T', '-');
  return `${stamp}-${host.random.bytes(2).toString('hex')}`;
}
