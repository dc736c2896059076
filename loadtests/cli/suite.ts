import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { exitCodes, invalidConfig } from '../../ops/core/error.ts';
import { formatDuration } from '../../ops/core/duration.ts';
import type { Host } from '../../ops/core/host.ts';
import { type Lever, loadFlags, loadOf } from '../capacity/probe.ts';
import { ofSingleRuns, readNumber, readOutput, refuseFiles, takeFlags } from '../capacity/take-flags.ts';
import type { OwnFlag } from '../capacity/take-flags.ts';
import { repeatsOnStdout } from '../report/ending.ts';
import { foreseenText } from '../report/resources-text.ts';
import { addSpent, foreseeSpending, priceSpent } from '../report/spent.ts';
import type { Foreseen } from '../report/spent.ts';
import { styleFor } from '../report/style.ts';
import { loadSuite, suiteNames } from '../suites/load-suite.ts';
import { partLine, partsText, renderSuite, suiteLine } from '../suites/render.ts';
import { spikeHoldS, usersOf } from '../suites/run-part.ts';
import { missingOf, runSuite, saveSuite } from '../suites/run-suite.ts';
import { scaleLoad, scalePart } from '../suites/scale.ts';
import { earlierInSuites, plannedRuns } from '../suites/spending.ts';
import type { Load, Part, SearchPart, Suite } from '../suites/suite-schema.ts';
import { leverOf } from './capacity.ts';
import { prepareRun } from './prepare.ts';
import type { PreparedRun } from './prepare.ts';
import { openRunStore, readStackAccess } from './run.ts';

/** Flags of `load suite` beside those of a run. */
export const suiteFlags: Readonly<Record<string, OwnFlag>> = {
  list: { help: 'lists the suites and their parts; runs nothing' },
  scale: { value: '0.01', help: 'shortens rates and durations for trying out; the verdict is then INSUFFICIENT' },
  output: { value: 'text|json', help: 'what to print at the end (-o); default text' },
};

const setBySuite = {
  users: 'the suite says how many', duration: 'the suite says how long', ramp: 'the suite says how long', think: 'the suite sets the rate',
  'arrival-rate': 'the suite sets the rate', stages: 'the suite sets the rate', note: 'runs say which part they are', ...ofSingleRuns,
};

type Wanted =
  | { readonly kind: 'list'; readonly json: boolean; readonly name: string | undefined }
  | { readonly kind: 'run'; readonly json: boolean; readonly suite: Suite; readonly scale: number; readonly flags: readonly string[]; readonly runs: readonly PreparedRun[]; readonly levers: ReadonlyMap<string, Lever> };

/** Reads the arguments and checks every part that can be run. @throws SoraError `invalid_config` */
async function prepareSuite(host: Host, args: readonly string[]): Promise<Wanted> {
  const { values, rest } = takeFlags(args, suiteFlags, setBySuite);
  const json = readOutput(values.get('output'));
  const [name, ...flags] = rest;
  if (values.has('list')) {
    const extra = name?.startsWith('-') === true ? name : flags[0];
    if (extra !== undefined) throw invalidConfig(`--list runs nothing, so it does not take "${extra}"`, 'npx sora load suite --list, or with the name of a suite');
    return { kind: 'list', json, name };
  }
  if (name === undefined || name.startsWith('-')) throw invalidConfig('no suite is named', `name it first: npx sora load suite smoke. Suites: ${suiteNames(host).join(', ')}`);
  const suite = loadSuite(host, name);
  const scale = values.has('scale') ? readNumber('scale', values.get('scale') ?? '', 0.0001, 1, false) : 1;
  return { kind: 'run', json, suite, scale, flags, ...(await prepareParts(host, suite, flags)) };
}

/** Checks the runs of every part that can be run, and finds what its searches move. */
async function prepareParts(host: Host, suite: Suite, flags: readonly string[]): Promise<{ runs: PreparedRun[]; levers: Map<string, Lever> }> {
  const parts = suite.parts.filter((part) => missingOf(host, part).length === 0);
  const levers = new Map<string, Lever>();
  const wanted = new Map<string, { readonly args: readonly string[]; readonly stays: boolean }>();
  const want = (scenario: string, thresholds: readonly string[], usual: readonly string[], stays = false): void => {
    const args = [scenario, ...flags, ...usual, ...thresholds.flatMap((text) => ['--threshold', text])];
    wanted.set(JSON.stringify(args), { args, stays });
  };
  for (const part of parts) {
    if (part.kind !== 'search') for (const load of part.loads) want(load.scenario, load.thresholds, usualFlags(load), load.thinkS !== undefined);
    else {
      const { scenario, users, thresholds } = part.load;
      const lever = leverOf(await prepareRun(host, [scenario, ...flags]));
      levers.set(scenario, lever);
      want(scenario, thresholds, searchFlags(part, users, lever));
    }
  }
  const runs: PreparedRun[] = [];
  for (const { args, stays } of wanted.values()) {
    const run = await prepareRun(host, args);
    if (stays && run.arrivalsPerS !== undefined) throw invalidConfig(`${run.scenario.name} comes in sessions, and its load gives thinkS, of users who stay`, 'give the load arrivalPerS, or the scenario users, rampMs and holdMs');
    runs.push(run);
  }
  refuseFiles(runs.flatMap(({ options }) => options.outputs));
  return { runs, levers };
}

/** A load as its run will get it, for as long as it takes to check it. */
function usualFlags(load: Load): string[] {
  const scaled = scaleLoad(load, 1, 1);
  return scaled.arrivalPerS === undefined
    ? loadFlags({ users: load.users, thinkMs: 1_000, rampMs: 1_000 }, 1_000)
    : loadFlags({ ...scaled, rampMs: 1_000 }, 1_000, 'arrivals');
}

