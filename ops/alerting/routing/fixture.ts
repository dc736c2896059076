/** What the tests of routing share. */
import type { RoutedAlert } from '../alert.ts';
import { fingerprintOf } from '../alert.ts';
import type { Notification } from '../notification.ts';
import { noPolicies } from '../oncall/policy.ts';
import type { Policies } from '../oncall/policy.ts';
import { parseRouting } from './config.ts';
import type { RoutingConfig } from './config.ts';
import { decide } from './decide.ts';
import { emptyState } from './state.ts';
import type { Decision, Observed, RoutingState } from './state.ts';

export const startMs = Date.UTC(2026, 0, 5, 9);

/** An alert that fires from `startsAtMs` on, or fired until `endsAtMs`. */
export function alertOf(labels: Readonly<Record<string, string>>, times: { readonly startsAtMs?: number; readonly endsAtMs?: number | undefined } = {}): RoutedAlert {
  const { startsAtMs = startMs, endsAtMs } = times;
  return {
    fingerprint: fingerprintOf(labels), labels, annotations: { summary: `${labels['alertname'] ?? 'an alert'} fires` }, status: endsAtMs === undefined ? 'firing' : 'resolved',
    startsAtMs, endsAtMs, value: 1, expression: 'x > 0',
  };
}

/** Routing's parts without a database: decides when told and keeps what came of it. */
export class Simulation {
  readonly config: RoutingConfig;
  readonly policies: Policies;
  state: RoutingState = emptyState;
  alerts: readonly RoutedAlert[] | undefined = [];
  nowMs = startMs;
  readonly sent: Notification[] = [];
  readonly events: Decision['events'][number][] = [];
  wakeAtMs: number | undefined;

  constructor(config: RoutingConfig | string, policies: Policies = noPolicies) {
    this.config = typeof config === 'string' ? parseRouting('routing.yaml', config) : config;
    this.policies = policies;
  }

  observed(): Observed {
    return { config: this.config, state: this.state, alerts: this.alerts, policies: this.policies };
  }

  /** Decides now; returns the messages of this decision. */
  decide(): readonly Notification[] {
    const decision = decide(this.observed(), this.nowMs);
    this.state = decision.state;
    this.wakeAtMs = decision.wakeAtMs;
    this.sent.push(...decision.notifications);
    this.events.push(...decision.events);
    return decision.notifications;
  }

  /** Lets time pass and decides whenever it was asked for; returns the messages of that time. */
  pass(durationMs: number): readonly Notification[] {
    const untilMs = this.nowMs + durationMs;
    const before = this.sent.length;
    for (this.decide(); this.wakeAtMs !== undefined && this.wakeAtMs <= untilMs; this.decide()) this.nowMs = Math.max(this.nowMs, this.wakeAtMs);
    this.nowMs = untilMs;
    return this.sent.slice(before);
  }
}

/** `receiver reason: alertnames` of messages, for short assertions. */
export function brief(notifications: readonly Notification[]): string[] {
  return notifications.map(({ receiver, reason, alerts }) => `${receiver} ${reason}: ${alerts.map(({ labels }) => labels['alertname'] ?? '').join(' ')}`);
}
