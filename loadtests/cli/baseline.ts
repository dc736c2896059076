import { invalidConfig } from '../../ops/core/error.ts';
import type { RunBlocks } from '../report/blocks.ts';
import { differencesOf } from '../report/compare/comparable.ts';
import { compareDefaults, compareRuns } from '../report/compare/compare.ts';
import type { ComparedRun } from '../report/compare/compare.ts';
import { gateByComparison, refusedComparison } from '../report/compare/gate.ts';
import type { Summary } from '../report/summary-schema.ts';
import type { RunStore } from '../runs/store.ts';
import type { BaselineWanted } from './baseline-flags.ts';

/** What makes two runs of one kind, as far as it is known before one of them has run. */
export type RunKind = Pick<Summary, 'scenario' | 'users' | 'thinkTime' | 'arrival'>;

/** A kept run with its blocks. @throws SoraError `invalid_config` where there is no such run, or it kept no blocks */
export function findCompared(store: RunStore, id: string): ComparedRun {
  const found = store.find(id);
  const blocks = store.readBlocks(found.id);
  if (blocks !== undefined) return { summary: found.summary, blocks };
  const { tool } = found.summary.generator;
  // k6 tells one summary of its whole run; nobody has cut its times into blocks.
  if (tool.startsWith('k6')) throw invalidConfig(`run ${found.id} was made by k6, whose runs have no blocks to compare by`, 'compare runs of load run; k6 runs are followed with: npx sora load trend');
  throw invalidConfig(`run ${found.id} kept no blocks to compare by`, 'it is of a version that wrote none, or never reached its hold; make the run again');
}

/**
 * The newest kept runs of a kind, the newest first, without those that measured nothing valid.
 * @param before only runs that began earlier than this run; default all
 */
export function newestOfKind(store: RunStore, kind: RunKind, count: number, before?: Summary): ComparedRun[] {
  const found: ComparedRun[] = [];
  for (const { id, summary } of store.list()) {
    if (found.length >= count) break;
    const isOlder = before === undefined || (id !== before.runId && Date.parse(summary.startedAt) < Date.parse(before.startedAt));
    const isSame = summary.scenario === kind.scenario && summary.users === kind.users && summary.thinkTime === kind.thinkTime && summary.arrival === kind.arrival;
    const isDoubtful = summary.reasons.some((reason) => reason === 'interrupted' || reason.startsWith('validity'));
    if (!isOlder || !isSame || isDoubtful) continue;
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
    throw invalidConfig(`no run of ${kind.scenario} with ${kind.users} users and think time ${kind.thinkTime} is kept to compare with`, 'make some without --baseline first; sora load ls lists what is kept');
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
    for (const [name, of] of [['scenario', summary.scenario], ['users', summary.users], ['thinkTime', summary.thinkTime], ['arrival', summary.arrival]] as const) {
      if (of !== kind[name]) throw invalidConfig(`baseline ${summary.runId} has another ${name === 'thinkTime' ? 'think time' : name}: ${of ?? 'over the ramp'}, this run ${kind[name] ?? 'over the ramp'}`, 'name a run of the same kind, or use --baseline last:5');
    }
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
