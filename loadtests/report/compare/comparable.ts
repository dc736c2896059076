import type { ComparedRun } from './compare.ts';

/** What keeps two runs from being compared, and what a reader must know who compares them all the same. */
export interface Differences {
  readonly refusals: readonly string[];
  readonly warnings: readonly string[];
}

type Aspect = readonly [name: string, of: (run: ComparedRun) => string | number];

/** With another of these, a difference says nothing of the system. */
const decisive: readonly Aspect[] = [
  ['scenario', ({ summary }) => summary.scenario],
  ['users', ({ summary }) => summary.users],
  ['think time', ({ summary }) => summary.thinkTime],
  ['arrival', ({ summary }) => summary.arrival ?? 'over the ramp'],
  ['pace', ({ summary }) => summary.pace],
  ['tool', ({ summary }) => summary.generator.tool],
  ['cores', ({ summary }) => summary.machine.cores],
  ['processor', ({ summary }) => summary.machine.cpuModel],
  ['length of blocks in seconds', ({ blocks }) => blocks.blockS],
];

/** These may explain a difference. */
const notable: readonly Aspect[] = [
  ['host', ({ summary }) => summary.host],
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
  const doubtful = [baseline, candidate].flatMap(({ summary }) =>
    summary.reasons.some((reason) => reason === 'interrupted' || reason.startsWith('validity')) ? [`${summary.runId} was itself INSUFFICIENT: ${summary.reasons[0] ?? ''}`] : []);
  return { refusals: differing(decisive), warnings: [...differing(notable), ...doubtful] };
}
