import type { Summary } from '../summary-schema.ts';
import type { ComparedRun } from './compare.ts';

/** What keeps two runs from being compared, and what a reader must know who compares them all the same. */
export interface Differences {
  readonly refusals: readonly string[];
  readonly warnings: readonly string[];
}

/** How users reached the target; runs of versions that did not say it, and of k6, shared their connections. */
export const transportOf = ({ generator }: Pick<Summary, 'generator'>): 'pooled' | 'per-user' => generator.connections?.transport ?? 'pooled';

/** What is told of a run that was one share of several: its users are only its own, and the target bore those of all; undefined for a whole run. */
export function whyNotWhole({ runId, partition }: Pick<Summary, 'runId' | 'partition'>): string | undefined {
  return partition === undefined || partition.count === 1 ? undefined : `${runId} is one share of ${partition.count}, not a whole run`;
}

/** Why a run is no measure for others: it is a share, was ended early, or its generator was what was measured; undefined for one that is. */
export function whyDoubtful(run: Pick<Summary, 'runId' | 'partition' | 'reasons'>): string | undefined {
  return whyNotWhole(run) ?? whyInvalid(run);
}

function whyInvalid({ reasons }: Pick<Summary, 'reasons'>): string | undefined {
  return reasons.find((reason) => reason === 'interrupted' || reason.startsWith('validity') || reason.startsWith('aborted'));
}

type Aspect = readonly [name: string, of: (run: ComparedRun) => string | number];

/** With another of these, a difference says nothing of the system. */
const decisive: readonly Aspect[] = [
  ['scenario', ({ summary }) => summary.scenario],
  ['users', ({ summary }) => summary.users],
  ['think time', ({ summary }) => summary.thinkTime],
  ['arrival', ({ summary }) => summary.arrival ?? 'over the ramp'],
  ['pace', ({ summary }) => summary.pace],
  ['transport', ({ summary }) => transportOf(summary)],
  ['tool', ({ summary }) => summary.generator.tool],
  ['cores', ({ summary }) => summary.machine.cores],
  ['processor', ({ summary }) => summary.machine.cpuModel],
  ['length of blocks in seconds', ({ blocks }) => blocks.blockS],
];

/** These may explain a difference. */
const notable: readonly Aspect[] = [
  ['host', ({ summary }) => summary.host],
  ['target', ({ summary }) => summary.target],
  ['runtime', ({ summary }) => summary.generator.connections?.runtime ?? 'node'],
  ['memory in GB', ({ summary }) => Math.round(summary.machine.memoryBytes / 1e9)],
  ['scenario file', ({ summary }) => summary.scenarioSha256?.slice(0, 12) ?? 'unknown'],
  ['seed', ({ summary }) => summary.seed],
  ['hold in seconds', ({ summary }) => summary.durationS],
  ['sockets', ({ summary }) => summary.generator.sockets ?? 'unknown'],
  ['workers', ({ summary }) => summary.generator.workers],
];

/** Names every aspect in which a baseline differs from the run that is to be judged. */
export function differencesOf(baseline: ComparedRun, candidate: ComparedRun): Differences {
  const differing = (aspects: readonly Aspect[]): string[] =>
    aspects.flatMap(([name, of]) => (of(baseline) === of(candidate) ? [] : [`${baseline.summary.runId} has another ${name}: ${of(baseline)}, not ${of(candidate)}`]));
  const shares = [baseline, candidate].flatMap(({ summary }) => whyNotWhole(summary) ?? []);
  const doubtful = [baseline, candidate].flatMap(({ summary }) => {
    const why = whyInvalid(summary);
    return why === undefined ? [] : [`${summary.runId} was itself ${summary.verdict === 'fail' ? 'FAIL' : 'INSUFFICIENT'}: ${why}`];
  });
  return { refusals: [...shares, ...differing(decisive)], warnings: [...differing(notable), ...doubtful] };
}
