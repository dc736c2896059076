import { formatDuration } from '../../ops/core/duration.ts';
import { formatBytes, formatNumber } from '../report/format.ts';
import { areaOf, highestOf } from '../swarm/arrival/levels.ts';
import { meanOf } from '../swarm/random.ts';
import type { Scenario } from '../swarm/scenario.ts';
import type { PreparedRun } from './prepare.ts';

/** What a run will do, as far as it is known before. */
export interface ExpectedLoad {
  readonly operations: number;
  readonly bytes: number;
  /** Without the drain. */
  readonly durationMs: number;
  /** Of the judged part; with stages of users of the highest of them. */
  readonly operationsPerS: number;
  /** The most at any time. */
  readonly peakPerS: number;
  /** Some journeys are functions, whose requests and pauses nobody knows: an iteration counts as one. */
  readonly countsIterations: boolean;
}

/** Request and reply of a usual operation together; only for the announcement. */
const bytesPerOperation = 3_000;

/** What a run will do, before it does it: stages by their integral, shared iterations by their number. */
export function expectedLoad(run: PreparedRun): ExpectedLoad {
  const { scenario } = run;
  const perIteration = stepsPerIteration(scenario);
  const byUsersPerS = 1_000 / (meanOf(run.thinkTimeMs) || 1_000);
  const operationsPerS = run.arrivalsPerS === undefined ? run.users * byUsersPerS : run.arrivalsPerS * perIteration;
  const ofLevel = run.arrivalsPerS === undefined ? byUsersPerS : perIteration;
  const planned = { operations: plannedOperations(run, operationsPerS, ofLevel), durationMs: run.segments.at(-1)?.toMs ?? run.rampMs + run.holdMs };
  const { operations, durationMs } = endIterations(run, planned, perIteration, operationsPerS);
  const peak = highestOf(run.segments);
  const peakPerS = run.segments.length === 0 ? operationsPerS : peak * ofLevel;
  return { operations, bytes: operations * bytesPerOperation, durationMs, operationsPerS, peakPerS, countsIterations: scenario.journeys.some((journey) => journey.run !== undefined) };
}

function plannedOperations({ segments, rampMs, holdMs }: PreparedRun, operationsPerS: number, ofLevel: number): number {
  if (segments.length === 0) return Math.round(operationsPerS * ((holdMs + rampMs / 2) / 1_000));
  return Math.round((segments.reduce((sum, segment) => sum + areaOf(segment), 0) / 1_000) * ofLevel);
}

/** Shared iterations end when none is left, where that is sooner than their time. */
function endIterations(
  { scenario: { arrival } }: PreparedRun, planned: { readonly operations: number; readonly durationMs: number }, perIteration: number, operationsPerS: number,
): { readonly operations: number; readonly durationMs: number } {
  if (arrival?.kind !== 'iterations') return planned;
  const operations = Math.round(arrival.iterations * perIteration);
  return operations >= planned.operations ? planned : { operations, durationMs: Math.ceil(operations / operationsPerS) * 1_000 };
}

/** On average over journeys by their weights; a function counts as one. */
function stepsPerIteration({ journeys }: Scenario<never>): number {
  const weights = journeys.reduce((sum, { weight }) => sum + weight, 0);
  return weights === 0 ? 1 : journeys.reduce((sum, { weight, steps }) => sum + weight * (steps?.length ?? 1), 0) / weights;
}

/** `about 800 requests, 50/s where judged and 300/s at the peak, 2.4 MB assuming 3 kB each, 6.0 s and a drain of at most 30s`. */
export function loadText({ operations, bytes, durationMs, operationsPerS, peakPerS, countsIterations }: ExpectedLoad): string {
  const atPeak = peakPerS > operationsPerS * 1.001;
  const rate = atPeak ? `, ${formatNumber(operationsPerS)}/s where judged and ${formatNumber(peakPerS)}/s at the peak` : ` at ${formatNumber(operationsPerS)}/s`;
  const counted = countsIterations ? ' (an iteration of a function counts as one, without pauses of its own)' : '';
  return `${countsIterations ? 'at least' : 'about'} ${formatNumber(operations)} requests${rate}${counted}, ${formatBytes(bytes)} assuming ${formatBytes(bytesPerOperation)} each, ${formatDuration(durationMs)} and a drain of at most 30s`;
}
