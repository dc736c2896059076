import { hostname } from 'node:os';
import { join } from 'node:path';
import { exitCodes, invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { renderCapacityPage } from '../capacity/html.ts';
import { judgeCapacity } from '../capacity/judge-capacity.ts';
import { plannedProbes } from '../capacity/planned-probes.ts';
import { thinkLeastMs } from '../capacity/probe.ts';
import type { Lever } from '../capacity/probe.ts';
import { capacityLine, probeLine, renderCapacity } from '../capacity/render.ts';
import { probesHome, searchCapacity } from '../capacity/run-capacity.ts';
import type { CapacityResult } from '../capacity/result-schema.ts';
import type { SearchPlan } from '../capacity/search.ts';
import { ofSingleRuns, rateLimits, readDurationFlag, readNumber, readOutput, readRate, refuseFiles, takeFlags } from '../capacity/take-flags.ts';
import type { OwnFlag, Taken } from '../capacity/take-flags.ts';
import { repeatsOnStdout } from '../report/ending.ts';
import { formatNumber } from '../report/format.ts';
import { foreseenText } from '../report/resources-text.ts';
import { foreseeSpending, priceSpent } from '../report/spent.ts';
import { styleFor } from '../report/style.ts';
import type { Summary } from '../report/summary-schema.ts';
import { RunStore } from '../runs/store.ts';
import { meanPauseMs } from '../swarm/pauses.ts';
import { meanOf } from '../swarm/random.ts';
import { prepareRun } from './prepare.ts';
import type { PreparedRun } from './prepare.ts';
import { openRunStore, readStackAccess } from './run.ts';

/** Flags of `load capacity` beside those of a run. */
export const capacityFlags: Readonly<Record<string, OwnFlag>> = {
  today: { value: 'N/s', help: 'today’s rate; the headroom is told against it' },
  from: { value: 'N/s', help: 'where the search begins; default the scenario’s own rate' },
  to: { value: 'N/s', help: 'where it ends at the latest; default a think time of 100 ms, or ten arrivals a second for each user' },
  hold: { value: '30s', help: 'hold of each probe; the confirming one lasts twice as long' },
  precision: { value: '5', help: 'per cent within which the highest rate is found; default 5' },
  probes: { value: 'N', help: 'most probes; default 16' },
  'max-time': { value: '30m', help: 'most time; default 30m' },
  output: { value: 'text|json', help: 'what to print at the end (-o); default text' },
};

const setBySearch = {
  stages: 'the search sets the rate', duration: 'the search sets how long probes hold, with --hold', think: 'the search sets the rate by think time', ramp: 'the search sets it',
  note: 'probes say what they are for', ...ofSingleRuns,
};
const defaults = { holdMs: 30_000, precision: 5, probes: 16, maxTimeMs: 30 * 60_000, surveyRates: 6, usualThinkLeastMs: 100 } as const;
const dayMs = 86_400_000;

interface Prepared {
  readonly run: PreparedRun;
  readonly plan: SearchPlan;
  readonly lever: Lever;
  readonly todayPerS: number | undefined;
  readonly json: boolean;
  /** The flags that every probe gets. */
  readonly flags: readonly string[];
}

/** @throws SoraError `invalid_config` with the value, the limit and the next step */
async function prepareSearch(host: Host, args: readonly string[]): Promise<Prepared> {
  const taken = takeFlags(args, capacityFlags, setBySearch);
  const run = await prepareRun(host, taken.rest);
  refuseFiles(run.options.outputs);
  if (run.thresholds.length === 0) throw invalidConfig(`${run.scenario.name} has no threshold, so every rate would meet them`, "add one: --threshold 'response_time: p(95)<500'");
  const lever = leverOf(run);
  const today = taken.values.get('today');
  return {
    run, lever, plan: planOf(taken, run, lever), todayPerS: today === undefined ? undefined : readRate('today', today), json: readOutput(taken.values.get('output')),
    flags: withoutLoad(taken.rest, run.options.scenario),
  };
}

/** @throws SoraError `invalid_config` where a scenario has no rate to be searched for */
export function leverOf({ scenario, arrivalsPerS }: PreparedRun): Lever {
  if (arrivalsPerS !== undefined) return 'arrivals';
  if (scenario.arrival?.kind === 'iterations') throw invalidConfig(`${scenario.name} shares iterations, which come at no rate`, 'leave its arrival out, or let it arrive in sessions or at a rate');
  return scenario.arrival === undefined ? 'users' : 'stages';
}

/** The rate of a scenario as it is written. */
function ownRate({ arrivalsPerS, users, scenario, thinkTimeMs }: PreparedRun): number {
  const pauseMs = thinkTimeMs === scenario.thinkTimeMs ? meanPauseMs(scenario) : meanOf(thinkTimeMs);
  return arrivalsPerS ?? (users * 1_000) / Math.max(1, pauseMs);
}

function planOf({ values }: Taken, run: PreparedRun, lever: Lever): SearchPlan {
  const rate = (name: string, usual: number): number => (values.has(name) ? readRate(name, values.get(name) ?? '') : usual);
  const number = (name: string, usual: number, least: number, most: number, isWhole: boolean): number => (values.has(name) ? readNumber(name, values.get(name) ?? '', least, most, isWhole) : usual);
  const time = (name: string, usual: number, leastMs: number): number => (values.has(name) ? readDurationFlag(name, values.get(name) ?? '', leastMs, dayMs) : usual);
  const highestPerS = lever === 'arrivals' ? rateLimits.most : (run.users * 1_000) / thinkLeastMs;
  const fromPerS = rate('from', Math.min(highestPerS, Math.max(1, ownRate(run))));
  const mostPerS = rate('to', Math.max(fromPerS, (run.users * 1_000) / defaults.usualThinkLeastMs));
  if (mostPerS > highestPerS) throw invalidConfig(`${formatNumber(run.users)} users make at most ${formatNumber(highestPerS)}/s, with a think time of ${thinkLeastMs} ms; the search would go to ${formatNumber(mostPerS)}/s`, `give more users, such as --users ${Math.ceil((mostPerS * thinkLeastMs) / 1_000)}, or a lower rate`);
  if (fromPerS > mostPerS) throw invalidConfig(`--from ${fromPerS}/s lies above --to ${mostPerS}/s`, 'give a lower --from or a higher --to');
  const holdMs = time('hold', defaults.holdMs, 1_000);
  return {
    fromPerS, mostPerS, holdMs, leastPerS: Math.min(fromPerS, Math.max(1, fromPerS / 64)), precisionRatio: number('precision', defaults.precision, 0.5, 100, false) / 100,
    confirmHoldMs: holdMs * 2, probesMax: number('probes', defaults.probes, 2, 100, true), durationMaxMs: time('max-time', defaults.maxTimeMs, 10_000), surveyRates: defaults.surveyRates,
  };
}

/** Every probe names the scenario, its users and what arrives itself. */
function withoutLoad(rest: readonly string[], scenario: string): string[] {
  const kept: string[] = [];
  for (let index = 0; index < rest.length; index += 1) {
    const argument = rest[index] ?? '';
    if (['--users', '--arrival-rate'].includes(argument)) index += 1;
    else if (argument !== scenario && !/^--(users|arrival-rate)=/.test(argument) && !['--quiet', '--no-color', '--yes'].includes(argument)) kept.push(argument);
  }
  return kept;
}

/** What a search needs, before anything is started for it. */
export async function planCapacityCommand(host: Host, args: readonly string[]): Promise<number> {
  const { run } = await prepareSearch(host, args);
  const { needsStack, users, seed, scenario, scenarioFile } = run;
  host.stdout.write(`${JSON.stringify({ needsStack, users, seed, scenario: scenario.name, scenarioFile, user: 0, usersGiven: true })}\n`);
  return exitCodes.pass;
}

/**
 * Writes a search down and answers the path of its page. The confirming run stands for it among the
 * runs kept, with the blocks that others are compared with it by, and takes it with it when it goes; without any run
 * nothing is kept.
 */
function keep(host: Host, store: RunStore, result: CapacityResult, summary: Summary | undefined): string {
  const folder = store.folderOf(result.runId);
  if (summary === undefined) {
    host.files.remove(folder);
    return 'none: no probe has measured anything';
  }
  const blocks = new RunStore(host, join(probesHome(folder), 'runs')).readBlocks(summary.runId);
  store.save({ ...summary, runId: result.runId }, blocks === undefined ? undefined : { ...blocks, runId: result.runId });
  host.files.writeText(join(folder, 'capacity.json'), `${JSON.stringify(result, null, 2)}\n`);
  const page = join(folder, 'capacity.html');
  host.files.writeText(page, renderCapacityPage(result));
  return page;
}

/** Finds the highest rate that meets the thresholds, writes it down and shows it; answers the exit code. */
export async function capacityCommand(host: Host, args: readonly string[]): Promise<number> {
  const { run, lever, plan, todayPerS, json, flags } = await prepareSearch(host, args);
  const { target } = readStackAccess(host, run);
  const store = openRunStore(host);
  const runId = host.process.env['SORA_RUN_ID'] ?? `capacity-${host.clock.nowMs().toString(36)}`;
  const folder = store.folderOf(runId);
  const { quiet, noColor } = run.options;
  const style = styleFor(host, host.stderr, noColor);
  const say = (line: string): void => (quiet ? undefined : host.stderr.write(`${line}\n`));
  say(`  ${style.bold(`capacity of ${run.scenario.name}`)} against ${target}\n  from ${formatNumber(plan.fromPerS)}${lever === 'arrivals' ? ' arrivals' : ''}/s, at most ${plan.probesMax} probes with holds of ${plan.holdMs / 1_000} s`);
  // Nothing tells how many operations an arrival makes.
  const planned = lever === 'arrivals' ? [] : plannedProbes(plan, run.users, run.scenario.name);
  const foreseen = foreseeSpending(store.list().map(({ summary }) => summary), planned, hostname());
  const [expected, unknown] = [foreseen.expected, [...foreseen.unknown]];
  say(`  ${foreseenText({ expected, unknown }, expected === null ? null : priceSpent(expected, run.prices), true)}`);
  const stop = new AbortController();
  const removals = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => host.process.onSignal(name, () => stop.abort()));
  const startedAtMs = host.clock.nowMs();
  try {
    const { finding, probes, summary, used } = await searchCapacity({
      host, plan, runId, home: probesHome(folder), scenario: run.scenarioFile, flags, lever, usersMax: run.users, signal: stop.signal,
      onEnd: (probe, number) => say(probeLine(probe, number, style)),
    });
    const judged = judgeCapacity({
      runId, scenario: run.scenario.name, target, startedAtMs, endedAtMs: host.clock.nowMs(), plan, todayPerS, lever, interrupted: stop.signal.aborted,
      thresholds: run.thresholds.map(({ expression }) => expression),
    }, finding, probes);
    const result = { ...judged, resources: { expected, unknown, used, money: priceSpent(used, run.prices) } };
    const page = keep(host, store, result, summary);
    if (!quiet) host.stderr.write(renderCapacity(result, style, page));
    if (json) host.stdout.write(`${JSON.stringify(result)}\n`);
    else if (repeatsOnStdout(host, quiet)) host.stdout.write(`${page}\n${capacityLine(result, styleFor(host, host.stdout, noColor)).trim()}\n`);
    return result.exitCode;
  } finally {
    for (const remove of removals) remove();
  }
}
