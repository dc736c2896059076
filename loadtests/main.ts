import { stderr, stdout } from 'node:process';
import { closest } from 'fastest-levenshtein';
import { exitCodes, invalidConfig, messageOf, SoraError } from '../ops/core/error.ts';
import type { Host } from '../ops/core/host.ts';
import { createNodeHost } from '../ops/core/node-host.ts';
import { browserCommand, planBrowserCommand } from './cli/browser.ts';
import { capacityCommand, planCapacityCommand } from './cli/capacity.ts';
import { compareCommand } from './cli/compare.ts';
import { debugCommand } from './cli/debug.ts';
import { foresee } from './cli/foresee.ts';
import { helpText } from './cli/help.ts';
import { k6Command, planK6Command } from './cli/k6.ts';
import { importCommand } from './cli/import.ts';
import { mergeCommand } from './cli/merge.ts';
import { ConfigErrors } from './cli/options.ts';
import type { RunVerb } from './cli/options.ts';
import { openBaselineGate } from './cli/baseline.ts';
import { kindOf, prepareRun } from './cli/prepare.ts';
import { openRunStore, runCommand } from './cli/run.ts';
import { trendCommand } from './cli/trend.ts';
import { listCommand, removeCommand, showCommand } from './cli/runs.ts';
import { planSuiteCommand, suiteCommand } from './cli/suite.ts';
import { styleFor } from './report/style.ts';

type Verb = (host: Host, args: readonly string[]) => number | Promise<number>;

/** What `sora load` passes on. `plan` answers what a run needs, before anything is started for it. */
const verbs: Readonly<Record<string, Verb>> = {
  plan: (host, args) => planCommand(host, args, 'run'),
  'plan-debug': (host, args) => planCommand(host, args, 'debug'),
  run: runCommand,
  debug: debugCommand,
  'plan-capacity': planCapacityCommand,
  capacity: capacityCommand,
  'plan-suite': planSuiteCommand,
  suite: suiteCommand,
  'plan-k6': planK6Command,
  k6: k6Command,
  'plan-browser': planBrowserCommand,
  browser: browserCommand,
  import: importCommand,
  merge: mergeCommand,
  ls: listCommand,
  show: showCommand,
  rm: removeCommand,
  compare: compareCommand,
  trend: trendCommand,
};

async function planCommand(host: Host, args: readonly string[], verb: RunVerb): Promise<number> {
  const run = await prepareRun(host, args, verb);
  // A wrong baseline is told before a stack is started for the run.
  openBaselineGate(openRunStore(host), run.options.baseline, kindOf(run));
  // Told before minutes go into a stack and its users.
  if (verb === 'run') for (const warning of foresee(run)) host.stderr.write(`${styleFor(host, host.stderr, run.options.noColor).unsure(warning)}\n`);
  const { needsStack, users, seed, scenario, scenarioFile, options } = run;
  const { user, overrides } = options;
  host.stdout.write(`${JSON.stringify({ needsStack, users, seed, scenario: scenario.name, scenarioFile, user, usersGiven: overrides.users !== undefined, shares: options.share.partition?.count ?? 1, durationMs: run.rampMs + run.holdMs })}\n`);
  return exitCodes.pass;
}

/** How long a process goes on whose work is done, because something still holds it. */
const lingerMs = 500;

/** Runs one verb and answers the exit code. */
async function main(host: Host): Promise<number> {
  const [verb = '--help', ...args] = host.process.argv;
  if (verb === '--help' || verb === '-h' || args.includes('--help') || args.includes('-h')) {
    host.stdout.write(helpText(verb));
    return exitCodes.pass;
  }
  const command = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (command === undefined) {
    throw invalidConfig(`load has no verb "${verb}"`, `did you mean ${closest(verb, Object.keys(verbs))}? Verbs: ${Object.keys(verbs).join(', ')}`);
  }
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

const host = createNodeHost();
// A reader such as `head` may close the pipe early; that is no error, and a run under way goes on.
stdout.on('error', () => undefined);
// So may a terminal that is closed; the run then still writes its report.
stderr.on('error', () => undefined);
const code = await main(host).catch((error: unknown) => explain(host, error));
host.process.setExitCode(code);
// A setup that was left may hold a timer or a socket of its own for as long as it likes.
host.timers.after(lingerMs, () => host.process.exit(code)).unref();
