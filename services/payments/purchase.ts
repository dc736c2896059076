import type { Host } from '../../ops/core/host.ts';
import { keyReused } from '../platform/idempotency.ts';
import { paymentRequired, Problem } from '../platform/problem.ts';
import type { PaymentsMetrics } from './metrics.ts';
import type { PaymentProvider } from './provider.ts';
import { currency, type Order } from './rules.ts';
import type { Intent } from './schemas.ts';
import type { NewIntent, PaymentsStore, StoredIntent } from './store.ts';

export interface PurchaseParts {
  readonly host: Host;
  readonly store: PaymentsStore;
  readonly provider: PaymentProvider;
  readonly metrics: PaymentsMetrics;
  /** Where the processor reports. */
  readonly webhookUrl: string;
}

export interface PurchaseRequest extends Order {
  readonly userId: number;
  /** The buyer's idempotency key. */
  readonly writeId: string;
  readonly paymentMethod: string;
}

/**
 * Buys tokens: one batched write that records the purchase, then one call to the processor, whose
 * event settles it later. A crash between the two loses nothing: the buyer's retry or the
 * reconciler asks the processor again under the same reference.
 * @throws Problem 402 `card_declined`, 409 for a key used for another purchase, 503 when the processor cannot say
 */
export async function buyTokens(parts: PurchaseParts, request: PurchaseRequest): Promise<{ intent: Intent; replayed: boolean }> {
  const { metrics } = parts;
  const fresh: NewIntent = { ...request, intentId: parts.host.random.uuid() };
  const stored = await parts.store.openIntent(fresh).catch((error: unknown) => {
    metrics.attempted('error');
    throw error;
  });
  const replayed = stored.intentId !== fresh.intentId;
  if (replayed && !isSameOrder(stored, fresh)) {
    metrics.attempted('key_reused');
    throw keyReused(request.writeId, 'purchase');
  }
  if (stored.refused) {
    metrics.attempted('replayed');
    throw declined(stored.intentId, stored.failureCode ?? 'card_declined');
  }
  // Also a repeat asks the processor while the outcome is open: the first try may have died before it did.
  if (stored.status === 'pending') await charge(parts, stored);
  metrics.attempted(replayed ? 'replayed' : 'accepted');
  return { intent: describeIntent(stored), replayed };
}

async function charge(parts: PurchaseParts, intent: StoredIntent): Promise<void> {
  const payment = await parts.provider.charge({
    reference: intent.intentId,
    amountCents: intent.priceCents,
    currency,
    paymentMethod: intent.paymentMethod,
    webhookUrl: parts.webhookUrl,
  }).catch((error: unknown) => {
    parts.metrics.attempted('provider_error');
    throw error;
  });
  if (payment.status !== 'failed') return;
  const failureCode = payment.failureCode ?? 'card_declined';
  // Durable before the buyer hears of it, so that every retry gets the same answer.
  await parts.store.refuseIntent(intent.intentId, failureCode);
  parts.metrics.attempted('declined');
  parts.metrics.settled('declined');
  throw declined(intent.intentId, failureCode);
}

function isSameOrder(stored: StoredIntent, asked: NewIntent): boolean {
  return stored.tokens === asked.tokens && stored.priceCents === asked.priceCents && stored.paymentMethod === asked.paymentMethod;
}

function declined(intentId: string, failureCode: string): Problem {
  return paymentRequired('card_declined', `the card was declined (${failureCode}); use another card with a new Idempotency-Key`, { intentId, failureCode });
}

/** An intent as the API shows it. */
export function describeIntent(intent: StoredIntent): Intent {
  return {
    intentId: intent.intentId,
    status: intent.status,
    tokens: intent.tokens,
    priceCents: intent.priceCents,
    currency,
    failureCode: intent.failureCode,
    createdAt: intent.createdAt.toISOString(),
  };
}

/** Unwraps a rule's answer: a Problem is thrown. */
export function orThrow<Value extends object>(value: Value | Problem): Value {
  if (value instanceof Problem) throw value;
  return value;
}
