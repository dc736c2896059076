/** What the evaluator tells of itself. */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { RuleHealth } from '../alert.ts';
import type { Host } from '../../core/host.ts';
import type { BlindRules } from './blind.ts';
import type { RuleEvaluator } from './evaluator.ts';
import type { Rehearsals } from './rehearsal.ts';

const healths: readonly (RuleHealth | 'blind')[] = ['unknown', 'ok', 'no-data', 'error', 'blind'];

/**
 * Declares `sora_rule_evaluations_total`, `sora_rule_evaluation_failures_total`, `sora_rule_evaluations_missed_total`
 * (of groups), `sora_rule_transitions_lost_total`, `sora_rules{health}`, `sora_alerts{state}` and
 * `sora_rule_group_duration_seconds{rule_group}`, read from the evaluator at each scrape.
 * @param blindRules those whose metric no process exports, told as `blind` unless they fail; default none
 */
export function watchEvaluator(registry: Registry, evaluator: Pick<RuleEvaluator, 'runs' | 'counts'>, blindRules?: Pick<BlindRules, 'has'>): void {
  const counter = (name: string, help: string, read: () => number): void => {
    const metric: Counter = new Counter({
      name, help, registers: [registry],
      collect() {
        metric.reset();
        metric.inc(read());
      },
    });
  };
  counter('sora_rule_evaluations_total', 'Evaluations of rules', () => evaluator.counts.evaluations);
  counter('sora_rule_evaluation_failures_total', 'Evaluations of rules that failed', () => evaluator.counts.failures);
  counter('sora_rule_evaluations_missed_total', 'Evaluations of groups that were left out as the one before took too long', () => evaluator.counts.missed);
  counter('sora_rule_transitions_lost_total', 'Transitions of alerts that the event log never got', () => evaluator.counts.lost);
  const rules: Gauge = new Gauge({
    name: 'sora_rules', help: 'Rules by their health', labelNames: ['health'], registers: [registry],
    collect() {
      const states = evaluator.runs.flatMap((run) => run.rules.map(({ rule, state: { health } }) => (health !== 'error' && blindRules?.has(rule) === true ? 'blind' : health)));
      for (const health of healths) rules.set({ health }, states.filter((each) => each === health).length);
    },
  });
  const alerts: Gauge = new Gauge({
    name: 'sora_alerts', help: 'Alerts that are active', labelNames: ['state'], registers: [registry],
    collect() {
      const states = evaluator.runs.flatMap((run) => run.rules.flatMap(({ state }) => state.alerts.map((alert) => alert.state)));
      for (const state of ['pending', 'firing'] as const) alerts.set({ state }, states.filter((each) => each === state).length);
    },
  });
  const durations: Gauge = new Gauge({
    name: 'sora_rule_group_duration_seconds', help: 'Time of the last evaluation of a group', labelNames: ['rule_group'], registers: [registry],
    collect() {
      for (const run of evaluator.runs) if (run.rules.length > 0) durations.set({ rule_group: run.key }, run.durationMs / 1_000);
    },
  });
}

/** Declares `sora_rehearsals` and `sora_rehearsal_overdue_seconds`. */
export function watchRehearsals(registry: Registry, rehearsals: Pick<Rehearsals, 'overdueMs' | 'count'>, { clock }: Pick<Host, 'clock'>): void {
  const gauge = (name: string, help: string, read: (nowMs: number) => number): void => {
    const metric: Gauge = new Gauge({ name, help, registers: [registry], collect: () => metric.set(read(clock.nowMs())) });
  };
  gauge('sora_rehearsals', 'Load runs and drills under way, whose alerts page nobody', (nowMs) => rehearsals.count(nowMs));
  gauge('sora_rehearsal_overdue_seconds', 'How far the load run that is latest is past its planned end', (nowMs) => rehearsals.overdueMs(nowMs) / 1_000);
}
