import type { RunPlan } from './engine.ts';
import type { TargetPolicy } from './guard.ts';
import type { JudgedNames } from './journey/tag-sets.ts';
import type { HistoryStep, IndeterminateWrite, WorkerTick, WriteReach } from './measurement.ts';
import type { Partition } from './partition.ts';
import type { LinkPlan } from './transport/link-plan.ts';

/** What the coordinator and its workers say to each other; `worker-codec.ts` says what values survive. */
export type ToWorker =
  | { readonly kind: 'prepare'; readonly job: WorkerJob }
  /** Begin at this wall time. */
  | { readonly kind: 'start'; readonly startAtMs: number }
  /** Begin no further step, give those in flight this long, and report. */
  | { readonly kind: 'stop'; readonly graceMs: number };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'tick'; readonly tick: WorkerTick }
  | { readonly kind: 'done'; readonly result: WorkerResult }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly exitCode: number };

export interface WorkerJob {
  readonly worker: number;
  readonly scenarioFile: string;
  readonly plan: RunPlan;
  readonly partition: Partition;
  readonly target: string;
  readonly policy: TargetPolicy;
  /** Connections of this worker, where they are pooled. */
  readonly sockets: number;
  /** Of a pool that users wait for; default `sockets`. */
  readonly socketsMost?: number | undefined;
  /** How users reach the target. Default pooled, over plain sockets of Node. */
  readonly link?: LinkPlan | undefined;
  readonly shared: unknown;
  /** What thresholds name; default nothing. */
  readonly judged?: JudgedNames | undefined;
  /** Size of each half of the nursery that the process was started with, MB. */
  readonly nurseryMb: number;
  /** The user whose steps are recorded. */
  readonly sampledUser: number;
}

/** What a worker knows at its end besides its ticks; arrays are by place in its share. */
export interface WorkerResult {
  readonly worker: number;
  readonly endedMs: number;
  readonly completed: Uint32Array;
  readonly acknowledged: Uint32Array;
  readonly checksum: Float64Array;
  readonly indeterminate: readonly IndeterminateWrite[];
  /** Writes of unknown fate beyond those listed. */
  readonly indeterminateDropped: number;
  readonly byKind: Readonly<Record<string, number>>;
  readonly reach: WriteReach;
  readonly history: readonly HistoryStep[];
}
