import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { exitCodes } from '../../ops/core/error.ts';
import { formatDuration } from '../../ops/core/duration.ts';
import type { Host } from '../../ops/core/host.ts';
import { openOutputs } from '../outputs/open.ts';
import type { OutputReport } from '../outputs/outbox.ts';
import type { RunFacts } from '../report/summary.ts';
import type { Summary } from '../report/summary-schema.ts';
import type { SwarmOptions } from '../swarm/coordinator.ts';
import type { LiveView, RunMeasurement } from '../swarm/measurement.ts';
import { everyone, shareOf } from '../swarm/partition.ts';
import type { Partition } from '../swarm/partition.ts';
import { planRun } from '../swarm/run-plan.ts';
import { shareName } from '../shares/flags.ts';
import { periodOf, ShareSeries } from '../shares/seconds.ts';
import { encodeShare } from '../shares/share.ts';
import type { PreparedRun } from './prepare.ts';

/** What a run does besides measuring: it sends its seconds elsewhere, and may be one share of a larger one. */
export interface RunParts {
  /** Name of the run's folder; that of a share says which it is. */
  readonly folderName: string;
  /** One of several shares, which prove nothing before they are merged. */
  readonly isPart: boolean;
  readonly swarm: Pick<SwarmOptions, 'partition' | 'startAtMs' | 'onStart' | 'onWorkerTick'>;
  /** For the announcement. */
  readonly lines: readonly string[];
  onTick(live: LiveView): void;
  /** Ends the outputs; the same answer however often. */
  close(): Promise<OutputReport[]>;
  /** Writes share.json where the run is a share, and says what the report must tell of it. */
  keep(measurement: RunMeasurement, facts: Omit<RunFacts, 'audit'>, runsFolder: string): Pick<RunFacts, 'partition' | 'doubts'>;
}

/** @throws SoraError `invalid_config` on an output that cannot be opened */
export async function openRunParts(host: Host, run: PreparedRun, runId: string, version: string, log: (message: string) => void): Promise<RunParts> {
  const { partition, startAtMs } = run.options.share;
  const ofShare = partition === undefined ? {} : { share: `${partition.index}/${partition.count}` };
  const labels = { run: runId, scenario: run.scenario.name, ...ofShare };
  const outputs = await openOutputs(run.options.outputs, { host, policy: run.policy, version, labels, log });
  const plannedMs = run.rampMs + run.holdMs;
  const series = partition === undefined ? undefined : new ShareSeries(periodOf(plannedMs));
  const folderName = partition === undefined ? runId : shareName(runId, partition);
  let closing: Promise<OutputReport[]> | undefined;
  return {
    folderName,
    isPart: partition !== undefined && partition.count > 1,
    swarm: {
      partition: partition ?? everyone,
      startAtMs,
      onStart: (atMs) => outputs.onStart(atMs),
      onWorkerTick: (tick) => {
        outputs.onWorkerTick(tick);
        series?.onWorkerTick(tick);
      },
    },
    lines: partition === undefined ? [] : [describeShare(partition, run.users, startAtMs, host.clock.nowMs())],
    onTick: (live) => {
      outputs.onTick(live);
      series?.onTick(live);
    },
    close: () => (closing ??= outputs.close()),
    keep: (measurement, facts, runsFolder) => {
      if (partition === undefined || series === undefined) return {};
      const { description, scenarioSha256, note, gitSha, host: machineName, thinkTime, arrival = '', thresholds, validity, processes, machine, resources, generator } = facts;
      const kept = { description, scenarioSha256, note, gitSha, version, host: machineName, thinkTime, arrival, thresholds, validity, processes, machine, resources, generator, prices: run.prices };
      host.files.writeText(
        join(runsFolder, folderName, 'share.json'),
        encodeShare({ partition, usersTotal: run.users, planSha256: hashOfPlan(run, runId), facts: kept, measurement: { ...measurement, runId }, seconds: series.list }),
      );
      return { partition, doubts: partition.count > 1 ? [`one share of ${partition.count}: only all of them together have a verdict, by sora load merge`] : [] };
    },
  };
}

/**
 * One of several shares has no verdict of its own: where its measurement is valid, it has done what it was to do, and a
 * script goes on to the merge, which is the gate. A failed teardown still ends it with the exit code of that.
 */
export function endShare(summary: Summary, { teardownFailed }: Pick<RunMeasurement, 'teardownFailed'>): Summary {
  const isValid = summary.validity.every(({ ok }) => ok);
  if (summary.exitCode !== exitCodes.insufficient || !isValid) return summary;
  return { ...summary, exitCode: teardownFailed === undefined ? exitCodes.pass : exitCodes.scenarioError };
}

/** The plan is data, so equal plans have equal text. */
function hashOfPlan({ scenario, options }: PreparedRun, runId: string): string {
  return createHash('sha256').update(JSON.stringify(planRun(scenario, options.overrides, runId))).digest('hex');
}

function describeShare(partition: Partition, users: number, startAtMs: number | undefined, nowMs: number): string {
  const when = startAtMs === undefined ? '' : `, begins in ${formatDuration(Math.max(0, startAtMs - nowMs))}`;
  return `share ${partition.index} of ${partition.count}: ${shareOf(partition, users)} of these users${when}`;
}
