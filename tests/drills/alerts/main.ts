/**
 * Causes the condition of every shipped alert rule from outside, on the running stack with users on it, and measures
 * cause → firing → message → removed → resolved: `npm run drill:alerts`. Writes docs/alert-drills.md.
 * Exit code 0 when all held, 99 when something did not, 104 for wrong arguments.
 */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { closest } from 'fastest-levenshtein';
import { exitCodes, invalidConfig, messageOf, renderError, SoraError } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { alertsReadme, alertsReadmeText } from '../../../ops/alerting/catalogue/alerts-readme.ts';
import { catalogue } from '../../../ops/alerting/catalogue/catalogue.ts';
import { requireRules } from '../../../ops/alerting/rules/load-rules.ts';
import type { Fault, Round } from './fault.ts';
import { replayRun } from './replay.ts';
import type { Replay } from './replay.ts';
import { startReceiver } from './receiver.ts';
import { readRecord, recordPath, renewRecord } from './record.ts';
import type { DrillRun } from './record.ts';
import { judge, renderReport } from './report.ts';
import type { Finding } from './report.ts';
import { lastRounds, repeated, rounds } from './rounds.ts';
import { createFollower } from './runbook.ts';
import { runRound } from './run-fault.ts';
import type { AlertOutcome, Guide } from './run-fault.ts';
import { runSilence } from './silence.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { load, startUsers } from './users.ts';

const root = resolve(import.meta.dirname, '../../..');
const reportPath = 'docs/alert-drills.md';
const silence = 'control-silent';
const everyFault: readonly Fault[] = [...rounds, ...lastRounds].flat();
const names = [...everyFault.map(({ name }) => name), silence];

const help = `Drills every shipped alert rule on a stack of its own and writes docs/alert-drills.md.

Usage: npm run drill:alerts -- [--only FAULT,…] [--times N]

  --only FAULT,…  these faults only; the others keep the result of their last drill
  --times N       how often ${repeated.name} is repeated; default 10, 0 leaves it out

Faults: ${names.join(', ')}
`;

interface Wanted {
  readonly only: readonly string[];
  readonly times: number;
}

function readArguments(host: Host): Wanted | undefined {
  let values;
  try {
    ({ values } = parseArgs({ args: [...host.process.argv], options: { only: { type: 'string' }, times: { type: 'string' }, help: { type: 'boolean', short: 'h' } } }));
  } catch (error) {
    throw invalidConfig(messageOf(error), 'flags: --only FAULT,… and --times N', error);
  }
  if (values.help === true) {
    host.stdout.write(help);
    return undefined;
  }
  const only = values.only?.split(',').map((name) => name.trim()) ?? [];
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw invalidConfig(`there is no fault "${unknown}"`, `did you mean ${closest(unknown, names)}? Faults: ${names.join(', ')}`);
  const times = Number(values.times ?? (only.length === 0 ? 10 : 0));
  if (!Number.isInteger(times) || times < 0 || times > 100) throw invalidConfig(`--times ${values.times} is not a whole number from 0 to 100`, 'for example --times 10');
  return { only, times };
}

/** Every shipped alert. */
function ruleNames(host: Host): string[] {
  const { groups } = requireRules(host.files, [join(root, 'alerts/rules/*.yaml')], { names: root });
  return groups.flatMap(({ rules }) => rules.flatMap((rule) => (rule.kind === 'alert' ? [rule.name] : [])));
}

/** The runbooks of the shipped alerts, followed with the settings of the stage. */
function guideOf(host: Host, stage: Stage): Guide {
  const { groups } = requireRules(host.files, [join(root, 'alerts/rules/*.yaml')], { names: root });
  const byAlert = new Map(catalogue(groups).map(({ name, runbook }) => [name, runbook]));
  return { ...createFollower({ host, root, env: stage.env, say: stage.world.say }), runbookOf: (alert) => byAlert.get(alert) ?? '' };
}

