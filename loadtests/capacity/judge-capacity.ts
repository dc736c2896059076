import { assertNever, exitCodes } from '../../ops/core/error.ts';
import { judgeLaw } from './judge-law.ts';
import type { Lever } from './probe.ts';
import type { Estimate, LawFinding } from './judge-law.ts';
import type { CapacityProbe, CapacityResult } from './result-schema.ts';
import type { Point } from './scalability.ts';
import type { Finding, SearchPlan } from './search.ts';

export interface CapacityFacts {
  readonly runId: string;
  readonly scenario: string;
  readonly target: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly plan: SearchPlan;
  readonly thresholds: readonly string[];
  readonly todayPerS: number | undefined;
  /** Default users. */
  readonly lever?: Lever;
  readonly interrupted: boolean;
}

/** Judges what the search found and fits the law to its probes. Pure. */
export function judgeCapacity(facts: CapacityFacts, finding: Finding, probes: readonly CapacityProbe[]): CapacityResult {
  const { plan, todayPerS } = facts;
  const capacity = capacityOf(finding);
  const judged = verdictOf(facts, finding);
  const points = probes.flatMap(({ valid, concurrency, achievedPerS }): Point[] => (!valid || concurrency === null ? [] : [{ concurrency, throughputPerS: achievedPerS }]));
  return {
    schema: 'sora.capacity/v1',
    runId: facts.runId, scenario: facts.scenario, target: facts.target,
    startedAt: new Date(facts.startedAtMs).toISOString(), endedAt: new Date(facts.endedAtMs).toISOString(),
    ...judged, capacity,
    ...(facts.lever === 'arrivals' ? { unit: 'arrivals' as const } : {}),
    todayPerS: todayPerS ?? null,
    headroomRatio: todayPerS === undefined || capacity.ratePerS === null ? null : capacity.ratePerS / todayPerS - 1,
    search: {
      fromPerS: plan.fromPerS, mostPerS: plan.mostPerS, precisionRatio: plan.precisionRatio, holdS: plan.holdMs / 1_000,
      confirmHoldS: plan.confirmHoldMs / 1_000, probesMax: plan.probesMax, durationMaxS: plan.durationMaxMs / 1_000,
    },
    thresholds: [...facts.thresholds], probes: [...probes],
    law: describeLaw(judgeLaw(points, capacity.bound === 'generator')),
  };
}

function capacityOf(finding: Finding): CapacityResult['capacity'] {
  switch (finding.kind) {
    case 'found':
      return { ratePerS: finding.ratePerS, confirmed: true, bound: finding.bound, missedPerS: finding.missedPerS };
    case 'unconfirmed':
      return { ratePerS: finding.ratePerS, confirmed: false, bound: null, missedPerS: finding.missedPerS };
    case 'none':
      return { ratePerS: null, confirmed: false, bound: 'thresholds', missedPerS: finding.leastPerS };
    case 'unmeasured':
      return { ratePerS: null, confirmed: false, bound: null, missedPerS: null };
    default:
      return assertNever(finding);
  }
}

type Judged = Pick<CapacityResult, 'verdict' | 'reasons' | 'exitCode'>;

const insufficient = (reason: string): Judged => ({ verdict: 'insufficient', reasons: [reason], exitCode: exitCodes.insufficient });
const fail = (reason: string): Judged => ({ verdict: 'fail', reasons: [reason], exitCode: exitCodes.thresholdsFailed });

function verdictOf({ plan, todayPerS, interrupted }: CapacityFacts, finding: Finding): Judged {
  if (interrupted) return { ...insufficient('interrupted'), exitCode: exitCodes.interrupted };
  switch (finding.kind) {
    case 'none':
      return fail(`no rate met the thresholds, down to ${rateText(finding.leastPerS)}`);
    case 'unmeasured':
      return insufficient(finding.why);
    case 'unconfirmed':
      return insufficient(`${rateText(finding.ratePerS)} was met, but not confirmed: ${finding.why}`);
    case 'found':
      if (todayPerS !== undefined && finding.ratePerS < todayPerS && finding.bound === 'thresholds') return fail(`the capacity of ${rateText(finding.ratePerS)} is below today's ${rateText(todayPerS)}`);
      if (finding.bound === 'generator') return insufficient(`the generator was the bottleneck above ${rateText(finding.ratePerS)}; the system may carry more`);
      if (finding.bound === 'limit' && finding.ratePerS < plan.mostPerS) return insufficient(`${rateText(finding.ratePerS)} was met and confirmed, and nothing was missed before probes or time were used up: the highest rate is not known; give more --probes or --max-time`);
      if (todayPerS !== undefined && finding.ratePerS < todayPerS) return insufficient(`the search ended at its limit of ${rateText(finding.ratePerS)}, below today's ${rateText(todayPerS)}: raise --to`);
      return { verdict: 'pass', reasons: [], exitCode: exitCodes.pass };
    default:
      return assertNever(finding);
  }
}

const rateText = (ratePerS: number): string => `${Number(ratePerS.toPrecision(4))}/s`;

/** JSON knows no Infinity: null says that there is no bound. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const estimateOf = ({ value, low, high }: Estimate): { value: number; low: number; high: number | null } => ({ value, low, high: finite(high) });
const pointOf = (point: Point | undefined): { concurrency: number | null; throughputPerS: number } | null =>
  point === undefined ? null : { concurrency: finite(point.concurrency), throughputPerS: point.throughputPerS };

function describeLaw({ verdict, reasons, points, fit }: LawFinding): CapacityResult['law'] {
  return {
    verdict, reasons: [...reasons], points: points.map((point) => ({ ...point })),
    fit: fit === undefined ? null : {
      lambda: estimateOf(fit.lambda), sigma: estimateOf(fit.sigma), kappa: estimateOf(fit.kappa), explainedRatio: fit.explainedRatio,
      knee: pointOf(fit.knee), peak: pointOf(fit.peak), peakPerS: fit.peakPerS === undefined ? null : estimateOf(fit.peakPerS),
    },
  };
}
