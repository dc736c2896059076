import type { Histogram } from '../swarm/histogram.ts';
import { usersNeeded } from '../swarm/compose-measurement.ts';
import { timeNames } from '../swarm/measurement.ts';
import type { LinkCounts, RunMeasurement } from '../swarm/measurement.ts';
import type { TransportErrorKind } from '../swarm/transport-error.ts';
import { waitReasons } from './annex-text.ts';
import { annexOf } from './annex.ts';
import { arrivalsQueuedOf } from './tagged.ts';
import { scenarioFaults } from './errors.ts';
import type { GeneratorUse } from './generator-use.ts';
import { holdOf, lookupMetrics, ratioOf } from './hold.ts';
import type { Hold, HoldPart } from './hold.ts';
import { missedFromS } from './missed-from.ts';
import { rangesOf } from './ranges.ts';
import { joinPoints } from './series.ts';
import type { Resources } from './resources.ts';
import type { Summary, SummaryAudit, SummaryLatency, SummaryMachine, SummaryOperations, SummaryProcess, SummaryQuantiles } from './summary-schema.ts';
import { evaluateThreshold } from './thresholds.ts';
import type { Threshold } from './thresholds.ts';
import { seenInstead } from './thresholds/k6-tags.ts';
import { judgeValidity } from './validity.ts';
import type { ValidityLimits } from './validity.ts';
import { judgeRun } from './verdict.ts';
import { withoutSecrets } from './without-secrets.ts';

/** What a summary needs besides the measurement. */
export interface RunFacts {
  readonly description: string;
  readonly scenarioSha256: string | null;
  readonly note: string;
  readonly gitSha: string | null;
  readonly version: string;
  readonly host: string;
  /** The think time in words, such as `exponential, mean 10 s`. */
  readonly thinkTime: string;
  /** How work arrives, as `describeArrival` says it; empty or absent for a population of the ramp. */
  readonly arrival?: string;
  readonly thresholds: readonly Threshold[];
  readonly validity: ValidityLimits;
  /** null where there was nothing to audit. */
  readonly audit: SummaryAudit | null;
  readonly processes: readonly SummaryProcess[];
  readonly machine: SummaryMachine;
  /** Absent where they were not measured. */
  readonly resources?: Resources | undefined;
  /** What the generator cost, all its processes together; absent where only its workers' last reports are known. */
  readonly generator?: GeneratorUse | undefined;
  /** How the outputs ended; absent where there were none. */
  readonly outputs?: Summary['outputs'];
  /** Of a run that is a share: which. */
  readonly partition?: Summary['partition'];
  /** Of a merged run: what it was merged from; its lateness is that of the worst. */
  readonly shares?: Summary['shares'];
  /** Other reasons why the run proves nothing. */
  readonly doubts?: readonly string[] | undefined;
}

/** Points of the series that a summary keeps; the period widens beyond. */
const seriesMax = 2_880;

function modelOf({ pace, workers }: RunMeasurement): Summary['model'] {
  if (arrivalsQueuedOf(workers) === undefined) return pace === 'due' ? 'scheduled' : 'closed';
  return pace === 'due' ? 'open' : 'partly-open';
}

