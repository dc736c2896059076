import { formatMeasured, formatNumber, formatPercent } from '../report/format.ts';
import { generatorName } from '../report/resources-meter.ts';
import type { Summary } from '../report/summary-schema.ts';
import type { Check } from './result-schema.ts';
import { slopeLimits, slopeOf } from './slope.ts';
import type { SlopePoint } from './slope.ts';
import type { SoakPart } from './suite-schema.ts';

/** A run's thresholds and its audit. */
export function runChecks(summary: Summary): Check[] {
  const { audit, scenario } = summary;
  const thresholds = summary.thresholds.map(({ expression, measured, limit, ok, metric }): Check => ({
    name: `${scenario}: ${expression}`, measured, limit, ok, text: `${scenario}: ${expression}, measured ${formatMeasured(metric, measured, expression)}`,
  }));
  return [...thresholds, ...(audit === null ? [] : auditChecks(summary))];
}

/** That no write was lost or doubled. */
export function auditChecks({ audit, scenario }: Summary): Check[] {
  if (audit === null) return [];
  return (['lost', 'duplicated'] as const).map((finding) => ({
    name: `${scenario}: audit ${finding}`, measured: audit[finding], limit: 0, ok: audit[finding] > 0 ? false : audit.incomplete === undefined ? true : null,
    text: `${scenario}: ${formatNumber(audit[finding])} of ${formatNumber(audit.acknowledgedWrites)} acknowledged writes ${finding}`,
  }));
}

/** Whether the audit of a run found what must never be. */
export function isBroken({ audit }: Summary): boolean {
  return audit !== null && (audit.lost > 0 || audit.duplicated > 0 || audit.ledgerBalanced === false);
}

/** Caches fill and code is compiled in the first part of a hold; that is no creep. */
const settlingRatio = 0.2;

/** Whether p95 or the memory of any process rises: significantly, and by more an hour than is nothing. */
export function soakChecks(part: SoakPart, summary: Summary): Check[] {
  const hold = summary.phases.find(({ name }) => name === 'hold');
  if (hold === undefined) return [{ name: 'soak', measured: null, limit: null, ok: null, text: 'the hold never began' }];
  const fromS = hold.startS + hold.durationS * settlingRatio;
  const toS = hold.startS + hold.durationS;
  const judged = (points: readonly SlopePoint[]): SlopePoint[] => points.filter(({ second }) => second >= fromS && second <= toS);
  const p95 = summary.series.flatMap(({ second, p95Ms }) => (p95Ms === null ? [] : [{ second, value: p95Ms }]));
  const memory = summary.resources?.memory ?? [];
  // What the generator keeps for its report grows with the run, and is none of the system's.
  const names = [...new Set(memory.flatMap(({ bytes }) => Object.keys(bytes)))].filter((name) => name !== generatorName).toSorted();
  const series = names.map((name) => ({ name, points: memory.flatMap(({ second, bytes }) => (bytes[name] === undefined ? [] : [{ second, value: bytes[name] }])) }));
  const nothing: Check[] = names.length > 0 ? [] : [{ name: 'memory', measured: null, limit: part.memoryGrowthPerHourMax, ok: null, text: 'the memory of no process of the system was measured' }];
  return [
    slopeCheck('p95', judged(p95), part.p95GrowthPerHourMax), ...nothing,
    ...series.map(({ name, points }) => slopeCheck(`memory of ${name}`, judged(points), part.memoryGrowthPerHourMax)),
  ];
}

function slopeCheck(name: string, points: readonly SlopePoint[], perHourMax: number): Check {
  const slope = slopeOf(points);
  if (slope === undefined) return { name, measured: null, limit: perHourMax, ok: null, text: `${name}: ${points.length} points are too few for a trend, at least ${slopeLimits.pointsMin} are needed` };
  const isRising = slope.p < slopeLimits.alpha && slope.growthRatioPerHour > perHourMax;
  const { growthRatioPerHour: measured } = slope;
  const grown = `${measured < 0 ? 'fell' : 'grew'} by ${formatPercent(Math.abs(measured))} an hour, ${formatPercent(Math.abs(slope.growthRatio))} over the judged time`;
  return { name, measured, limit: perHourMax, ok: !isRising, text: `${name} ${grown} (p ${Number(slope.p.toPrecision(2))} of chance), limit ${formatPercent(perHourMax)} an hour where significant` };
}
