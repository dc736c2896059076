import { hostname } from 'node:os';
import { join } from 'node:path';
import { exitCodes, messageOf, SoraError } from '../../ops/core/error.ts';
import type { Prices } from '../../ops/core/config.ts';
import type { Host } from '../../ops/core/host.ts';
import type { FoundTool } from '../../ops/core/tools.ts';
import { documentSchema } from '../k6/runner/document.ts';
import type { K6Document } from '../k6/runner/document.ts';
import { rangesWithout } from '../k6/runner/fence.ts';
import type { FencedTarget } from '../k6/runner/fence.ts';
import { buildK6Summary, workOf } from '../k6/runner/import.ts';
import { runK6, seriesOf } from '../k6/runner/process.ts';
import type { K6Ended } from '../k6/runner/process.ts';
import { renderEnding, repeatsOnStdout, verdictLine } from '../report/ending.ts';
import { describeMachine } from '../report/machine.ts';
import { createProcessSampler } from '../report/processes.ts';
import type { ProcessSampler } from '../report/processes.ts';
import { joinMemory, sumResources } from '../report/resources.ts';
import type { ExpectedResources, Resources } from '../report/resources.ts';
import { styleFor } from '../report/style.ts';
import type { Summary } from '../report/summary-schema.ts';
import { removedText } from '../runs/store.ts';
import { openRunStore, readGitSha, readVersion } from './run.ts';
import type { StackAccess } from './run.ts';

/** A run of k6 that is ready to start: its target judged, its users signed in. */
export interface ReadyK6Run {
  readonly runId: string;
  readonly k6: FoundTool;
  readonly scriptPath: string;
  readonly scriptSha256: string;
  /** Folder for what the run alone needs; who calls removes it. */
  readonly scratch: string;
  readonly fence: FencedTarget;
  readonly stack: StackAccess;
  readonly seed: number;
  readonly env: Readonly<Record<string, string>>;
  readonly note: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly noColor: boolean;
  /** Said before the run. */
  readonly expected: ExpectedResources | null;
  /** The configured price list. */
  readonly prices: Prices | undefined;
}

/** Runs k6 behind its fence, then imports, keeps and shows what it measured; answers the exit code. */
export async function playK6(host: Host, run: ReadyK6Run): Promise<number> {
  const summaryPath = join(run.scratch, 'summary.json');
  host.files.makeFolder(run.scratch, 0o700);
  const stop = new AbortController();
  const force = new AbortController();
  const stopListening = listenForSignals(host, stop, force);
  const { statePath } = run.stack;
  const sampler = statePath === undefined ? undefined : createProcessSampler(host, statePath);
  try {
    sampler?.sample();
    const ended = await runK6(host, {
      k6Path: run.k6.path, scriptPath: run.scriptPath, flags: flagsOf(run), signal: stop.signal, force: force.signal,
      env: { ...run.env, SORA_K6_SUMMARY: summaryPath, SORA_HOSTS: JSON.stringify(run.fence.hosts) },
      onTick: () => sampler?.sample(),
    });
    sampler?.sample();
    const document = readDocument(host, summaryPath);
    if (document === undefined) return withoutSummary(host, ended, stop.signal.aborted);
    const store = openRunStore(host);
    host.files.makeFolder(store.folder);
    const summary = buildK6Summary(document, {
      runId: run.runId, k6Version: run.k6.version, k6ExitCode: ended.exitCode, interrupted: stop.signal.aborted || ended.exitCode === exitCodes.interrupted,
      note: run.note, seed: run.seed, gitSha: readGitSha(host), version: readVersion(host), host: hostname(), target: run.fence.url.origin, scenarioSha256: run.scriptSha256,
      machine: await describeMachine(host, store.folder, run.stack.databaseUrl),
      processes: sampler?.result(document.metrics['operations']?.values['count'] ?? 0) ?? [],
      cpuUs: ended.generator === undefined ? null : ended.generator.usage.cpuS * 1e6, rssMaxBytes: ended.generator?.rssMaxBytes ?? null,
      series: seriesOf(ended.samples, { ...document.run }), resources: resourcesOf(run, document, ended, sampler),
    });
    const { reportPath, removed } = store.save(summary);
    const dropped = removedText(removed);
    if (dropped !== undefined && !run.quiet) host.stderr.write(`${dropped}\n`);
    show(host, run, summary, reportPath);
    return summary.exitCode;
  } finally {
    stopListening();
  }
}

/** What k6 and the system used, and what that costs; undefined where the machine does not tell. */
function resourcesOf({ expected, prices }: ReadyK6Run, document: K6Document, { generator }: K6Ended, sampler: ProcessSampler | undefined): Resources | undefined {
  if (generator === undefined) return undefined;
  const system = sampler?.usage();
  const memory = joinMemory(system?.memory.points() ?? [], generator.memory);
  return sumResources(workOf(document), { generator: generator.usage, system: system?.processes, memory }, expected, prices);
}

function flagsOf({ fence, quiet, noColor }: ReadyK6Run): string[] {
  const fenced = rangesWithout(fence.address).flatMap((range) => ['--blacklist-ip', range]);
  return [...fenced, ...(quiet ? ['--quiet'] : []), ...(noColor ? ['--no-color'] : [])];
}

/** @throws SoraError when k6 left something that is no summary of ours */
function readDocument(host: Host, path: string): K6Document | undefined {
  if (!host.files.exists(path)) return undefined;
  try {
    return documentSchema.parse(JSON.parse(host.files.readText(path)));
  } catch (error) {
    throw new SoraError('k6_summary_unreadable', `k6 left a summary that cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** k6 ended before it had anything to tell: nothing is kept, and its exit code says why. */
function withoutSummary(host: Host, { exitCode }: K6Ended, interrupted: boolean): number {
  host.stderr.write(`k6 ended with exit code ${exitCode} and left no summary, so no run is kept; its last words are above\n`);
  if (interrupted) return exitCodes.interrupted;
  return exitCode === 0 ? exitCodes.generic : exitCode;
}

/** The first signal lets k6 end in order and write what it measured; the second ends at once. */
function listenForSignals(host: Host, stop: AbortController, force: AbortController): () => void {
  const onSignal = (): void => {
    if (stop.signal.aborted) return force.abort();
    host.stderr.write('stopping k6; what was measured will be written. Press Ctrl-C again to end at once\n');
    stop.abort();
  };
  const removals = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => host.process.onSignal(name, onSignal));
  return () => removals.forEach((remove) => remove());
}

/** Data on stdout, everything for people on stderr, the verdict last. */
function show(host: Host, run: ReadyK6Run, summary: Summary, reportPath: string): void {
  if (!run.quiet) host.stderr.write(renderEnding(summary, styleFor(host, host.stderr, run.noColor), reportPath));
  if (run.json) host.stdout.write(`${JSON.stringify(summary)}\n`);
  else if (repeatsOnStdout(host, run.quiet)) host.stdout.write(`${reportPath}\n${verdictLine(summary, styleFor(host, host.stdout, run.noColor)).trim()}\n`);
}