/** Judges a measurement and writes it down in the shape scripts rely on. Pure. */
export function buildSummary(measured: RunMeasurement, facts: RunFacts): Summary {
  const run = withoutSecrets(measured);
  const hold = holdOf(run);
  const lookup = lookupMetrics(run, hold, facts.audit);
  const thresholds = facts.thresholds.map((threshold) => evaluateThreshold(threshold, lookup));
  const validity = judgeValidity(validityInput(run, hold, facts.shares ?? []), facts.validity);
  const explained = thresholds.map((result, index) => ({ ...result, instead: insteadOf(facts.thresholds[index], result.ok, run) }));
  const judged = judgeRun({ thresholds: explained, validity, audit: facts.audit, interrupted: run.interrupted, aborted: run.aborted, doubts: [...(facts.doubts ?? []), ...scenarioFaults(run)], teardownFailed: run.teardownFailed });
  const achievedPerS = achievedOf(run, hold);
  return {
    schema: 'sora.run/v1',
    runId: run.runId,
    scenario: run.scenario,
    description: facts.description,
    scenarioSha256: facts.scenarioSha256,
    note: facts.note,
    seed: run.seed,
    gitSha: facts.gitSha,
    version: facts.version,
    host: facts.host,
    startedAt: new Date(run.startedAtMs).toISOString(),
    endedAt: new Date(run.endedAtMs).toISOString(),
    target: run.target,
    model: modelOf(run),
    pace: run.pace,
    thinkTimeS: run.thinkTimeMeanMs / 1_000,
    thinkTime: facts.thinkTime,
    ...(facts.arrival === undefined || facts.arrival === '' ? {} : { arrival: facts.arrival }),
    verdict: judged.verdict,
    reasons: [...judged.reasons, ...(judged.verdict === 'fail' ? waitReasons({ arrivalsQueued: arrivalsQueuedOf(run.workers), latencyMs: latencyOf(hold.all) }) : [])],
    exitCode: judged.exitCode,
    users: run.users,
    durationS: run.holdMs / 1_000,
    phases: phasesOf(run),
    operations: operationsOf(hold.all, hold.durationS, achievedPerS),
    latencyMs: latencyOf(hold.all),
    byOperation: byOperationOf(hold, achievedPerS),
    requests: requestsOf(hold.all),
    errors: errorsOf(run),
    thresholds: thresholds.map((result, index) => ({ ...result, ...sinceOf(facts.thresholds[index], result.ok, run) })),
    audit: facts.audit,
    validity,
    generator: generatorOf(run, facts.generator),
    processes: [...facts.processes],
    machine: facts.machine,
    usersCompletedRatio: run.operationsPerUser.completedRatio,
    operationsPerUser: perUserOf(run),
    sampledUser: sampledUserOf(run),
    distribution: distributionOf(hold.all.times.response),
    ranges: rangesOf(hold.all.times.response, hold.all.failedResponse),
    series: joinPoints(run.series, seriesMax),
    slowest: run.slowest.map((slow) => ({
      op: slow.op, user: slow.user, step: slow.step, atS: slow.atMs / 1_000, responseMs: slow.responseUs / 1_000,
      serviceMs: slow.serviceUs / 1_000, status: slow.status, correlationId: slow.correlationId,
    })),
    concurrencyMean: ratioOf(hold.all.total, hold.durationS) * (hold.all.times.service.mean() / 1e6),
    ...annexOf(run, hold),
    ...(facts.resources === undefined ? {} : { resources: facts.resources }),
    ...(facts.outputs === undefined || facts.outputs.length === 0 ? {} : { outputs: facts.outputs }),
    ...(facts.partition === undefined ? {} : { partition: facts.partition }),
    ...(facts.shares === undefined ? {} : { shares: facts.shares }),
  };
}

/** Since when a missed threshold was missed, where the series tells. */
function sinceOf(threshold: Threshold | undefined, ok: boolean | null, run: RunMeasurement): { missedFromS?: number } {
  const since = threshold === undefined || ok !== false ? undefined : missedFromS(threshold, run.series);
  return since === undefined ? {} : { missedFromS: since };
}

/** What there was instead of what a threshold measured nothing of. */
function insteadOf(threshold: Threshold | undefined, ok: boolean | null, run: RunMeasurement): string | undefined {
  return threshold === undefined || ok !== null ? undefined : seenInstead(threshold, run);
}

