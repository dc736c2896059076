/**
 * One step of the life of a rule's alerts: a pure function of what was and what is, with the semantics of Prometheus 3
 * (rules/alerting.go) and of the alert generator specification (prometheus/compliance). Beyond these it tells each
 * transition, and rule health has a state of its own for a rule that finds no series.
 */
import { fingerprintOf, rehearsalLabel } from '../alert.ts';
import type { AlertInstance, AlertTransition } from '../alert.ts';
import type { Labels } from '../../metricstore/series.ts';
import { hasLeft, withoutRehearsal } from './rehearsing.ts';
import type { Rehearsing } from './rehearsing.ts';
import { markersOf, samplesOf } from './samples.ts';
import type { Advance, AlertElement, Evaluation, LifecycleRule, RuleState } from './state.ts';

/** A resolved alert is kept and told that long, so that its end is not lost with one message. */
export const resolvedRetentionMs = 15 * 60_000;

/**
 * @param nowMs time of the evaluation, a multiple of the group's interval and its offset
 * @param rehearsing load run or drill under way, which alerts that become active now belong to; undefined where it is not known
 */
export function advanceRule(rule: LifecycleRule, previous: RuleState, evaluation: Evaluation, nowMs: number, rehearsing?: Rehearsing): Advance {
  if (evaluation.kind === 'error') return failed(previous, evaluation.message, nowMs);
  const elements = new Map(evaluation.elements.map((element) => [fingerprintOf(element.labels), element]));
  if (elements.size < evaluation.elements.length) return failed(previous, 'vector contains metrics with the same labelset after applying alert labels', nowMs);

  const { steps, left } = stepAll(rule, previous.alerts, nowMs, elements, rehearsing);
  for (const [fingerprint, element] of elements) {
    if (steps.get(fingerprint)?.after !== undefined && steps.get(fingerprint)?.after?.state !== 'resolved') continue;
    steps.set(fingerprint, { before: undefined, after: born(rule, element, nowMs, rehearsing?.id) });
  }
  const ordered = [...steps].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, step]) => step);
  const alerts = ordered.flatMap(({ after }) => (after === undefined ? [] : [after]));
  const active = alerts.filter(isActive);
  if (rule.limit > 0 && active.length > rule.limit) return overLimit(rule, previous, active.length, nowMs);

  const samples = samplesOf(rule, active, nowMs);
  return {
    state: {
      alerts, health: evaluation.elements.length === 0 && !evaluation.hasSeries ? 'no-data' : 'ok',
      series: samples.map(({ labels }) => labels), evaluatedAtMs: nowMs,
    },
    transitions: [...left, ...ordered].flatMap((step) => transitionOf(rule, step, nowMs)),
    samples: [...samples, ...markersOf(rule, previous.series, samples, nowMs)],
  };
}

/** An alert before and after an evaluation; undefined where it is neither pending, firing nor kept as resolved. */
export interface Step {
  readonly before: AlertInstance | undefined;
  readonly after: AlertInstance | undefined;
}

export const isActive = (alert: AlertInstance): boolean => alert.state !== 'resolved';

/** Errors keep alerts as they are, and write nothing. */
function failed(previous: RuleState, message: string, nowMs: number): Advance {
  return { state: { ...previous, health: 'error', error: message, evaluatedAtMs: nowMs }, transitions: [], samples: [] };
}

/** Prometheus drops all alerts of such a rule; those that fired are told as resolved, since nobody watches them any more. */
function overLimit(rule: LifecycleRule, previous: RuleState, count: number, nowMs: number): Advance {
  const steps: Step[] = previous.alerts.map((before) => {
    if (before.state === 'resolved') return { before, after: nowMs - (before.resolvedAtMs ?? 0) > resolvedRetentionMs ? undefined : before };
    return { before, after: before.state === 'firing' ? resolved(before, nowMs) : undefined };
  });
  return {
    state: {
      ...previous, alerts: steps.flatMap(({ after }) => (after === undefined ? [] : [after])), health: 'error',
      error: `exceeded limit of ${rule.limit} with ${count} alerts`, evaluatedAtMs: nowMs,
    },
    transitions: steps.flatMap((step) => transitionOf(rule, step, nowMs)),
    samples: [],
  };
}