const searchFlags = (part: SearchPart, users: number, lever: Lever): string[] => loadFlags(loadOf(part.fromPerS, part.holdS * 1_000, users, lever), part.holdS * 1_000, lever);

/** What a suite needs, before anything is started for it. */
export async function planSuiteCommand(host: Host, args: readonly string[]): Promise<number> {
  const wanted = await prepareSuite(host, args);
  const nothing = { needsStack: false, users: 1, seed: 1, scenario: '', user: 0, usersGiven: true };
  const plan = wanted.kind === 'list' ? nothing : {
    ...nothing, scenario: wanted.suite.name, needsStack: wanted.runs.some(({ needsStack }) => needsStack), seed: wanted.runs[0]?.seed ?? 1,
    users: usersOf(wanted.suite.parts.filter((part) => missingOf(host, part).length === 0).map((part) => scalePart(part, wanted.scale)), wanted.scale),
  };
  host.stdout.write(`${JSON.stringify(plan)}\n`);
  return exitCodes.pass;
}

/** Runs a suite, writes its result down and shows it; answers the exit code. */
export async function suiteCommand(host: Host, args: readonly string[]): Promise<number> {
  const wanted = await prepareSuite(host, args);
  if (wanted.kind === 'list') return listSuites(host, wanted.name, wanted.json);
  const { suite, scale, flags, runs, levers, json } = wanted;
  const { quiet, noColor } = runs[0]?.options ?? { quiet: false, noColor: false };
  const style = styleFor(host, host.stderr, noColor);
  const say = (line: string): void => (quiet ? undefined : host.stderr.write(`${line}\n`));
  const folder = join(host.process.env['SORA_HOME'] ?? resolve(host.process.cwd(), '.sora'), 'suites');
  const suiteId = host.process.env['SORA_RUN_ID'] ?? `suite-${host.clock.nowMs().toString(36)}`;
  const stop = new AbortController();
  const removals = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => host.process.onSignal(name, () => stop.abort()));
  try {
    const [first] = runs;
    const target = first === undefined ? 'none' : readStackAccess(host, first).target;
    say(`  ${style.bold(`suite ${suite.name}`)}  ${suite.description}\n  against ${target}, ${partsText(suite.parts.length)}${scale < 1 ? `, scaled to ${scale}` : ''}`);
    const prices = first?.prices;
    const { expected, unknown } = foreseeSuite(host, wanted, folder);
    const hasSearch = suite.parts.some((part) => part.kind === 'search' && missingOf(host, part).length === 0);
    say(`  ${foreseenText({ expected, unknown: [...unknown] }, expected === null ? null : priceSpent(expected, prices), hasSearch)}`);
    const judged = await runSuite({
      host, suite, suiteId, folder: join(folder, suiteId), target, scale, signal: stop.signal, leverOf: (scenario) => levers.get(scenario) ?? 'users',
      flags: flags.filter((flag) => !['--quiet', '--no-color', '--yes'].includes(flag)),
      onStart: (part) => say(`  running ${part.name}: ${part.target}${durationText(scalePart(part, scale))}`),
      onEnd: (part) => say(partLine(part, style)),
    });
    const used = addSpent(judged.parts.flatMap((part) => part.used ?? []));
    const result = { ...judged, resources: { expected, unknown: [...unknown], used, money: priceSpent(used, prices) } };
    const path = saveSuite(host, folder, result);
    if (!quiet) host.stderr.write(renderSuite(result, style, path));
    if (json) host.stdout.write(`${JSON.stringify(result)}\n`);
    else if (repeatsOnStdout(host, quiet)) host.stdout.write(`${path}\n${suiteLine(result, styleFor(host, host.stdout, noColor)).trim()}\n`);
    return result.exitCode;
  } finally {
    for (const remove of removals) remove();
  }
}

/** What the parts that can be run will use. */
function foreseeSuite(host: Host, { suite, scale, runs }: Extract<Wanted, { kind: 'run' }>, folder: string): Foreseen {
  const nameOf = (scenario: string): string => runs.find(({ options }) => options.scenario === scenario)?.scenario.name ?? scenario;
  const parts = suite.parts.filter((part) => missingOf(host, part).length === 0).flatMap((part) => plannedRuns(scalePart(part, scale), scale, nameOf));
  const earlier = [...openRunStore(host).list().map(({ summary }) => summary), ...earlierInSuites(host, folder)];
  return foreseeSpending(earlier, parts, hostname());
}

const durationText = (part: Part): string => (part.kind === 'search' ? '' : `, ${formatDuration((part.rampS + (part.kind === 'spike' ? spikeHoldS(part) : part.holdS)) * 1_000)}`);

function listSuites(host: Host, name: string | undefined, json: boolean): number {
  const suites = (name === undefined ? suiteNames(host) : [name]).map((each) => loadSuite(host, each));
  if (json) {
    const items = suites.map(({ name: suite, description, parts }) => ({ name: suite, description, parts: parts.map((part) => ({ name: part.name, kind: part.kind, target: part.target, needs: missingOf(host, part) })) }));
    host.stdout.write(`${JSON.stringify({ schema: 'sora.suites/v1', items })}\n`);
    return exitCodes.pass;
  }
  for (const { name: suite, description, parts } of suites) {
    host.stdout.write(`${suite}  ${description}\n`);
    for (const part of parts) {
      const missing = missingOf(host, part);
      host.stdout.write(`  ${part.name}  ${part.kind}  ${part.target}${missing.length === 0 ? '' : `  (not run: needs ${missing.join(', ')})`}\n`);
    }
  }
  return exitCodes.pass;
}
