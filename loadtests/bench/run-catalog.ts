import { resolve } from 'node:path';
import { complaintOf, standingOf } from '../../ops/core/bench-limits.ts';
import type { BenchRow } from '../../ops/core/bench-row.ts';
import { renderBench } from '../../ops/core/bench-table.ts';
import { formatDuration } from '../../ops/core/duration.ts';
import { exitCodes, messageOf, SoraError } from '../../ops/core/error.ts';
import type { ExitCode } from '../../ops/core/error.ts';
import type { Host, SignalName } from '../../ops/core/host.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { describeMachine, readMachine, warnOfLoad } from './machine.ts';
import type { BenchCatalog } from './catalog.ts';
import { helpOf, parseMainOptions, type MainOptions } from './options.ts';
import { runBenchFile } from './run-file.ts';

/** What a bench measured, and what it could not. */
export interface Measured {
  readonly rows: readonly BenchRow[];
  readonly failed: readonly { readonly group: string; readonly reason: string }[];
}

const root = resolve(import.meta.dirname, '../..');

/** Runs each file of a catalog as a process of its own, never two at once, and prints one table. Sets the exit code; never throws. */
export async function runCatalog(catalog: BenchCatalog): Promise<void> {
  const host = createNodeHost();
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] satisfies SignalName[]) host.process.onSignal(name, () => stop.abort());
  try {
    host.process.setExitCode(await run(host, catalog, parseMainOptions(host.process.argv, catalog), stop.signal));
  } catch (error) {
    const hint = error instanceof SoraError && error.hint !== undefined ? `\nhint: ${error.hint}` : '';
    host.stderr.write(`bench: ${messageOf(error)}${hint}\n`);
    host.process.setExitCode(error instanceof SoraError ? error.exitCode : exitCodes.generic);
  }
}

async function run(host: Host, catalog: BenchCatalog, options: MainOptions, stopped: AbortSignal): Promise<ExitCode> {
  if (options.help) {
    host.stdout.write(helpOf(catalog));
    return exitCodes.pass;
  }
  const machine = readMachine();
  const warning = warnOfLoad(machine);
  host.stderr.write(`${describeMachine(machine)}\n${warning === undefined ? '' : `${warning}\n`}`);
  const measured = await measure(host, catalog, options, stopped);
  const { rows, failed } = measured;
  if (options.json) host.stdout.write(`${JSON.stringify({ machine, quick: options.quick, rows, failed }, null, 2)}\n`);
  else if (rows.length > 0) host.stdout.write(`${describeMachine(machine)}${options.quick ? ', quick' : ''}\n\n${renderBench(rows)}`);
  for (const complaint of rows.map(complaintOf)) {
    if (complaint !== undefined) host.stderr.write(`${options.quick ? 'quick, not judged: ' : ''}${complaint}\n`);
  }
  return stopped.aborted ? exitCodes.interrupted : exitCodeOf(measured, options.quick);
}

/**
 * The worst that was found: a limit missed (99), a group that failed (1), a figure with a limit that was not measured
 * (98). Quick figures are too short to be judged; a group that failed counts there too.
 */
export function exitCodeOf({ rows, failed }: Measured, quick: boolean): ExitCode {
  const standings = quick ? [] : rows.map(standingOf);
  if (standings.includes('missed')) return exitCodes.thresholdsFailed;
  if (failed.length > 0) return exitCodes.generic;
  return standings.includes('unmeasured') ? exitCodes.insufficient : exitCodes.pass;
}

/** A group that fails is named and left out; what was measured before a signal is kept. */
async function measure(host: Host, { files, timeoutMs }: BenchCatalog, { groups, quick }: MainOptions, stopped: AbortSignal): Promise<Measured> {
  const rows: BenchRow[] = [];
  const failed: { group: string; reason: string }[] = [];
  for (const [index, group] of groups.entries()) {
    if (stopped.aborted) break;
    host.stderr.write(`[${index + 1}/${groups.length}] ${group}\n`);
    const startMs = host.clock.monotonicMs();
    try {
      rows.push(...(await runBenchFile(host, resolve(root, files[group] ?? ''), { quick, stopped, timeoutMs })));
      host.stderr.write(`[${index + 1}/${groups.length}] ${group} took ${formatDuration(host.clock.monotonicMs() - startMs)}\n`);
    } catch (error) {
      if (stopped.aborted) break;
      failed.push({ group, reason: messageOf(error) });
      host.stderr.write(`bench: ${group} was not measured: ${messageOf(error)}\n`);
    }
  }
  return { rows, failed };
}
