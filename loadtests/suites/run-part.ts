import { join } from 'node:path';
import { assertNever } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import type { Summary } from '../report/summary-schema.ts';
import { runHarness } from '../capacity/harness-run.ts';
import type { HarnessEnd } from '../capacity/harness-run.ts';
import { judgeCapacity } from '../capacity/judge-capacity.ts';
import { type Lever, loadFlags } from '../capacity/probe.ts';
import { searchCapacity } from '../capacity/run-capacity.ts';
import type { SearchPlan } from '../capacity/search.ts';
import { capacitySentence, lawLines } from '../capacity/sentences.ts';
import { auditChecks, runChecks, soakChecks } from './checks.ts';
import { judgePart } from './judge-suite.ts';
import type { PartRun } from './judge-suite.ts';
import { rateCheck, wantedPerS } from './rate-check.ts';
import type { Check, PartResult } from './result-schema.ts';
import { scaleLoad } from './scale.ts';
import { calmChecks, spikeChecks } from './spike-checks.ts';
import type { Load, Part, RunPart, SearchPart, SoakPart, SpikePart } from './suite-schema.ts';

export interface PartOptions {
  readonly host: Host;
  /** The suite's folder, with its runs in `runs/`. */
  readonly folder: string;
  readonly suiteId: string;
  readonly target: string;
  /** Flags that every run gets. */
  readonly flags: readonly string[];
  readonly scale: number;
  /** What a search moves of a scenario. Default users. */
  readonly leverOf?: ((scenario: string) => Lever) | undefined;
  readonly signal: AbortSignal;
}

/** Runs one part, already shortened where scaled, and judges it. */
export async function runPart(options: PartOptions, part: Part): Promise<PartResult> {
  const startMs = options.host.clock.monotonicMs();
  const tookS = (): number => (options.host.clock.monotonicMs() - startMs) / 1_000;
  switch (part.kind) {
    case 'run': {
      const runs = await Promise.all(part.loads.map((load, index) => startLoad(options, part, load, index)));
      return judgePart(part, runs, checkRuns(options, part, runs), tookS());
    }
    case 'soak': {
      const runs = await Promise.all(part.loads.map((load, index) => startLoad(options, part, load, index)));
      const creeping = runs.flatMap(({ summary }) => (summary === undefined ? [] : soakChecks(part, summary)));
      return judgePart(part, runs, [...checkRuns(options, part, runs), ...creeping], tookS());
    }
    case 'spike': {
      const { base, extra } = await runSpike(options, part);
      return judgePart(part, [...base, ...extra], checkSpike(options, part, base, extra), tookS());
    }
    case 'search':
      return runSearch(options, part, tookS);
    default:
      return assertNever(part);
  }
}

/** The thresholds, the audit and the rate of each run; runs are in the order of the part's loads. */
function checkRuns({ scale }: PartOptions, { loads, holdS }: RunPart | SoakPart, runs: readonly PartRun[]): Check[] {
  return runs.flatMap(({ summary }, index) => {
    const load = loads[index];
    return summary === undefined || load === undefined ? [] : [...runChecks(summary), rateCheck(summary, wantedPerS(load, holdS, scale))];
  });
}

/** Calm, recovery and goodput, and the audits of all runs. */
function checkSpike({ scale }: PartOptions, part: SpikePart, base: readonly PartRun[], extra: readonly PartRun[]): Check[] {
  const measured = (runs: readonly PartRun[]): Summary[] => runs.flatMap(({ summary }) => summary ?? []);
  const [below, above] = [measured(base), measured(extra)];
  return [
    ...calmChecks(part, base.map(({ summary }) => summary), above, scale), ...spikeChecks(part, below, above),
    ...[...below, ...above].flatMap((summary) => auditChecks(summary)),
  ];
}

type LoadedPart = RunPart | SpikePart | SoakPart;

interface Start {
  readonly name?: string;
  readonly holdS?: number;
  readonly rampS?: number;
  readonly onHold?: () => void;
}

async function startLoad({ host, folder, suiteId, flags, scale, signal }: PartOptions, part: LoadedPart, load: Load, index: number, start: Start = {}): Promise<PartRun> {
  const runId = `${suiteId}-${part.name}-${start.name ?? ''}${index + 1}`;
  const [holdMs, rampMs] = [(start.holdS ?? part.holdS) * 1_000, (start.rampS ?? part.rampS) * 1_000];
  const scaled = scaleLoad(load, part.holdS, scale);
  const end: HarnessEnd = await runHarness(host, {
    runId, home: folder, signal, expectedMs: rampMs + holdMs, ...(start.onHold === undefined ? {} : { onHold: start.onHold }),
    args: [load.scenario, ...flags, ...loadFlags({ ...scaled, rampMs }, holdMs, scaled.arrivalPerS === undefined ? 'users' : 'arrivals'), ...load.thresholds.flatMap((text) => ['--threshold', text]), '--note', `part ${part.name} of a suite: ${part.target}`],
  });
  return { runId, scenario: load.scenario, summary: end.summary, said: end.said, overdue: end.overdue };
}

