import { farthest, operationsPerUser } from '../swarm/compose-measurement.ts';
import { Histogram } from '../swarm/histogram.ts';
import { sumChecks } from '../swarm/journey/checks.ts';
import { timeNames } from '../swarm/measurement.ts';
import type {
  ErrorGroup, IndeterminateWrite, OperationBlock, OperationSample, PhaseName, PhaseWindow, RunMeasurement, SparseHistogram, TagSample, TimeName, WorkerHealth,
  WriteTotals,
} from '../swarm/measurement.ts';
import { everyone } from '../swarm/partition.ts';
import { slowestOf } from '../swarm/tally.ts';
import { mergeSeries } from './seconds.ts';
import type { Share } from './share.ts';

/** Groups of errors a run keeps; the rest count as `(other)`. The same as in a run of one share. */
const errorGroupsMax = 200;
const phaseNames: readonly PhaseName[] = ['ramp', 'hold', 'drain'];

/** All names of a type, also those that may be absent: a new one does not compile before it is decided how it merges. */
type Complete<T> = { [Name in keyof Required<T>]: T[Name] | undefined };

/**
 * Adds up the measurements of all shares of a run, as if one process had run them: counts and histograms
 * exactly, users by their numbers, workers renumbered.
 * @param shares all of one run, in order, as `requireTogether` answers them
 */
export function mergeShares(shares: readonly [Share, ...Share[]]): RunMeasurement {
  const runs = shares.map(({ measurement }) => measurement);
  const [{ measurement: first }] = shares;
  const completed = addUp(runs.map((run) => run.completed ?? new Uint32Array(0)), Uint32Array);
  const aborted = runs.find((run) => run.aborted !== undefined)?.aborted;
  const teardownFailed = runs.find((run) => run.teardownFailed !== undefined)?.teardownFailed;
  const { runId, scenario, target, seed, pace, transport, runtime, rampMs, holdMs, drainMs, thinkTimeMeanMs } = first;
  const tags = mergeBy(runs.flatMap((run) => run.tags ?? []), ({ phase, name, value, op }) => JSON.stringify([phase, name, value, op]), joinTags);
  const checks = sumChecks(runs.flatMap((run) => run.checks ?? []));
  const merged: Complete<RunMeasurement> = {
    runId, scenario, target, seed, pace, transport, runtime, rampMs, holdMs, drainMs, thinkTimeMeanMs,
    sourceAddresses: Math.max(...runs.map((run) => run.sourceAddresses ?? 0)),
    users: sumOf(runs, (run) => run.users),
    sockets: sumOf(runs, (run) => run.sockets),
    startedAtMs: Math.min(...runs.map((run) => run.startedAtMs)),
    endedAtMs: Math.max(...runs.map((run) => run.endedAtMs)),
    phases: mergePhases(runs),
    operations: mergeBy(runs.flatMap((run) => run.operations), ({ phase, op }) => `${phase} ${op}`, joinSamples),
    tags: tags.length === 0 ? undefined : tags,
    checks: checks.length === 0 ? undefined : checks,
    series: mergeSeries(shares.map(({ seconds }) => seconds)),
    blocks: mergeBy(runs.flatMap((run) => run.blocks ?? []), ({ startMs, op }) => `${startMs} ${op}`, joinBlocks).toSorted((a, b) => a.startMs - b.startMs),
    workers: renumber(shares),
    errors: mergeErrors(runs.flatMap((run) => run.errors)),
    slowest: slowestOf(runs.flatMap((run) => run.slowest)),
    operationsPerUser: operationsPerUser(completed, everyone, renumber(shares)),
    completed,
    history: runs.flatMap((run) => run.history),
    writes: mergeWrites(runs.map((run) => run.writes)),
    unsent: sumOf(runs, (run) => run.unsent),
    interrupted: runs.some((run) => run.interrupted),
    aborted,
    teardownFailed,
    workersLost: lostOf(shares),
    lostParts: runs.flatMap((run) => run.lostParts ?? []),
  };
  return merged as RunMeasurement;
}

function sumOf<T>(parts: readonly T[], pick: (part: T) => number): number {
  return parts.reduce((sum, part) => sum + pick(part), 0);
}

function mergeBy<T>(parts: readonly T[], key: (part: T) => string, join: (parts: readonly [T, ...T[]]) => T): T[] {
  return [...Map.groupBy(parts, key).values()].flatMap(([first, ...rest]) => (first === undefined ? [] : [join([first, ...rest])]));
}

function sparseSum<T>(parts: readonly T[], pick: (part: T) => SparseHistogram): SparseHistogram {
  return Histogram.fromSparse(...parts.map(pick)).encode();
}