/** @param keep writes down what is known, so that a drill that is stopped keeps its rounds */
async function runRounds(stage: Stage, guide: Guide, chosen: readonly Round[], only: readonly string[], outcomes: AlertOutcome[], keep: () => void): Promise<void> {
  for (const round of chosen) {
    const faults = round.filter(({ name }) => only.length === 0 || only.includes(name));
    if (faults.length === 0) continue;
    outcomes.push(...(await runRound(stage.world, faults, guide)));
    keep();
  }
}

async function drill(host: Host, { only, times }: Wanted, signal: AbortSignal): Promise<void> {
  const say = (text: string): void => host.stderr.write(`${new Date(host.clock.nowMs()).toISOString().slice(11, 19)} ${text}\n`);
  const atMs = host.clock.nowMs();
  const home = resolve(host.process.env['SORA_HOME'] ?? join(root, '.sora'), 'alert-drills');
  await using receiver = await startReceiver(host);
  await using stage = await openStage(host, root, home, receiver, signal, say);
  say('the stack is up');
  execFileSync(host.process.execPath, ['ops/cli/bootstrap.mjs', 'db', 'seed', '--users', String(load.users)], { cwd: root, env: { ...stage.env }, stdio: ['ignore', 'ignore', 'ignore'] });
  const stopUsers = await startUsers({ host, root, env: stage.env, home, stack: () => stage.world.stack() });
  const guide = guideOf(host, stage);
  const outcomes: AlertOutcome[] = [];
  const again: AlertOutcome[] = [];
  const sinceMs = host.clock.monotonicMs();
  let replay: Replay | undefined;
  const commit = commitOf();
  const runSoFar = (): DrillRun => ({ outcomes, repeated: again, replay, atMs, machine: machineOf(), commit });
  const keep = (): void => void writeRecord(host, runSoFar());
  try {
    // Rates need a whole window, and what the start itself raises must be over.
    await host.timers.sleep(60_000, signal);
    await runRounds(stage, guide, rounds, only, outcomes, keep);
    for (let time = 0; time < times; time++) again.push(...(await runRound(stage.world, [repeated])));
    replay = replayRun(host, root, stage.env, home, (host.clock.monotonicMs() - sinceMs) / 1_000);
    say(`replay: ${replay.text}`);
    if (only.length === 0 || only.includes(silence)) outcomes.push(await runSilence(stage.world, guide));
  } finally {
    await stopUsers();
  }
  await runRounds(stage, guide, lastRounds, only, outcomes, keep);
  finish(host, runSoFar());
}

function writeRecord(host: Host, run: DrillRun): Finding[] {
  const rules = ruleNames(host);
  const record = renewRecord(readRecord(host, root), run, rules);
  host.files.writeText(join(root, recordPath), `${JSON.stringify(record, null, 1)}\n`);
  host.files.writeText(join(root, reportPath), renderReport(record, rules));
  host.files.writeText(join(root, alertsReadme), alertsReadmeText(host.files, root));
  return judge(record, rules);
}

function finish(host: Host, run: DrillRun): void {
  const findings = writeRecord(host, run);
  const failed = [...run.outcomes, ...run.repeated].filter(({ problem }) => problem !== undefined);
  host.stdout.write(`${findings.map(({ ok, text }) => `${ok ? '✓' : '✗'} ${text}`).join('\n')}\n${reportPath}\n`);
  host.process.setExitCode(failed.length === 0 && findings.every(({ ok }) => ok) ? exitCodes.pass : exitCodes.thresholdsFailed);
}

function machineOf(): string {
  const [first] = cpus();
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB`;
}

const commitOf = (): string => execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();

const host = createNodeHost();
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) host.process.onSignal(name, () => stop.abort(new SoraError('interrupted', 'stopped by a signal', { exitCode: exitCodes.interrupted })));
try {
  const wanted = readArguments(host);
  if (wanted !== undefined) await drill(host, wanted, stop.signal);
} catch (error) {
  host.stderr.write(renderError(error));
  host.process.setExitCode(error instanceof SoraError ? error.exitCode : exitCodes.generic);
}
