/** For the tests of shares: the same work, done once by workers without shares and once by workers within shares. */
import { composeMeasurement } from '../swarm/compose-measurement.ts';
import type { RunPlan } from '../swarm/engine.ts';
import { Histogram } from '../swarm/histogram.ts';
import type { RunMeasurement, SparseHistogram, WorkerHealth, WorkerTick } from '../swarm/measurement.ts';
import { Merge } from '../swarm/merge.ts';
import { everyone, partitionOf, partWithin, shareOf, userAt } from '../swarm/partition.ts';
import type { Partition } from '../swarm/partition.ts';
import { CheckBook } from '../swarm/journey/checks.ts';
import { TagBook } from '../swarm/journey/tags.ts';
import { Tally } from '../swarm/tally.ts';
import type { WorkerResult } from '../swarm/worker-messages.ts';
import { sampleFacts } from '../report/sample.ts';
import { ShareSeries } from './seconds.ts';
import type { Share, ShareFacts } from './share.ts';

/** A histogram in which one value stands so many times. */
export function sparse(valueUs: number, count: number): SparseHistogram {
  const histogram = new Histogram();
  for (let index = 0; index < count; index++) histogram.record(valueUs);
  return histogram.encode();
}

/** One operation that a user did. */
export interface Deed {
  readonly user: number;
  readonly second: number;
  readonly op: number;
  readonly phase: number;
  readonly outcome: 'ok' | 'failed' | 'refused';
  readonly us: number;
}

/** Who does what: `shares` shares of `workers` workers each. */
export interface Work {
  readonly users: number;
  readonly shares: number;
  readonly workers: number;
  readonly deeds: readonly Deed[];
}

const ops = ['read', 'write'];
const seconds = 6;
const startedAtMs = Date.UTC(2026, 0, 31, 14, 23, 5);

export const planOf = (users: number): RunPlan => ({
  run: '7f3a0000', seed: 42, users, rampMs: 1_000, holdMs: 4_000, drainMs: 30_000, thinkTimeMs: { kind: 'constant', value: 1_000 }, pace: 'due',
});

interface Done { readonly ticks: WorkerTick[]; readonly result: WorkerResult }

/** What a worker with these users reports. */
function workOf({ users, deeds }: Work, part: Partition, worker: number): Done {
  const mine = deeds.map((deed, index) => ({ ...deed, index })).filter(({ user }) => user % part.count === part.index);
  const ticks = Array.from({ length: seconds }, (_, second): WorkerTick => {
    const [tally, tags, checks] = [new Tally(ops), new TagBook(ops), new CheckBook(ops)];
    for (const deed of mine.filter((each) => each.second === second)) {
      const times = { response: deed.us, service: deed.us / 2, poolWait: 1, lateness: 3 };
      const tagged = tags.add(undefined, 'shop', `number ${deed.user % 3}`);
      tally.operation(deed.op, deed.phase, deed.outcome, times);
      tags.operation(tagged, deed.op, deed.phase, deed.outcome, times);
      tags.request(tagged, deed.op, deed.phase, deed.outcome === 'failed', deed.us, 10, 20);
      checks.count('is fine', deed.op, deed.phase, deed.outcome !== 'failed');
      tally.request(deed.op, deed.phase, deed.outcome === 'failed', deed.us, 10, 20);
      if (deed.outcome === 'failed') tally.error(deed.op, 'status 500', () => ({ firstAtMs: second * 1_000 + deed.index, firstMessage: `deed ${deed.index}` }));
      tally.slow({ op: ops[deed.op] ?? '', user: deed.user, step: deed.index, atMs: second * 1_000, responseUs: deed.us * 1_000 + deed.index, serviceUs: 1, status: 200, correlationId: `c${deed.index}` });
    }
    return { worker, second, health: healthOf(worker, shareOf(part, users) - second), ...tally.take(), tags: tags.take(), checks: checks.take() };
  });
  const places = shareOf(part, users);
  const perUser = (pick: (of: typeof mine) => number): number[] =>
    Array.from({ length: places }, (_, place) => pick(mine.filter(({ user }) => user === userAt(part, place))));
  const done = (of: typeof mine): typeof mine => of.filter(({ outcome }) => outcome !== 'failed');
  const result: WorkerResult = {
    worker, endedMs: 5_100, completed: Uint32Array.from(perUser((of) => done(of).length)), acknowledged: Uint32Array.from(perUser((of) => of.filter(({ op }) => op === 1).length)),
    checksum: Float64Array.from(perUser((of) => of.reduce((sum, { index }) => sum + index * 1e9, 0))),
    indeterminate: done(mine).filter(({ us }) => us > 9e6).map(({ user, index }) => ({ user, id: `id${index}`, kind: 'like' })), indeterminateDropped: 0,
    byKind: { like: mine.length }, history: [],
    reach: { keys: Math.max(0, ...mine.map(({ user }) => user + 1)), steps: mine.length },
  };
  return { ticks, result };
}

function healthOf(worker: number, usersActive: number): WorkerHealth {
  return { worker, pid: 7, cpuUs: 1_000, coreShareMax: 0.2, rssBytes: 5e6, rssAtStartBytes: 4e6, loopDelayP99Ms: 1, usersStarted: 3, usersActive, unsent: 1 };
}

/** Measures what some workers did, as a coordinator would. */
function measure(users: number, partition: Partition, workers: readonly Done[]): { measurement: RunMeasurement; series: ShareSeries } {
  const plan = planOf(users);
  const merge = new Merge(plan.rampMs, plan.holdMs);
  const series = new ShareSeries(1);
  for (let second = 0; second < seconds; second++) {
    for (const { ticks } of workers) {
      merge.add(ticks[second]!);
      series.onWorkerTick(ticks[second]!);
    }
    series.onTick(merge.closeSecond(second, users));
  }
  const measurement = composeMeasurement({
    plan, partition, merge, results: workers.map(({ result }) => result), interrupted: false, aborted: undefined, workersLost: [], scenario: 'shop', target: 'http://127.0.0.1:1',
    runId: 'friday-1', transport: 'pooled', runtime: 'node', sourceAddresses: 0, sockets: 8 / partition.count, workers: workers.length, startedAtMs, endedAtMs: startedAtMs + 5_200,
  });
  return { measurement, series };
}

export function measureWhole(work: Work): RunMeasurement {
  const all = work.shares * work.workers;
  return measure(work.users, everyone, Array.from({ length: all }, (_, worker) => workOf(work, partitionOf(worker, all), worker))).measurement;
}

/** @param change replaces facts of a share */
export function measureShares(work: Work, change: Partial<ShareFacts> = {}): Share[] {
  return Array.from({ length: work.shares }, (_, index): Share => {
    const partition = partitionOf(index, work.shares);
    const workers = Array.from({ length: work.workers }, (_unused, worker) => workOf(work, partWithin(partition, worker, work.workers), worker));
    const { measurement, series } = measure(work.users, partition, workers);
    return { partition, usersTotal: work.users, planSha256: 'a'.repeat(64), facts: { ...sampleFacts(), ...change }, measurement, seconds: series.list };
  });
}