function joinSamples(parts: readonly [OperationSample, ...OperationSample[]]): OperationSample {
  const [{ op, phase }] = parts;
  const names = ['total', 'failed', 'refused', 'requests', 'requestsFailed', 'bytesSent', 'bytesReceived'] as const;
  const counts = Object.fromEntries(names.map((name) => [name, sumOf(parts, (part) => part[name])])) as Record<(typeof names)[number], number>;
  const times = Object.fromEntries(timeNames.map((name) => [name, sparseSum(parts, (part) => part.times[name])])) as Record<TimeName, SparseHistogram>;
  const joined: Complete<OperationSample> = {
    op, phase, ...counts, times,
    failedResponse: sparseSum(parts, (part) => part.failedResponse), requestDuration: sparseSum(parts, (part) => part.requestDuration),
  };
  return joined as OperationSample;
}

function joinBlocks(parts: readonly [OperationBlock, ...OperationBlock[]]): OperationBlock {
  const [first] = parts;
  return { ...first, total: sumOf(parts, (part) => part.total), failed: sumOf(parts, (part) => part.failed), response: sparseSum(parts, (part) => part.response) };
}

function joinTags(parts: readonly [TagSample, ...TagSample[]]): TagSample {
  const [{ name, value }] = parts;
  return { name, value, ...joinSamples(parts), checks: sumOf(parts, (part) => part.checks), checksFailed: sumOf(parts, (part) => part.checksFailed) };
}

/** A phase of the whole lasts from the first share's start of it to the last one's end. */
function mergePhases(runs: readonly RunMeasurement[]): PhaseWindow[] {
  return phaseNames.flatMap((name) => {
    const windows = runs.flatMap((run) => run.phases.filter((phase) => phase.name === name));
    if (windows.length === 0) return [];
    return [{ name, startMs: Math.min(...windows.map(({ startMs }) => startMs)), endMs: Math.max(...windows.map(({ endMs }) => endMs)) }];
  });
}

/** Workers in the order in which a run without shares would have numbered them, where each share has as many. */
function orderOf(shares: readonly Share[]): { readonly share: number; readonly worker: number }[] {
  return shares
    .flatMap(({ measurement }, share) => [...new Set([...measurement.workers.map(({ worker }) => worker), ...measurement.workersLost])].map((worker) => ({ share, worker })))
    .toSorted((a, b) => a.worker - b.worker || a.share - b.share);
}

function renumber(shares: readonly Share[]): WorkerHealth[] {
  return orderOf(shares).flatMap(({ share, worker }, number) => {
    const health = shares[share]?.measurement.workers.find((known) => known.worker === worker);
    return health === undefined ? [] : [{ ...health, worker: number }];
  });
}

function lostOf(shares: readonly Share[]): number[] {
  return orderOf(shares).flatMap(({ share, worker }, number) => (shares[share]?.measurement.workersLost.includes(worker) === true ? [number] : []));
}

/** The most frequent first, each with its earliest example. */
function mergeErrors(groups: readonly ErrorGroup[]): ErrorGroup[] {
  const joined = mergeBy(groups, ({ kind, op }) => `${kind} ${op}`, joinErrors).toSorted((a, b) => b.count - a.count);
  const isOther = ({ kind, op }: ErrorGroup): boolean => kind === '(other)' && op === '(other)';
  const named = joined.filter((group) => !isOther(group));
  const beyond = [...named.slice(errorGroupsMax), ...joined.filter(isOther)];
  const [first, ...rest] = beyond;
  const other = first === undefined ? [] : [{ ...joinErrors([first, ...rest]), kind: '(other)', op: '(other)' }];
  return [...named.slice(0, errorGroupsMax), ...other].toSorted((a, b) => b.count - a.count);
}

function joinErrors(groups: readonly [ErrorGroup, ...ErrorGroup[]]): ErrorGroup {
  const earliest = groups.reduce((best, group) => (group.firstAtMs < best.firstAtMs ? group : best));
  return { ...earliest, count: sumOf(groups, (group) => group.count) };
}

/** Users are in one share each, so their counts add up to themselves. */
function mergeWrites(all: readonly WriteTotals[]): WriteTotals {
  const byKind: Record<string, number> = {};
  const reaches = all.flatMap(({ reach }) => reach ?? []);
  for (const writes of all) for (const [kind, count] of Object.entries(writes.byKind)) byKind[kind] = (byKind[kind] ?? 0) + count;
  return {
    acknowledged: addUp(all.map((writes) => writes.acknowledged), Uint32Array),
    checksum: addUp(all.map((writes) => writes.checksum), Float64Array),
    indeterminate: all.flatMap((writes): readonly IndeterminateWrite[] => writes.indeterminate),
    indeterminateDropped: sumOf(all, (writes) => writes.indeterminateDropped),
    byKind,
    run: all[0]?.run ?? '',
    // A share without one says nothing of how far its writes go.
    ...(reaches.length === all.length ? { reach: farthest(reaches) } : {}),
  };
}

function addUp<T extends Uint32Array | Float64Array>(arrays: readonly T[], Kind: new (length: number) => T): T {
  const sum = new Kind(Math.max(0, ...arrays.map((array) => array.length)));
  for (const array of arrays) for (let at = 0; at < array.length; at++) sum[at]! += array[at]!;
  return sum;
}
