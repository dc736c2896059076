import type { Counter, Registry } from 'prom-client';
import { counter, histogram, metricNames } from '../../ops/telemetry/metrics.ts';
import { eventOutcomes, type EventOutcome } from './rules.ts';

const attemptOutcomes = ['accepted', 'declined', 'replayed', 'key_reused', 'provider_error', 'error'] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

const webhookOutcomes = [...eventOutcomes, 'bad_signature', 'malformed', 'error'] as const;
export type WebhookOutcome = EventOutcome | 'bad_signature' | 'malformed' | 'error';

/** `declined` while the buyer waited, `failed` by a later event. */
export const settlements = ['succeeded', 'declined', 'failed'] as const;
export type Settlement = (typeof settlements)[number];

export interface PaymentsMetrics {
  attempted(outcome: AttemptOutcome): void;
  /** A purchase reached its end; the success ratio is the share of `succeeded`. */
  settled(outcome: Settlement): void;
  /** Tokens reached a wallet: ms since the processor's event, and since it was asked where the event tells. */
  credited(eventDelayMs: number, purchaseDelayMs: number | undefined): void;
  received(outcome: WebhookOutcome): void;
}

/** Declares the payments' series, or takes those declared before; the counters are all present from the start. */
export function createPaymentsMetrics(registry: Registry): PaymentsMetrics {
  const attempts = outcomes(registry, 'payment_attempts_total', 'Purchases asked for, by how that ended');
  const webhooks = outcomes(registry, 'payment_webhooks_total', 'Events of the processor, by what became of them');
  const payments = counter(registry, metricNames.payments);
  for (const outcome of attemptOutcomes) attempts.inc({ outcome }, 0);
  for (const outcome of webhookOutcomes) webhooks.inc({ outcome }, 0);
  for (const outcome of settlements) payments.inc({ outcome }, 0);
  const purchaseDelay = histogram(registry, metricNames.paymentDelay);
  const eventDelay = histogram(registry, {
    name: 'payment_webhook_delay_seconds',
    help: "From the processor's event to the tokens in the wallet",
    labels: [],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  });
  return {
    attempted: (outcome) => attempts.inc({ outcome }),
    received: (outcome) => webhooks.inc({ outcome }),
    settled: (outcome) => payments.inc({ outcome }),
    credited(eventDelayMs, purchaseDelayMs) {
      // Two clocks are compared: a processor ahead of ours gives no negative delay.
      eventDelay.observe(Math.max(0, eventDelayMs) / 1_000);
      if (purchaseDelayMs !== undefined) purchaseDelay.observe(Math.max(0, purchaseDelayMs) / 1_000);
    },
  };
}

function outcomes(registry: Registry, name: string, help: string): Counter {
  return counter(registry, { name, help, labels: ['outcome'] });
}
