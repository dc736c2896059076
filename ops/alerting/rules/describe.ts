/** Rules and alerts in the shape of Prometheus' HTTP API (`/api/v1/rules`, `/api/v1/alerts`). */
import type { AlertInstance, RuleHealth } from '../alert.ts';
import { formatPromql } from '../../metricstore/promql/format.ts';
import type { Labels } from '../../metricstore/series.ts';
import { routedLabels } from '../lifecycle/advance.ts';
import { formatFloat } from '../template/go-float.ts';
import type { GroupRun, RuleRun } from './group-run.ts';

export interface DescribedAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: 'pending' | 'firing';
  readonly activeAt: string;
  readonly keepFiringSince?: string;
  /** As Go writes it, such as `1.5e+00`. */
  readonly value: string;
}

interface DescribedBase {
  readonly name: string;
  readonly query: string;
  readonly labels: Labels;
  readonly health: 'ok' | 'err' | 'unknown';
  /** SORA's own: also tells a rule that finds no series. */
  readonly soraHealth: RuleHealth;
  readonly lastError?: string;
  /** Seconds. */
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
}

export interface DescribedAlertRule extends DescribedBase {
  readonly type: 'alerting';
  readonly state: 'firing' | 'pending' | 'inactive' | 'unknown';
  /** Seconds. */
  readonly duration: number;
  readonly keepFiringFor: number;
  readonly annotations: Labels;
  readonly alerts: readonly DescribedAlert[];
}

export interface DescribedRecordRule extends DescribedBase {
  readonly type: 'recording';
}

export interface DescribedGroup {
  readonly name: string;
  readonly file: string;
  readonly rules: readonly (DescribedAlertRule | DescribedRecordRule)[];
  /** Seconds. */
  readonly interval: number;
  readonly limit: number;
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
}

/** `data` of `/api/v1/rules`. */
export function describeRules(evaluator: { readonly runs: readonly GroupRun[] }): { readonly groups: readonly DescribedGroup[] } {
  return {
    groups: evaluator.runs.filter(({ rules }) => rules.length > 0).map((run) => ({
      name: run.group.name, file: run.group.place.file, interval: run.intervalMs / 1_000, limit: run.group.limit,
      rules: run.rules.map(describeRule), evaluationTime: run.durationMs / 1_000, lastEvaluation: timeText(run.evaluatedAtMs),
    })),
  };
}

/** `data` of `/api/v1/alerts`. */
export function describeAlerts(evaluator: { readonly runs: readonly GroupRun[] }): { readonly alerts: readonly DescribedAlert[] } {
  return { alerts: evaluator.runs.flatMap(({ rules }) => rules.flatMap(({ state }) => activeAlerts(state.alerts))) };
}

function describeRule({ rule, state, durationMs }: RuleRun): DescribedAlertRule | DescribedRecordRule {
  const base = {
    name: rule.name, query: formatPromql(rule.expr), labels: rule.labels, soraHealth: state.health,
    health: state.health === 'error' ? 'err' as const : state.health === 'unknown' ? 'unknown' as const : 'ok' as const,
    ...(state.error === undefined ? {} : { lastError: state.error }),
    evaluationTime: durationMs / 1_000, lastEvaluation: timeText(state.evaluatedAtMs),
  };
  if (rule.kind === 'record') return { type: 'recording', ...base };
  const alerts = activeAlerts(state.alerts);
  const isIn = (wanted: DescribedAlert['state']): boolean => alerts.some((alert) => alert.state === wanted);
  return {
    type: 'alerting', ...base, state: state.evaluatedAtMs === undefined ? 'unknown' : isIn('firing') ? 'firing' : isIn('pending') ? 'pending' : 'inactive',
    duration: rule.forMs / 1_000, keepFiringFor: rule.keepFiringForMs / 1_000, annotations: rule.annotations, alerts,
  };
}

function activeAlerts(alerts: readonly AlertInstance[]): DescribedAlert[] {
  return alerts.flatMap((alert) => (alert.state === 'resolved' ? [] : [{
    labels: routedLabels(alert), annotations: alert.annotations, state: alert.state, activeAt: timeText(alert.activeAtMs),
    ...(alert.keepFiringSinceMs === undefined ? {} : { keepFiringSince: timeText(alert.keepFiringSinceMs) }),
    value: formatFloat(alert.value, 'e', -1),
  }]));
}

/** Go's zero time where something never happened. */
const timeText = (atMs: number | undefined): string => (atMs === undefined ? '0001-01-01T00:00:00Z' : new Date(atMs).toISOString());