function validityInput(run: RunMeasurement, hold: Hold, shares: NonNullable<Summary['shares']>): Parameters<typeof judgeValidity>[0] {
  const users = usersNeeded(run.users, run.workers);
  const worst = (values: number[]): number => values.reduce((most, value) => Math.max(most, value), 0);
  return {
    // A late generator must not hide among others that were not.
    latenessP99Ms: Math.max(hold.all.times.lateness.quantile(0.99) / 1_000, ...shares.map((share) => share.latenessP99Ms)),
    loopDelayP99Ms: worst(run.workers.map((worker) => worker.loopDelayP99Ms)),
    coreShareMax: worst(run.workers.map((worker) => worker.coreShareMax)),
    unsent: run.unsent,
    users,
    usersCompleted: Math.round(run.operationsPerUser.completedRatio * users),
    workers: run.workers.length,
    workersLost: run.workersLost.length,
    operations: hold.all.total,
    refused: refusedOf(run),
  };
}

/** What the guard of targets kept from being sent, in any phase. */
function refusedOf({ errors }: RunMeasurement): { count: number; firstMessage: string } {
  const refused = errors.filter(({ kind }) => kind === ('refused_target' satisfies TransportErrorKind)).toSorted((a, b) => a.firstAtMs - b.firstAtMs);
  return { count: refused.reduce((sum, { count }) => sum + count, 0), firstMessage: refused[0]?.firstMessage ?? '' };
}

/**
 * Counted when the reply came, so that what the drain still answers does not flatter the rate. Replies are known by the
 * second, and one that the hold shares with another phase tells nothing of it, so whole seconds count where there are any.
 */
function achievedOf(run: RunMeasurement, hold: Hold): number {
  const answeredIn = (points: RunMeasurement['series']): number => points.reduce((sum, point) => sum + point.total - point.failed, 0);
  const { startMs = 0, endMs = 0 } = run.phases.find(({ name }) => name === 'hold') ?? {};
  const [first, end] = [Math.ceil(startMs / 1_000), Math.floor(endMs / 1_000)];
  if (end <= first) return ratioOf(answeredIn(run.series.filter(({ phase }) => phase === 'hold')), hold.durationS);
  return answeredIn(run.series.filter(({ second }) => second >= first && second < end)) / (end - first);
}

function phasesOf(run: RunMeasurement): Summary['phases'] {
  const plannedMs = { ramp: run.rampMs, hold: run.holdMs, drain: run.drainMs };
  return run.phases.map((phase) => {
    const samples = run.operations.filter((sample) => sample.phase === phase.name);
    const sum = (pick: (sample: (typeof samples)[number]) => number): number => samples.reduce((total, sample) => total + pick(sample), 0);
    return {
      name: phase.name,
      startS: Math.max(0, phase.startMs) / 1_000,
      durationS: Math.max(0, phase.endMs - phase.startMs) / 1_000,
      plannedS: plannedMs[phase.name] / 1_000,
      total: sum((sample) => sample.total),
      failed: sum((sample) => sample.failed),
      refused: sum((sample) => sample.refused),
    };
  });
}

function operationsOf(part: HoldPart, durationS: number, achievedPerS: number): SummaryOperations {
  return {
    offeredPerS: ratioOf(part.total, durationS),
    achievedPerS,
    total: part.total,
    failed: part.failed,
    failedRatio: ratioOf(part.failed, part.total),
    refused: part.refused,
  };
}

function errorsOf(run: RunMeasurement): Summary['errors'] {
  return run.errors.map(({ firstAtMs, ...error }) => ({ ...error, firstAtS: Math.max(0, firstAtMs) / 1_000 }));
}

function byOperationOf(hold: Hold, achievedPerS: number): Summary['byOperation'] {
  const answered = hold.all.total - hold.all.failed;
  return Object.fromEntries(
    [...hold.byOperation].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([op, part]) => [
      op,
      {
        operations: operationsOf(part, hold.durationS, achievedPerS * ratioOf(part.total - part.failed, answered)),
        latencyMs: latencyOf(part),
      },
    ]),
  );
}

function latencyOf(part: HoldPart): SummaryLatency {
  return Object.fromEntries(timeNames.map((name) => [name, quantilesOf(part.times[name])])) as SummaryLatency;
}

