import { Histogram } from '../swarm/histogram.ts';
import { timeNames } from '../swarm/measurement.ts';
import type { OperationSample, PhaseName, RunMeasurement, TimeName } from '../swarm/measurement.ts';
import type { Metric, MetricLookup } from './metrics.ts';
import { arrivalsQueuedOf, checksMetric, namesBeyondOf, sumBeyond, taggedSamples } from './tagged.ts';
import type { AuditFindings } from './verdict.ts';

/** What was measured of one operation, or of all, in the phase that thresholds judge. */
export interface HoldPart {
  readonly total: number;
  readonly failed: number;
  readonly refused: number;
  readonly times: Readonly<Record<TimeName, Histogram>>;
  /** Response times of the failed, which `times.response` holds too. */
  readonly failedResponse: Histogram;
  readonly requests: number;
  readonly requestsFailed: number;
  readonly requestDuration: Histogram;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** What thresholds are judged by: all of a run, or what there is of it so far. */
export type Measured = Pick<RunMeasurement, 'operations' | 'series' | 'phases' | 'unsent' | 'tags' | 'checks'> & Partial<Pick<RunMeasurement, 'workers'>>;

/** One phase of a run, usually its hold, merged once for all who ask. */
export interface Hold {
  readonly durationS: number;
  readonly all: HoldPart;
  readonly byOperation: ReadonlyMap<string, HoldPart>;
}

/** Merges the hold's samples, or those of another phase. */
export function holdOf(run: Pick<Measured, 'operations' | 'phases'>, phase: PhaseName = 'hold'): Hold {
  const samples = run.operations.filter((sample) => sample.phase === phase);
  const window = run.phases.find(({ name }) => name === phase);
  const byName = Map.groupBy(samples, (sample) => sample.op);
  return {
    durationS: window === undefined ? 0 : Math.max(0, window.endMs - window.startMs) / 1_000,
    all: mergeSamples(samples),
    byOperation: new Map([...byName].map(([op, parts]) => [op, mergeSamples(parts)])),
  };
}

/** Answers thresholds from the hold, from other phases where a tag names one, and from the audit. */
export function lookupMetrics(run: Measured, hold: Hold, audit: AuditFindings | null): MetricLookup {
  const phases = new Map<string, Hold>([['hold', hold]]);
  const phaseOf = (name: string): Hold => {
    const merged = phases.get(name) ?? holdOf(run, name as PhaseName);
    phases.set(name, merged);
    return merged;
  };
  return (name, { op, phase = 'hold', ...own }) => {
    if (name === 'audit_lost' || name === 'audit_duplicated') return auditMetric(name, audit);
    if (name === 'users') return { kind: 'gauge', value: run.series.findLast((point) => point.phase === 'hold')?.users ?? 0 };
    if (name === 'operations_unsent') return { kind: 'counter', count: run.unsent, rate: ratioOf(run.unsent, hold.durationS) };
    if (name === 'arrivals_queued') return whole(arrivalsQueuedOf(run.workers ?? []), hold.durationS);
    if (name === 'names_beyond') return whole(sumBeyond(namesBeyondOf(run.workers ?? []), own['kind']), hold.durationS);
    if (name === 'checks') return checksMetric(run, { op, phase, own });
    const merged = phaseOf(phase);
    const tagged = Object.keys(own).length === 0 ? undefined : taggedSamples(run, { op, phase }, { tags: own });
    if (tagged !== undefined) return tagged.length === 0 ? undefined : partMetric(name, mergeSamples(tagged), merged.durationS);
    const part = op === undefined ? merged.all : merged.byOperation.get(op);
    return part === undefined ? undefined : partMetric(name, part, merged.durationS);
  };
}

/** What is counted once for a whole run. */
function whole(count: number | undefined, durationS: number): Metric | undefined {
  return count === undefined ? undefined : { kind: 'counter', count, rate: ratioOf(count, durationS) };
}

function auditMetric(name: string, audit: AuditFindings | null): Metric | undefined {
  // An audit that did not end has not shown that nothing was lost.
  if (audit === null || audit.incomplete !== undefined) return undefined;
  return { kind: 'counter', count: name === 'audit_lost' ? audit.lost : audit.duplicated, rate: 0 };
}

function partMetric(name: string, part: HoldPart, durationS: number): Metric | undefined {
  const counter = (count: number): Metric => ({ kind: 'counter', count, rate: ratioOf(count, durationS) });
  switch (name) {
    case 'response_time':
      return trend(part.times.response);
    case 'service_time':
      return trend(part.times.service);
    case 'pool_wait':
      return trend(part.times.poolWait);
    case 'lateness':
      return trend(part.times.lateness);
    case 'http_req_duration':
      return trend(part.requestDuration);
    case 'http_reqs':
      return counter(part.requests);
    case 'http_req_failed':
      return { kind: 'rate', rate: ratioOf(part.requestsFailed, part.requests), count: part.requests };
    case 'operations':
      return counter(part.total);
    case 'operation_failed':
      return { kind: 'rate', rate: ratioOf(part.failed, part.total), count: part.total };
    case 'operation_refused':
      return { kind: 'rate', rate: ratioOf(part.refused, part.total), count: part.total };
    case 'data_sent':
      return counter(part.bytesSent);
    case 'data_received':
      return counter(part.bytesReceived);
    default:
      return undefined;
  }
}

/** A share; 0 of nothing. */
export function ratioOf(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function trend(histogram: Histogram): Metric {
  return {
    kind: 'trend',
    count: histogram.count,
    avg: histogram.mean() / 1_000,
    min: histogram.quantile(0) / 1_000,
    max: histogram.quantile(1) / 1_000,
    quantile: (ratio) => histogram.quantile(ratio) / 1_000,
  };
}

/** Samples as one, whatever their operations and phases. */
export function mergeSamples(samples: readonly OperationSample[]): HoldPart {
  const sum = (pick: (sample: OperationSample) => number): number => samples.reduce((total, sample) => total + pick(sample), 0);
  const times = Object.fromEntries(
    timeNames.map((name) => [name, Histogram.fromSparse(...samples.map((sample) => sample.times[name]))]),
  ) as Record<TimeName, Histogram>;
  return {
    total: sum((sample) => sample.total),
    failed: sum((sample) => sample.failed),
    refused: sum((sample) => sample.refused),
    times,
    requests: sum((sample) => sample.requests),
    requestsFailed: sum((sample) => sample.requestsFailed),
    failedResponse: Histogram.fromSparse(...samples.map((sample) => sample.failedResponse)),
    requestDuration: Histogram.fromSparse(...samples.map((sample) => sample.requestDuration)),
    bytesSent: sum((sample) => sample.bytesSent),
    bytesReceived: sum((sample) => sample.bytesReceived),
  };
}