/** The extra load starts its processes and signs its users in first; the base holds longer by what that may take. */
const slackS = (users: number): number => 5 + users / 2_000;
/** Recovery is seen once p95 was steady for ten seconds. */
const seenAfterS = 12;
export const spikeRampS = 1;

/** The load that makes the rest of a spike. */
export function extraLoad({ times }: Pick<SpikePart, 'times'>, load: Load): Load {
  const users = Math.max(1, Math.round(load.users * (times - 1)));
  return { ...load, users, ...(load.arrivalPerS === undefined ? {} : { arrivalPerS: load.arrivalPerS * (times - 1) }) };
}

/** How long the base of a spike holds. */
export function spikeHoldS(part: SpikePart): number {
  return part.holdS + slackS(Math.max(...part.loads.map((load) => extraLoad(part, load).users))) + part.spikeS + part.recoveryMaxS + seenAfterS;
}

/** A base that never stops, and in the middle of its hold a second generator of each load that makes the rest. */
async function runSpike(options: PartOptions, part: SpikePart): Promise<{ base: PartRun[]; extra: PartRun[] }> {
  const { host, signal } = options;
  const holdS = spikeHoldS(part);
  const held: Promise<void>[] = [];
  const base = part.loads.map((load, index) => {
    const reached = Promise.withResolvers<void>();
    const run = startLoad(options, part, load, index, { holdS, onHold: reached.resolve });
    // One that ends before its hold must not be waited for.
    held.push(Promise.race([reached.promise, run.then(() => undefined, () => undefined)]));
    return run;
  });
  await Promise.all(held);
  const calm = await Promise.race([host.timers.sleep(part.holdS * 1_000, signal).then(() => true, () => false), ...base.map((run) => run.then(() => false))]);
  const extra = calm ? part.loads.map((load, index) => startLoad(options, part, extraLoad(part, load), index, { name: 'spike-', holdS: part.spikeS, rampS: spikeRampS })) : [];
  return { extra: await Promise.all(extra), base: await Promise.all(base) };
}

const searchMinutesMax = 60;

async function runSearch(options: PartOptions, part: SearchPart, tookS: () => number): Promise<PartResult> {
  const { host, folder, suiteId, target, signal } = options;
  const plan: SearchPlan = {
    fromPerS: part.fromPerS, leastPerS: Math.max(0.5, part.fromPerS / 64), mostPerS: part.toPerS, precisionRatio: 0.05, holdMs: part.holdS * 1_000,
    confirmHoldMs: part.holdS * 2_000, probesMax: part.probesMax, durationMaxMs: searchMinutesMax * 60_000, surveyRates: 6,
  };
  const startedAtMs = host.clock.nowMs();
  const lever = options.leverOf?.(part.load.scenario) ?? 'users';
  const { finding, probes, summary, used } = await searchCapacity({
    host, plan, runId: `${suiteId}-${part.name}`, home: join(folder, part.name), scenario: part.load.scenario, usersMax: part.load.users, signal, lever,
    flags: [...options.flags, ...part.load.thresholds.flatMap((text) => ['--threshold', text])],
  });
  const found = judgeCapacity({
    runId: `${suiteId}-${part.name}`, scenario: part.load.scenario, target, lever, startedAtMs, endedAtMs: host.clock.nowMs(), plan, todayPerS: undefined, interrupted: signal.aborted,
    thresholds: summary?.thresholds.map(({ expression }) => expression) ?? [],
  }, finding, probes);
  host.files.writeText(join(folder, `${part.name}.capacity.json`), `${JSON.stringify(found, null, 2)}\n`);
  const ok = found.verdict === 'pass' ? true : found.verdict === 'fail' ? false : null;
  const checks: Check[] = [
    { name: 'capacity', measured: found.capacity.ratePerS, limit: null, ok, text: capacitySentence(found) },
    ...(found.law.verdict === 'fitted' ? [{ name: 'scalability law', measured: found.law.fit?.peakPerS?.value ?? null, limit: null, ok: true, text: lawLines(found.law).join('; ') }] : []),
  ];
  // Only a search that passed has a run that proves it; the others are in the search's own result.
  const proof = summary === undefined || found.verdict !== 'pass' ? [] : [{ runId: summary.runId, scenario: part.load.scenario, said: '', summary }];
  return { ...judgePart(part, proof, checks, tookS()), used };
}

/** Users that the parts of a suite sign in at most, at a scale. */
export function usersOf(parts: readonly Part[], scale: number): number {
  return parts.reduce((most, part) => {
    if (part.kind === 'search') return Math.max(most, part.load.users);
    const times = part.kind === 'spike' ? Math.max(1, part.times - 1) : 1;
    return Math.max(most, ...part.loads.map((load) => {
      const grown = { ...load, users: Math.max(1, Math.round(load.users * times)) };
      return Math.max(scaleLoad(load, part.holdS, scale).users, scaleLoad(grown, part.holdS, scale).users);
    }));
  }, 1);
}