function quantilesOf(histogram: Histogram): SummaryQuantiles {
  if (histogram.count === 0) return { p50: null, p90: null, p95: null, p99: null, p999: null, max: null };
  return histogram.quantilesMs();
}

function requestsOf(part: HoldPart): Summary['requests'] {
  return {
    total: part.requests,
    failed: part.requestsFailed,
    failedRatio: ratioOf(part.requestsFailed, part.requests),
    durationMs: quantilesOf(part.requestDuration),
    bytesSent: part.bytesSent,
    bytesReceived: part.bytesReceived,
  };
}

function generatorOf(run: RunMeasurement, use: GeneratorUse | undefined): Summary['generator'] {
  const sum = (pick: (worker: (typeof run.workers)[number]) => number): number => run.workers.reduce((total, worker) => total + pick(worker), 0);
  const done = run.operations.reduce((total, sample) => total + sample.total, 0);
  return {
    tool: 'sora',
    workers: run.workers.length,
    ...(use === undefined || use.operations === 0
      ? { cpuUsPerOperation: done === 0 ? null : sum((worker) => worker.cpuUs) / done }
      : { cpuUsPerOperation: use.cpuUs / use.operations }),
    rssBytes: use?.rssBytes ?? sum((worker) => worker.rssBytes),
    // Growth over the workers' start is no measure of a user: most of it is there with few users too.
    fixedBytes: use?.fixedBytes ?? null,
    bytesPerUser: use?.bytesPerUser ?? null,
    sockets: run.sockets,
    connections: connectionsOf(run),
    coreShareMax: run.workers.reduce((most, worker) => Math.max(most, worker.coreShareMax), 0),
    loopDelayP99Ms: run.workers.reduce((most, worker) => Math.max(most, worker.loopDelayP99Ms), 0),
    unsent: run.unsent,
    workersLost: run.workersLost.length,
  };
}

function connectionsOf({ transport, runtime = 'node', sourceAddresses = 0, workers }: RunMeasurement): Summary['generator']['connections'] {
  const sum = (name: keyof LinkCounts): number => workers.reduce((total, { links }) => total + (links?.[name] ?? 0), 0);
  return { transport, runtime, sourceAddresses, opened: sum('opened'), retries: sum('retries'), redirects: sum('redirects') };
}

function perUserOf(run: RunMeasurement): Summary['operationsPerUser'] {
  const { min, p1, p50, p99, max } = run.operationsPerUser;
  return { min, p1, p50, p99, max };
}

function sampledUserOf(run: RunMeasurement): Summary['sampledUser'] {
  const first = run.history[0];
  if (first === undefined) return null;
  const history = run.history.map((step) => ({
    step: step.step,
    op: step.op,
    dueS: step.dueMs / 1_000,
    thinkTimeS: step.thinkTimeMs / 1_000,
    outcome: step.outcome,
    ...(step.errorKind === undefined ? {} : { errorKind: step.errorKind }),
    responseMs: step.responseUs / 1_000,
    serviceMs: step.serviceUs / 1_000,
    poolWaitMs: step.poolWaitUs / 1_000,
    latenessMs: step.latenessUs / 1_000,
    requests: step.requests.map(({ serviceUs, ...request }) => ({ ...request, serviceMs: serviceUs / 1_000 })),
  }));
  return { user: first.user, history };
}

/** Ten columns a decade from 0.1 ms to 1 h, without the empty ones at both ends. */
function distributionOf(histogram: Histogram): Summary['distribution'] {
  let above = histogram.count;
  const buckets: { toMs: number; count: number }[] = [];
  for (let exponent = -10; exponent <= 66 && above > 0; exponent += 1) {
    const toMs = Number((10 ** (exponent / 10)).toPrecision(3));
    const rest = histogram.countAbove(toMs * 1_000);
    if (above > rest || buckets.length > 0) buckets.push({ toMs, count: above - rest });
    above = rest;
  }
  return buckets;
}
