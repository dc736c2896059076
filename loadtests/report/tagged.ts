import type { NamesBeyond, RunMeasurement, TagSample, WorkerHealth } from '../swarm/measurement.ts';
import { joinTags, type TagSet } from '../swarm/journey/tag-sets.ts';
import type { Metric } from './metrics.ts';

/** Which samples a threshold is about; without `op`, those of all operations. */
interface Selection {
  readonly op: string | undefined;
  readonly phase: string;
}

/** What was measured where journeys set these tags, all of them, by operation. */
export function taggedSamples({ tags = [] }: Pick<RunMeasurement, 'tags'>, { op, phase }: Selection, own: TagSet): TagSample[] {
  const { name, value } = joinTags(own);
  return tags.filter((sample) => sample.name === name && sample.value === value && sample.phase === phase && (op === undefined || sample.op === op));
}

/**
 * The share of checks that passed; undefined where none of them was made.
 * @param own `check` names one of them; other names are tags that journeys set
 */
export function checksMetric(run: Pick<RunMeasurement, 'tags' | 'checks'>, { op, phase, own }: Selection & { readonly own: Readonly<Record<string, string>> }): Metric | undefined {
  const { check, ...tags } = own;
  const counts = Object.keys(tags).length === 0
    ? (run.checks ?? []).filter((sample) => sample.phase === phase && (op === undefined || sample.op === op) && (check === undefined || sample.name === check))
    : taggedSamples(run, { op, phase }, { tags, ...(check === undefined ? {} : { check }) }).map(({ checks, checksFailed }) => ({ total: checks, failed: checksFailed }));
  const total = counts.reduce((sum, each) => sum + each.total, 0);
  const failed = counts.reduce((sum, each) => sum + each.failed, 0);
  return total === 0 ? undefined : { kind: 'rate', rate: (total - failed) / total, count: total };
}

/** Arrivals that waited for a free user; undefined where work does not arrive openly. */
export function arrivalsQueuedOf(workers: readonly WorkerHealth[]): number | undefined {
  const queued = workers.flatMap(({ arrivalsQueued }) => arrivalsQueued ?? []);
  return queued.length === 0 ? undefined : queued.reduce((sum, count) => sum + count, 0);
}

/** Arrivals that the end of the run cut short in a pause, of those that began; undefined where none was, or work does not arrive openly. */
export function arrivalsCutOf(workers: readonly WorkerHealth[]): { readonly cut: number; readonly begun: number } | undefined {
  const sum = (of: 'arrivalsCut' | 'arrivalsBegun'): number => workers.reduce((total, worker) => total + (worker[of] ?? 0), 0);
  return sum('arrivalsCut') === 0 ? undefined : { cut: sum('arrivalsCut'), begun: sum('arrivalsBegun') };
}

/** How often something counted as `(other)`, over all workers. */
export function namesBeyondOf(workers: readonly WorkerHealth[]): NamesBeyond {
  const sum = (kind: keyof NamesBeyond): number => workers.reduce((total, { namesBeyond }) => total + (namesBeyond?.[kind] ?? 0), 0);
  return { operations: sum('operations'), tags: sum('tags'), checks: sum('checks') };
}

/** Of one kind of names, or of all. */
export function sumBeyond(beyond: NamesBeyond, kind: string | undefined): number {
  if (kind === undefined) return beyond.operations + beyond.tags + beyond.checks;
  return beyond[kind as keyof NamesBeyond];
}
