import { exitCodes } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { styleFor } from '../report/style.ts';
import { openBaselineGate } from './baseline.ts';
import { foresee } from './foresee.ts';
import { requireNewRun } from './new-run.ts';
import type { RunVerb } from './options.ts';
import { kindOf, prepareRun } from './prepare.ts';
import { openRunStore } from './run.ts';

/** Answers what a run needs as one line of JSON, before anything is started for it. @throws SoraError on wrong options */
export const planRunCommand = (host: Host, args: readonly string[]): Promise<number> => plan(host, args, 'run');

/** The same for a single journey of one user. @throws SoraError on wrong options */
export const planDebugCommand = (host: Host, args: readonly string[]): Promise<number> => plan(host, args, 'debug');

async function plan(host: Host, args: readonly string[], verb: RunVerb): Promise<number> {
  const run = await prepareRun(host, args, verb);
  const store = openRunStore(host);
  // A name that is taken and a wrong baseline are told before a stack is started for the run.
  requireNewRun(host, store, run.options.share);
  openBaselineGate(store, run.options.baseline, kindOf(run));
  // Told before minutes go into a stack and its users.
  if (verb === 'run') for (const warning of foresee(run)) host.stderr.write(`${styleFor(host, host.stderr, run.options.noColor).unsure(warning)}\n`);
  const { needsStack, users, seed, scenario, scenarioFile, options } = run;
  const { user, overrides } = options;
  host.stdout.write(`${JSON.stringify({ needsStack, users, seed, scenario: scenario.name, scenarioFile, user, usersGiven: overrides.users !== undefined, shares: options.share.partition?.count ?? 1, durationMs: run.rampMs + run.holdMs })}\n`);
  return exitCodes.pass;
}
