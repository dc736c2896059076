/** One group with the state of its rules: evaluates it, and says what changed. */
import type { AlertTransition, RoutedAlert } from '../alert.ts';
import { fingerprintOf } from '../alert.ts';
import { routedLabels } from '../lifecycle/advance.ts';
import { restoreRule } from '../lifecycle/restore.ts';
import { seriesKey } from '../lifecycle/samples.ts';
import { emptyState } from '../lifecycle/state.ts';
import type { RuleSample, RuleState } from '../lifecycle/state.ts';
import { evaluateRule } from './evaluate-rule.ts';
import type { EvaluationWorld } from './evaluate-rule.ts';
import { addImpact } from './impact.ts';
import { groupKey } from './rule.ts';
import type { Rule, RuleGroup } from './rule.ts';
import type { HealthChange, StateChange } from './state-store.ts';

/** When an evaluation of a group began; its samples bear the times that were evaluated, and a replay takes both from them. */
export const evaluationMetric = 'sora_rule_group_last_evaluation_timestamp_seconds';

export interface RuleRun {
  readonly rule: Rule;
  /** Name and labels, and a number where several rules of the group share them. */
  readonly key: string;
  state: RuleState;
  /** How long the last evaluation took. */
  durationMs: number;
}

/** Takes samples of one group, which come in order of time. */
export type AppendSamples = (samples: readonly RuleSample[], group: string) => void | Promise<void>;

export class GroupRun {
  readonly group: RuleGroup;
  readonly key: string;
  readonly intervalMs: number;
  readonly rules: readonly RuleRun[];
  evaluatedAtMs: number | undefined;
  durationMs = 0;
  /** Alerts of rules that are no longer loaded, resolved at the start. */
  #dropped: RoutedAlert[] = [];

  constructor(group: RuleGroup, intervalMs: number) {
    this.group = group;
    this.key = groupKey(group);
    this.intervalMs = intervalMs;
    const counts = new Map<string, number>();
    this.rules = group.rules.map((rule) => {
      const name = `${rule.kind === 'alert' ? '' : 'record:'}${rule.name}${seriesKey(rule.labels)}`;
      const count = counts.get(name) ?? 0;
      counts.set(name, count + 1);
      return { rule, key: count === 0 ? name : `${name}#${count}`, state: emptyState, durationMs: 0 };
    });
  }

  /**
   * Takes up what was saved.
   * @param nowMs time of the first evaluation to come
   * @returns what is to be saved: of rules that are gone, firing alerts are resolved
   */
  restore(saved: ReadonlyMap<string, RuleState>, nowMs: number): StateChange {
    const transitions: AlertTransition[] = [];
    for (const run of this.rules) {
      const state = saved.get(run.key);
      if (state === undefined) continue;
      const restored = run.rule.kind === 'alert' ? restoreRule(run.rule, state, { nowMs, intervalMs: this.intervalMs }) : { state, transitions: [] };
      run.state = restored.state;
      transitions.push(...restored.transitions);
    }
    const known = new Set(this.rules.map(({ key }) => key));
    const gone = [...saved].filter(([key]) => !known.has(key));
    for (const [, state] of gone) transitions.push(...this.#drop(state, nowMs));
    return { group: this.key, states: [], dropped: gone.map(([key]) => key), transitions, health: [] };
  }

  #drop(state: RuleState, nowMs: number): AlertTransition[] {
    return state.alerts.filter((alert) => alert.state !== 'resolved').map((alert) => {
      const labels = routedLabels(alert);
      const isFiring = alert.state === 'firing';
      if (isFiring) this.#dropped.push(routed({ ...alert, state: 'resolved', resolvedAtMs: nowMs }, ''));
      return {
        atMs: nowMs, group: this.group.name, rule: alert.labels['alertname'] ?? '', fingerprint: fingerprintOf(labels), labels, annotations: alert.annotations,
        from: isFiring ? 'firing' as const : 'pending' as const, to: isFiring ? 'resolved' as const : 'inactive' as const, value: alert.value, activeAtMs: alert.activeAtMs,
      };
    });
  }

