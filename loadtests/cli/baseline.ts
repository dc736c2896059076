import { invalidConfig } from '../../ops/core/error.ts';
import type { RunBlocks } from '../report/blocks.ts';
import { differencesOf, transportOf, whyDoubtful, whyNotWhole } from '../report/compare/comparable.ts';
import { compareDefaults, compareRuns } from '../report/compare/compare.ts';
import type { ComparedRun } from '../report/compare/compare.ts';
import { gateByComparison, refusedComparison } from '../report/compare/gate.ts';
import type { Summary } from '../report/summary-schema.ts';
import type { RunStore } from '../runs/store.ts';
import type { BaselineWanted } from './baseline-flags.ts';

/** What makes two runs of one kind, as far as it is known before one of them has run. */
export type RunKind = Pick<Summary, 'scenario' | 'users' | 'thinkTime' | 'arrival'> & {
  /** Default pooled. */
  readonly transport?: 'pooled' | 'per-user';
};

/** The kind of a run that was made. */
export const kindOfSummary = (summary: Summary): RunKind => ({
  scenario: summary.scenario, users: summary.users, thinkTime: summary.thinkTime, transport: transportOf(summary),
  ...(summary.arrival === undefined ? {} : { arrival: summary.arrival }),
});

/** The name of each aspect for people, and its value in words. */
const aspectsOf = ({ scenario, users, thinkTime, arrival, transport }: RunKind): readonly (readonly [string, string | number])[] => [
  ['scenario', scenario], ['users', users], ['think time', thinkTime], ['arrival', arrival ?? 'over the ramp'], ['transport', transport ?? 'pooled'],
];

/** In what two kinds differ, in words; the first of several, undefined where they are one. */
function differenceOf(kind: RunKind, wanted: RunKind): string | undefined {
  const others = aspectsOf(wanted);
  const at = aspectsOf(kind).findIndex(([, value], index) => value !== others[index]?.[1]);
  const found = aspectsOf(kind)[at];
  return found === undefined ? undefined : `${found[0]}: ${found[1]}, this run ${others[at]?.[1]}`;
}

/** A kept run with its blocks. @throws SoraError `invalid_config` where there is no such run, it is a share of one, or it kept no blocks */
export function findCompared(store: RunStore, id: string): ComparedRun {
  const found = store.find(id);
  const isShare = whyNotWhole(found.summary);
  if (isShare !== undefined) throw invalidConfig(`run ${isShare}`, 'join the shares with sora load merge, and compare the merged run');
  const blocks = store.readBlocks(found.id);
  if (blocks !== undefined) return { summary: found.summary, blocks };
  const { tool } = found.summary.generator;
  // k6 tells one summary of its whole run; nobody has cut its times into blocks.
  if (tool.startsWith('k6')) throw invalidConfig(`run ${found.id} was made by k6, whose runs have no blocks to compare by`, 'compare runs of load run; k6 runs are followed with: npx sora load trend');
  throw invalidConfig(`run ${found.id} kept no blocks to compare by`, 'it is of a version that wrote none, or never reached its hold; make the run again');
}

/**
 * The newest kept runs of a kind, the newest first, without shares and those that measured nothing valid or were ended early.
 * @param before only runs that began earlier than this run; default all
 */
export function newestOfKind(store: RunStore, kind: RunKind, count: number, before?: Summary): ComparedRun[] {
  const found: ComparedRun[] = [];
  for (const { id, summary } of store.list()) {
    if (found.length >= count) break;
    const isOlder = before === undefined || (id !== before.runId && Date.parse(summary.startedAt) < Date.parse(before.startedAt));
    if (!isOlder || differenceOf(kindOfSummary(summary), kind) !== undefined || whyDoubtful(summary) !== undefined) continue;
    const blocks = store.readBlocks(id);
    if (blocks !== undefined) found.push({ summary, blocks });
  }
  return found;
}

/** The runs that flags ask for, each once. @throws SoraError `invalid_config` where there is none */
export function findBaselines(store: RunStore, { names, last }: BaselineWanted, kind: RunKind, before?: Summary): ComparedRun[] {
  const runs = [...names.map((name) => findCompared(store, name)), ...(last > 0 ? newestOfKind(store, kind, last, before) : [])];
  const each = [...new Map(runs.map((run) => [run.summary.runId, run])).values()];
  if (each.length === 0 && last > 0) {
    throw invalidConfig(`no run of ${kind.scenario} with ${kind.users} users${kind.arrival === undefined ? '' : `, ${kind.arrival},`} and think time ${kind.thinkTime} is kept to compare with`, 'make some without --baseline first; sora load ls lists what is kept');
  }
  return each;
}

/** Puts a run's comparison into its verdict; `undefined` where no baseline was asked for. */
export type BaselineGate = (summary: Summary, blocks: RunBlocks) => Summary;

/**
 * Finds the baselines of a run that is yet to begin, so that a wrong name costs nothing.
 * @throws SoraError `invalid_config` for a run that is not there or of another kind
 */
export function openBaselineGate(store: RunStore, wanted: BaselineWanted, kind: RunKind): BaselineGate {
  const baselines = findBaselines(store, wanted, kind);
  for (const { summary } of baselines) {
    const difference = differenceOf(kindOfSummary(summary), kind);
    if (difference !== undefined) throw invalidConfig(`baseline ${summary.runId} has another ${difference}`, 'name a run of the same kind, or use --baseline last:5');
  }
  if (baselines.length === 0) return (summary) => summary;
  return (summary, blocks) => {
    const candidate = { summary, blocks };
    const differences = baselines.map((baseline) => differencesOf(baseline, candidate));
    const refusals = differences.flatMap((each) => each.refusals);
    const options = { ...compareDefaults, tolerance: wanted.tolerance };
    const warnings = [...new Set(differences.flatMap((each) => each.warnings))];
    return gateByComparison(summary, refusals.length > 0 ? refusedComparison(baselines, candidate, options, refusals) : compareRuns(baselines, candidate, options, warnings));
  };
}
