import type { RunPlan } from './engine.ts';
import type { TargetPolicy } from './guard.ts';
import type { HistoryStep, IndeterminateWrite, WorkerTick } from './measurement.ts';
import type { Partition } from './partition.ts';

/** What the coordinator and its workers say to each other, by structured clone. */
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
  /** Connections of this worker. */
  readonly sockets: number;
  readonly shared: unknown;
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
  readonly history: readonly HistoryStep[];
}
