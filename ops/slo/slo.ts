/** An objective as the rest of `ops/slo` knows it, whatever file it came from. */
import { formatDurationMs } from '../metricstore/promql/literals.ts';

export interface Slo {
  /** Unique; also the label `slo` of its series. */
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly service: string;
  readonly owner: string;
  readonly indicator: Indicator;
  /** Share of events that must be good, between 0 and 1. */
  readonly targetRatio: number;
  /** Length of the rolling window that the budget is for. */
  readonly periodMs: number;
  /** Failures in an alert's long window below which nothing is concluded. */
  readonly badEventsMin: number;
}

/** Counters, as selectors of PromQL: what was asked for, and what of it was good, or what was bad. */
export interface Indicator {
  readonly counted: 'good' | 'bad';
  readonly events: string;
  readonly total: string;
}

/** Share of events that may be bad. */
export const budgetRatioOf = ({ targetRatio }: Pick<Slo, 'targetRatio'>): number => 1 - targetRatio;

/** As people write it, in days from one day on: `5m`, `6h`, `14d`. */
export function durationText(durationMs: number): string {
  return durationMs % 86_400_000 === 0 ? `${durationMs / 86_400_000}d` : formatDurationMs(durationMs);
}

/** The share without the noise of binary fractions, for texts: 0.001, not 0.0010000000000000009. */
export const plain = (value: number): number => Number(value.toPrecision(6));