/**
 * What becomes of the alerts there are. One that still holds long after its rehearsal ends as a rehearsal (`left`), and
 * begins without it where it was: whoever was not told of the first is told of the second.
 */
function stepAll(rule: LifecycleRule, alerts: readonly AlertInstance[], nowMs: number, elements: ReadonlyMap<string, AlertElement>, rehearsing: Rehearsing | undefined): { steps: Map<string, Step>; left: Step[] } {
  const steps = new Map<string, Step>();
  const left: Step[] = [];
  for (const before of alerts) {
    const fingerprint = fingerprintOf(before.labels);
    const step = stepOf(rule, before, nowMs, elements);
    if (rehearsing !== undefined && step.after !== undefined && elements.has(fingerprint) && hasLeft(before, rehearsing)) {
      left.push({ before, after: before.state === 'firing' ? resolved(before, nowMs) : undefined });
      steps.set(fingerprint, { before: undefined, after: withoutRehearsal(step.after, rehearsing) });
    } else steps.set(fingerprint, step);
  }
  return { steps, left };
}

function stepOf(rule: LifecycleRule, before: AlertInstance, nowMs: number, elements: ReadonlyMap<string, AlertElement>): Step {
  const element = elements.get(fingerprintOf(before.labels));
  if (before.state === 'resolved') {
    const isKept = nowMs - (before.resolvedAtMs ?? 0) <= resolvedRetentionMs;
    return { before, after: isKept ? before : undefined };
  }
  if (element === undefined) return { before, after: vanished(rule, before, nowMs) };
  const { keepFiringSinceMs: _, ...held } = before;
  return { before, after: fireWhenDue(rule, { ...held, value: element.value, annotations: element.annotations }, nowMs) };
}

/** An alert whose expression no longer holds: a pending one is gone, a firing one resolved or kept for a while. */
function vanished(rule: LifecycleRule, before: AlertInstance, nowMs: number): AlertInstance | undefined {
  if (before.state === 'pending') return undefined;
  if (rule.keepFiringForMs > 0) {
    const sinceMs = before.keepFiringSinceMs ?? nowMs;
    if (nowMs - sinceMs < rule.keepFiringForMs) return { ...before, keepFiringSinceMs: sinceMs };
  }
  return resolved(before, nowMs);
}

function resolved(before: AlertInstance, nowMs: number): AlertInstance {
  return { ...before, state: 'resolved', resolvedAtMs: nowMs };
}

function born(rule: LifecycleRule, element: AlertElement, nowMs: number, rehearsalId: string | undefined): AlertInstance {
  const pending: AlertInstance = { ...element, state: 'pending', activeAtMs: nowMs, ...(rehearsalId === undefined ? {} : { rehearsalId }) };
  return fireWhenDue(rule, pending, nowMs);
}

function fireWhenDue(rule: LifecycleRule, alert: AlertInstance, nowMs: number): AlertInstance {
  if (alert.state !== 'pending' || nowMs - alert.activeAtMs < rule.forMs) return alert;
  return { ...alert, state: 'firing', firedAtMs: nowMs };
}

export function transitionOf(rule: LifecycleRule, { before, after }: Step, nowMs: number): AlertTransition[] {
  const from = before === undefined || before.state === 'resolved' ? 'inactive' : before.state;
  const to = after?.state ?? 'inactive';
  const alert = after ?? before;
  // A resolved alert that is kept, or dropped in the end, was told when it was resolved.
  if (alert === undefined || from === to || (from === 'inactive' && to === 'resolved')) return [];
  if (from === 'inactive' && to === 'inactive') return [];
  const labels = routedLabels(alert);
  return [{ atMs: nowMs, group: rule.group, rule: rule.name, fingerprint: fingerprintOf(labels), labels, annotations: alert.annotations, from, to, value: alert.value, activeAtMs: alert.activeAtMs }];
}

/** Labels as routing and the event log see them: with that of the load run or drill the alert belongs to. */
export function routedLabels(alert: AlertInstance): Labels {
  return alert.rehearsalId === undefined ? alert.labels : { ...alert.labels, [rehearsalLabel]: alert.rehearsalId };
}
