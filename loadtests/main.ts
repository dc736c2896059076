import process, { stderr, stdout } from 'node:process';
import { closest } from 'fastest-levenshtein';
import { exitCodes, invalidConfig, messageOf, SoraError } from '../ops/core/error.ts';
import type { Host } from '../ops/core/host.ts';
import { createNodeHost } from '../ops/core/node-host.ts';
import { ConfigErrors } from './cli/config-errors.ts';

type Verb = (host: Host, args: readonly string[]) => number | Promise<number>;

/**
 * What `sora load` passes on, each loaded when it is asked for: a process that makes load is to be small.
 * `plan` answers what a run needs, before anything is started for it.
 */
const verbs: Readonly<Record<string, () => Promise<Verb>>> = {
  plan: async () => (await import('./cli/plan.ts')).planRunCommand,
  'plan-debug': async () => (await import('./cli/plan.ts')).planDebugCommand,
  run: async () => (await import('./cli/run.ts')).runCommand,
  debug: async () => (await import('./cli/debug.ts')).debugCommand,
  'plan-capacity': async () => (await import('./cli/capacity.ts')).planCapacityCommand,
  capacity: async () => (await import('./cli/capacity.ts')).capacityCommand,
  'plan-suite': async () => (await import('./cli/suite.ts')).planSuiteCommand,
  suite: async () => (await import('./cli/suite.ts')).suiteCommand,
  'plan-k6': async () => (await import('./cli/k6.ts')).planK6Command,
  k6: async () => (await import('./cli/k6.ts')).k6Command,
  'plan-browser': async () => (await import('./cli/browser.ts')).planBrowserCommand,
  browser: async () => (await import('./cli/browser.ts')).browserCommand,
  import: async () => (await import('./cli/import.ts')).importCommand,
  merge: async () => (await import('./cli/merge.ts')).mergeCommand,
  ls: async () => (await import('./cli/runs.ts')).listCommand,
  show: async () => (await import('./cli/runs.ts')).showCommand,
  rm: async () => (await import('./cli/runs.ts')).removeCommand,
  compare: async () => (await import('./cli/compare.ts')).compareCommand,
  trend: async () => (await import('./cli/trend.ts')).trendCommand,
};

/** How long a process goes on whose work is done, because something still holds it. */
const lingerMs = 500;

/** Runs one verb and answers the exit code. */
async function main(host: Host): Promise<number> {
  const [verb = '--help', ...args] = host.process.argv;
  if (verb === '--help' || verb === '-h' || args.includes('--help') || args.includes('-h')) {
    host.stdout.write((await import('./cli/help.ts')).helpText(verb));
    return exitCodes.pass;
  }
  const load = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (load === undefined) {
    throw invalidConfig(`load has no verb "${verb}"`, `did you mean ${closest(verb, Object.keys(verbs))}? Verbs: ${Object.keys(verbs).join(', ')}`);
  }
  const command = await load();
  return await command(host, args);
}

/** One message for each thing that is wrong: what, the limit, the next step. Defects keep their stack. Answers the exit code. */
function explain(host: Host, error: unknown): number {
  const all = error instanceof ConfigErrors ? error.all : [error];
  for (const each of all) {
    host.stderr.write(`error: ${messageOf(each)}\n`);
    if (each instanceof SoraError) {
      if (each.hint !== undefined) host.stderr.write(`  ${each.hint}\n`);
    } else if (each instanceof Error) host.stderr.write(`${each.stack ?? ''}\n`);
  }
  return error instanceof SoraError ? error.exitCode : exitCodes.generic;
}

/** Until a verb listens itself, a signal ends the process: nothing has begun that would have to end first. */
function endBeforeVerbs(host: Host): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    host.process.onSignal(name, () => {
      if (process.listenerCount(name) > 1) return;
      host.stderr.write('stopped before anything was measured\n');
      host.process.exit(exitCodes.interrupted);
    });
  }
}

const commandLookMs = 1_000;

/** Stops what is under way when the command that started this process is gone, as after a kill -9: nobody else would end its load. */
function endWithCommand(host: Host): void {
  const pid = Number(host.process.env['SORA_COMMAND_PID'] ?? 0);
  if (!(pid > 0)) return;
  const looking = host.timers.every(commandLookMs, () => {
    if (host.process.kill(pid, 0)) return;
    looking.cancel();
    host.stderr.write('the command that started this is gone\n');
    host.process.kill(host.process.pid, 'SIGTERM');
  }).unref();
}

const host = createNodeHost();
endBeforeVerbs(host);
endWithCommand(host);
// A reader such as `head` may close the pipe early; that is no error, and a run under way goes on.
stdout.on('error', () => undefined);
// So may a terminal that is closed; the run then still writes its report.
stderr.on('error', () => undefined);
const code = await main(host).catch((error: unknown) => explain(host, error));
host.process.setExitCode(code);
// A setup that was left may hold a timer or a socket of its own for as long as it likes.
host.timers.after(lingerMs, () => host.process.exit(code)).unref();