  /** Evaluates every rule in order; each sees what those before it wrote. */
  async evaluate(world: EvaluationWorld, nowMs: number, append: AppendSamples, monotonicMs: () => number): Promise<StateChange> {
    const startMs = monotonicMs();
    const change = { transitions: [] as AlertTransition[], health: [] as HealthChange[], states: [] as { rule: string; state: RuleState }[] };
    const written = new Set<string>();
    for (const run of this.rules) {
      const before = run.state;
      const ruleStartMs = monotonicMs();
      const advance = await evaluateRule(run.rule, before, world, nowMs);
      run.state = { ...advance.state, alerts: await addImpact(advance.state.alerts, world, nowMs) };
      await append(withoutOverwritten(advance.samples, written), this.key);
      run.durationMs = monotonicMs() - ruleStartMs;
      change.transitions.push(...advance.transitions);
      change.health.push(...healthChange(this.group.name, run.rule, before, run.state, nowMs));
      if (isWorthSaving(before, run.state)) change.states.push({ rule: run.key, state: savedForm(run) });
    }
    await append([{ labels: { __name__: evaluationMetric, rule_group: this.key }, atMs: nowMs, value: (world.startedAtMs ?? nowMs) / 1_000 }], `${this.key};evaluations`);
    this.evaluatedAtMs = nowMs;
    this.durationMs = monotonicMs() - startMs;
    return { group: this.key, dropped: [], ...change };
  }

  /** Alerts that fire or were resolved and are still told. */
  routed(nowMs: number, retentionMs: number): RoutedAlert[] {
    this.#dropped = this.#dropped.filter(({ endsAtMs }) => nowMs - (endsAtMs ?? 0) <= retentionMs);
    const kept = this.rules.flatMap(({ rule, state }) => state.alerts.filter((alert) => alert.state !== 'pending').map((alert) => routed(alert, rule.expression)));
    return [...kept, ...this.#dropped];
  }
}

/** An alert as routing gets it: it starts when it fired. */
function routed(alert: RuleState['alerts'][number], expression: string): RoutedAlert {
  const labels = routedLabels(alert);
  return {
    fingerprint: fingerprintOf(labels), labels, annotations: alert.annotations, status: alert.state === 'resolved' ? 'resolved' : 'firing',
    startsAtMs: alert.firedAtMs ?? alert.activeAtMs, endsAtMs: alert.resolvedAtMs, value: alert.value, impact: alert.impact, expression,
  };
}

/** A marker must not end a series that another rule of the group wrote just now. */
function withoutOverwritten(samples: readonly RuleSample[], written: Set<string>): RuleSample[] {
  return samples.filter((sample) => {
    const key = seriesKey(sample.labels);
    if (sample.isStale === true) return !written.has(key);
    written.add(key);
    return true;
  });
}

function healthChange(group: string, rule: Rule, before: RuleState, after: RuleState, atMs: number): HealthChange[] {
  if (before.health === after.health) return [];
  // A rule that is well from its first evaluation has no story.
  if (before.health === 'unknown' && after.health === 'ok') return [];
  return [{ atMs, group, rule: rule.name, from: before.health, to: after.health, error: after.error }];
}

/** Values and times of active alerts change at every evaluation; of a rule without any there is nothing to keep. */
function isWorthSaving(before: RuleState, after: RuleState): boolean {
  return after.alerts.length > 0 || before.alerts.length > 0 || (before.health !== after.health && before.health !== 'unknown') || after.health === 'error';
}

/** Series of recording rules may be many thousands, and only their staleness would be lost. */
function savedForm({ rule, state }: RuleRun): RuleState {
  return rule.kind === 'alert' ? state : { ...state, series: [] };
}

