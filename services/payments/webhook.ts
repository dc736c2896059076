import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../ops/core/host.ts';
import { badRequest, notFound, Problem } from '../platform/problem.ts';
import type { Reply } from '../platform/route.ts';
import type { PaymentsMetrics } from './metrics.ts';
import { eventSchema, type WebhookEvent } from './schemas.ts';
import { verifySignature } from './signature.ts';
import type { PaymentsStore } from './store.ts';

export interface WebhookParts {
  readonly clock: Clock;
  readonly key: KeyObject;
  readonly store: PaymentsStore;
  readonly metrics: PaymentsMetrics;
}

/**
 * Takes one signed event. The reply is 2xx only once the event and its credit are committed, so
 * whatever dies in between, the processor sends the event again and the repeat does nothing twice.
 * @throws Problem 401 for a bad signature, 400 malformed, 404 unknown intent, 422 for another amount than was ordered
 */
export async function takeEvent(parts: WebhookParts, signature: unknown, body: Buffer): Promise<Reply> {
  const event = readEvent(parts, signature, body);
  const outcome = await parts.store.applyEvent({
    eventId: event.id,
    intentId: event.data.reference,
    type: event.type,
    providerId: event.data.id,
    amountCents: event.data.amountCents,
    failureCode: event.data.failureCode ?? null,
    createdMs: event.createdMs,
  }).catch((error: unknown) => {
    parts.metrics.received('error');
    throw error;
  });
  parts.metrics.received(outcome);
  if (outcome === 'unknown_intent') throw notFound('unknown_intent', `there is no intent ${event.data.reference}`);
  if (outcome === 'amount_mismatch') {
    throw new Problem(422, 'amount_mismatch', `event ${event.id} is about ${event.data.amountCents} cents, which is not the price of intent ${event.data.reference}`);
  }
  if (outcome === 'applied') countSettlement(parts, event);
  return { status: 200, body: { received: true, outcome } };
}

function countSettlement({ clock, metrics }: WebhookParts, event: WebhookEvent): void {
  if (event.type !== 'payment_intent.succeeded') return metrics.settled('failed');
  const nowMs = clock.nowMs();
  const askedMs = event.data.createdMs;
  metrics.settled('succeeded');
  metrics.credited(nowMs - event.createdMs, askedMs === undefined ? undefined : nowMs - askedMs);
}

function readEvent(parts: WebhookParts, signature: unknown, body: Buffer): WebhookEvent {
  try {
    verifySignature(parts.clock, parts.key, signature, body);
  } catch (error) {
    parts.metrics.received('bad_signature');
    throw error;
  }
  const parsed = eventSchema.safeParse(parseJson(body));
  if (parsed.success) return parsed.data;
  parts.metrics.received('malformed');
  const issue = parsed.error.issues[0];
  throw badRequest('malformed_event', `the event does not fit at "${issue?.path.join('.') ?? ''}": ${issue?.message ?? 'invalid'}`);
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
