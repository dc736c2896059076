/** Multi-window, multi-burn-rate alerts (Google's SRE Workbook, "Alerting on SLOs", with Sloth's third row). */
import type { Severity } from '../alerting/alert.ts';
import { budgetRatioOf } from './slo.ts';
import type { Slo } from './slo.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

export interface BurnRow {
  readonly severity: Severity;
  /** Share of the period's budget that may be spent within the long window. */
  readonly budgetSpentRatio: number;
  readonly longMs: number;
  /** A twelfth of the long one: ends the alert soon after the fault. */
  readonly shortMs: number;
}

/** How much of the budget may go in how long before somebody is told, and how soon they must come. */
export const burnRows: readonly BurnRow[] = [
  { severity: 'critical', budgetSpentRatio: 0.02, longMs: hourMs, shortMs: 5 * minuteMs },
  { severity: 'high', budgetSpentRatio: 0.05, longMs: 6 * hourMs, shortMs: 30 * minuteMs },
  { severity: 'medium', budgetSpentRatio: 0.1, longMs: dayMs, shortMs: 2 * hourMs },
  { severity: 'low', budgetSpentRatio: 0.1, longMs: 3 * dayMs, shortMs: 6 * hourMs },
];

/** Times the pace that spends the budget exactly by the period's end: share · period / long window. */
export function burnFactor({ budgetSpentRatio, longMs }: BurnRow, periodMs: number): number {
  return (budgetSpentRatio * periodMs) / longMs;
}

export interface BurnAlert extends BurnRow {
  readonly factor: number;
  /** Share of bad events above which it fires, in both windows. */
  readonly thresholdRatio: number;
}

/** A pace that leaves more than a tenth of the budget at the end of the period is nothing to tell. */
const factorMin = 0.9;

/**
 * The alerts of an objective. Left out are rows whose factor is below 0.9, as in a period of 14 days the one of 3 days,
 * and rows that could never fire, as their factor asks for more bad events than there are events.
 */
export function burnAlertsOf(slo: Pick<Slo, 'periodMs' | 'targetRatio'>): BurnAlert[] {
  return burnRows
    .map((row) => ({ ...row, factor: burnFactor(row, slo.periodMs), thresholdRatio: burnFactor(row, slo.periodMs) * budgetRatioOf(slo) }))
    .filter(({ factor, thresholdRatio }) => factor >= factorMin && thresholdRatio < 1);
}
