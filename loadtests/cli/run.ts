import { hostname } from 'node:os';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { exitCodes, invalidConfig } from '../../ops/core/error.ts';
import { formatDuration } from '../../ops/core/duration.ts';
import type { Host } from '../../ops/core/host.ts';
import { auditRun } from '../audit/run-audit.ts';
import { renderEnding, verdictLine } from '../report/ending.ts';
import { formatBytes, formatNumber } from '../report/format.ts';
import { createLiveDisplay } from '../report/live.ts';
import type { LiveDisplay } from '../report/live.ts';
import { describeMachine } from '../report/machine.ts';
import { createProcessSampler } from '../report/processes.ts';
import { styleFor } from '../report/style.ts';
import { buildSummary } from '../report/summary.ts';
import type { Summary, SummaryAudit, SummaryProcess } from '../report/summary-schema.ts';
import { RunStore } from '../runs/store.ts';
import { runSwarm } from '../swarm/coordinator.ts';
import type { AdminAccess } from '../swarm/coordinator.ts';
import type { RunMeasurement } from '../swarm/measurement.ts';
import { describeThinkTime, expectedLoad, prepareRun } from './prepare.ts';
import type { PreparedRun } from './prepare.ts';

const processPeriodMs = 1_000;

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
export function readStackAccess(host: Host, run: PreparedRun): StackAccess {
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

/** Runs, judges, writes down and shows one load test; answers the exit code. */
export async function runCommand(host: Host, args: readonly string[]): Promise<number> {
  const run = await prepareRun(host, args);
  const stack = readStackAccess(host, run);
  const display = createLiveDisplay(host, run.options);
  const store = openRunStore(host);
  const runId = host.process.env['SORA_RUN_ID'] ?? newRunId(host);
  store.folderOf(runId);
  announce(host, run, stack.target, display);
  const stop = new AbortController();
  const stopListening = listenForSignals(host, stop, display);
  try {
    const { measurement, processes } = await measure(host, run, stack, runId, stop.signal, display);
    const audit = await audited(host, measurement, stack, display);
    const facts = await gatherFacts(host, run, store, stack, audit, processes);
    const summary = buildSummary(measurement, facts);
    const { reportPath } = store.save(summary);
    finish(host, run, summary, reportPath);
    return summary.exitCode;
  } finally {
    stopListening();
  }
}

async function measure(
  host: Host, run: PreparedRun, stack: StackAccess, runId: string, signal: AbortSignal, display: LiveDisplay,
): Promise<{ measurement: RunMeasurement; processes: SummaryProcess[] }> {
  const sampler = stack.statePath === undefined ? undefined : createProcessSampler(host, stack.statePath);
  let sampling: { cancel(): void } | undefined;
  try {
    const measurement = await runSwarm({
      host, scenarioFile: run.scenarioFile, overrides: run.options.overrides, target: stack.target, policy: run.policy, runId,
      adminSecret: stack.adminSecret, admin: stack.admin, signal,
      onTick: (view) => display.update(view),
      onWorkers: () => {
        sampler?.sample();
        sampling = host.timers.every(processPeriodMs, () => sampler?.sample());
      },
      log: (message) => display.say(message),
    });
    sampler?.sample();
    const done = measurement.operations.reduce((sum, sample) => sum + sample.total, 0);
    return { measurement, processes: sampler?.result(done) ?? [] };
  } finally {
    sampling?.cancel();
    display.end();
  }
}

async function audited(host: Host, measurement: RunMeasurement, stack: StackAccess, display: LiveDisplay): Promise<SummaryAudit | null> {
  if (stack.adminUrl === undefined || stack.adminSecret === undefined) return null;
  display.say('comparing every acknowledged write with the database');
  return await auditRun(host, measurement, { adminUrl: stack.adminUrl, adminSecret: stack.adminSecret });
}

async function gatherFacts(
  host: Host, run: PreparedRun, store: RunStore, stack: StackAccess, audit: SummaryAudit | null, processes: SummaryProcess[],
): Promise<Parameters<typeof buildSummary>[1]> {
  host.files.makeFolder(store.folder);
  return {
    description: run.scenario.description,
    scenarioSha256: run.scenarioSha256,
    note: run.options.note,
    gitSha: readGitSha(host),
    version: readVersion(host),
    host: hostname(),
    thinkTime: describeThinkTime(run.thinkTimeMs),
    thresholds: run.thresholds,
    validity: run.options.validity,
    audit,
    processes,
    machine: await describeMachine(host, store.folder, stack.databaseUrl),
  };
}

function announce(host: Host, run: PreparedRun, target: string, display: LiveDisplay): void {
  const style = styleFor(host, host.stderr, run.options.noColor);
  const load = expectedLoad(run);
  display.say([
    `  ${style.bold(run.scenario.name)}  ${run.scenario.description}`,
    `  against ${target}, seed ${run.seed}`,
    `  ${formatNumber(run.users)} users, think time ${describeThinkTime(run.thinkTimeMs)}`,
    `  about ${formatNumber(load.operations)} requests at ${formatNumber(load.operationsPerS)}/s, ${formatBytes(load.bytes)}, ${formatDuration(load.durationMs)} and a drain of at most 30s`,
  ].join('\n'));
}

/** The first signal stops and writes what was measured, the second ends at once. */
function listenForSignals(host: Host, stop: AbortController, display: LiveDisplay): () => void {
  const onSignal = (): void => {
    if (stop.signal.aborted) host.process.exit(exitCodes.interrupted);
    display.say('stopping; what was measured will be written. Press Ctrl-C again to end at once');
    stop.abort();
  };
  const removals = (['SIGINT', 'SIGTERM'] as const).map((name) => host.process.onSignal(name, onSignal));
  return () => removals.forEach((remove) => remove());
}

/** Data on stdout, everything for people on stderr, the verdict last. */
function finish(host: Host, run: PreparedRun, summary: Summary, reportPath: string): void {
  const style = styleFor(host, host.stderr, run.options.noColor);
  if (!run.options.quiet) host.stderr.write(renderEnding(summary, style, reportPath));
  if (run.options.json) host.stdout.write(`${JSON.stringify(summary)}\n`);
  else if (run.options.quiet || !host.stdout.isTty) {
    host.stdout.write(`${reportPath}\n${verdictLine(summary, styleFor(host, host.stdout, run.options.noColor)).trim()}\n`);
  }
}

function readGitSha(host: Host): string | null {
  const { status, stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: new URL('.', import.meta.url).pathname, encoding: 'utf8', timeout: 3_000 });
  return status === 0 ? stdout.trim() : (host.process.env['GITHUB_SHA'] ?? null);
}

function readVersion(host: Host): string {
  const text = host.files.readText(new URL('../../package.json', import.meta.url).pathname);
  return (JSON.parse(text) as { version: string }).version;
}

function newRunId(host: Host): string {
  const stamp = new Date(host.clock.nowMs()).toISOString().replaceAll(/[-:]|\..*/g, '').replace('T', '-');
  return `${stamp}-${host.random.bytes(2).toString('hex')}`;
}
