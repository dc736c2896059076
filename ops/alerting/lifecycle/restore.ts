/** What a rule's state becomes when the process that kept it comes back. */
import type { AlertInstance, AlertTransition } from '../alert.ts';
import { transitionOf } from './advance.ts';
import type { LifecycleRule, RuleState } from './state.ts';

export interface RestoreOptions {
  /** Time of the first evaluation after the outage. */
  readonly nowMs: number;
  /** Between evaluations of the group: an outage that misses none changes nothing. */
  readonly intervalMs: number;
  /** Pending alerts from before a longer outage start anew; default 1 h, as `--rules.alert.for-outage-tolerance`. */
  readonly outageToleranceMs?: number;
  /** A long `for` that was nearly over is given at least that long again; default 10 min, as `--rules.alert.for-grace-period`. */
  readonly graceMs?: number;
}

export interface Restored {
  readonly state: RuleState;
  /** Of pending alerts that were dropped. */
  readonly transitions: readonly AlertTransition[];
}

/**
 * Carries state over an outage, with Prometheus' rule for `for` (rules/group.go, RestoreForState): time down counts
 * neither for nor against an alert, and one with less than the grace period to go waits for that period. Prometheus
 * forgets the time that a `for` below the grace period has spent; this keeps it. Firing and resolved alerts stay what
 * they are: the next evaluation finds whether they still hold.
 */
export function restoreRule(rule: LifecycleRule, saved: RuleState, options: RestoreOptions): Restored {
  const { nowMs, intervalMs, outageToleranceMs = 3_600_000, graceMs = 600_000 } = options;
  const downAtMs = saved.evaluatedAtMs;
  // An evaluation may be late by less than an interval without one having been missed.
  if (downAtMs === undefined || nowMs - downAtMs < 2 * intervalMs) return { state: saved, transitions: [] };
  const isForgotten = nowMs - downAtMs > outageToleranceMs;
  const alerts = saved.alerts.flatMap((alert) => {
    if (alert.state !== 'pending') return [alert];
    return isForgotten ? [] : [shifted(rule, alert, downAtMs, nowMs, graceMs)];
  });
  const dropped = saved.alerts.filter((alert) => isForgotten && alert.state === 'pending');
  return {
    state: { ...saved, alerts },
    transitions: dropped.flatMap((before) => transitionOf(rule, { before, after: undefined }, nowMs)),
  };
}

function shifted(rule: LifecycleRule, alert: AlertInstance, downAtMs: number, nowMs: number, graceMs: number): AlertInstance {
  const remainingMs = rule.forMs - (downAtMs - alert.activeAtMs);
  if (remainingMs <= 0) return alert;
  const isNearlyOver = rule.forMs >= graceMs && remainingMs < graceMs;
  return { ...alert, activeAtMs: isNearlyOver ? nowMs + graceMs - rule.forMs : alert.activeAtMs + (nowMs - downAtMs) };
}
