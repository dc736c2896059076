import { Counter, Histogram, type Registry } from 'prom-client';
import { eventOutcomes, type EventOutcome } from './rules.ts';

const attemptOutcomes = ['accepted', 'declined', 'replayed', 'key_reused', 'provider_error', 'error'] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

const webhookOutcomes = [...eventOutcomes, 'bad_signature', 'malformed', 'error'] as const;
export type WebhookOutcome = EventOutcome | 'bad_signature' | 'malformed' | 'error';

export interface PaymentsMetrics {
  attempted(outcome: AttemptOutcome): void;
  /** A purchase reached its end; `delayMs` from the processor's event to our commit. */
  settled(status: 'succeeded' | 'failed', delayMs: number): void;
  received(outcome: WebhookOutcome): void;
}

/**
 * Declares the payments' series, all present from the start. The success ratio is
 * `payment_success_total / (payment_success_total + payment_failure_total)`.
 */
export function createPaymentsMetrics(registry: Registry): PaymentsMetrics {
  const attempts = counter(registry, 'payment_attempts_total', 'Purchases asked for, by how that ended');
  const webhooks = counter(registry, 'payment_webhooks_total', 'Events of the processor, by what became of them');
  for (const outcome of attemptOutcomes) attempts.inc({ outcome }, 0);
  for (const outcome of webhookOutcomes) webhooks.inc({ outcome }, 0);
  const succeeded = new Counter({ name: 'payment_success_total', help: 'Purchases paid and credited', registers: [registry] });
  const failed = new Counter({ name: 'payment_failure_total', help: 'Purchases that the processor declined or failed', registers: [registry] });
  const delay = new Histogram({
    name: 'payment_webhook_delay_seconds',
    help: "From the processor's event to the tokens in the wallet",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers: [registry],
  });
  return {
    attempted: (outcome) => attempts.inc({ outcome }),
    received: (outcome) => webhooks.inc({ outcome }),
    settled(status, delayMs) {
      if (status === 'failed') return failed.inc();
      succeeded.inc();
      // Two clocks are compared: a processor ahead of ours gives no negative delay.
      delay.observe(Math.max(0, delayMs) / 1_000);
    },
  };
}

function counter(registry: Registry, name: string, help: string): Counter<'outcome'> {
  return new Counter({ name, help, labelNames: ['outcome'], registers: [registry] });
}
