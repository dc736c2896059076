import type { Faults } from './faults.ts';
import type { Payment } from './processor.ts';

/** An event to be posted; `id` is the receiver's key against repeats. */
export interface OutgoingEvent {
  readonly id: string;
  readonly url: string;
  /** JSON, signed anew at each try. */
  readonly body: string;
  /** Wall time of the first try. */
  readonly dueMs: number;
}

type EventType = 'payment_intent.processing' | 'payment_intent.failed' | 'payment_intent.succeeded';

/** Pause before an event that comes late on purpose, ms: behind the true one, but not by much. */
const lateByMs = 20;

/** The id of the event that ends a payment. */
export function endEventId(payment: Payment): string {
  return `evt_${payment.id}_${payment.isDeclined ? 'failed' : 'succeeded'}`;
}

/** The event that ends a payment. */
export function endEvent(payment: Payment, url: string): OutgoingEvent {
  const type = payment.isDeclined ? 'payment_intent.failed' : 'payment_intent.succeeded';
  return eventOf(payment, url, endEventId(payment), type, payment.settledMs, payment.dueMs);
}

/** What faults add to it: the same event again, and one of an earlier state that arrives late. */
export function extraEvents(payment: Payment, url: string, faults: Faults, draw: (subject: string) => number): OutgoingEvent[] {
  const extra: OutgoingEvent[] = [];
  if (faults.duplicateRatio > 0 && draw(`duplicate:${payment.id}`) < faults.duplicateRatio) extra.push(endEvent(payment, url));
  if (faults.outOfOrderRatio > 0 && !payment.isDeclined && draw(`late:${payment.id}`) < faults.outOfOrderRatio) {
    // Half of them an earlier try that failed: the hardest to ignore.
    const type = draw(`late-type:${payment.id}`) < 0.5 ? 'payment_intent.failed' : 'payment_intent.processing';
    extra.push(eventOf(payment, url, `evt_${payment.id}_late`, type, payment.createdMs, payment.dueMs + lateByMs));
  }
  return extra;
}

function eventOf(payment: Payment, url: string, id: string, type: EventType, createdMs: number, dueMs: number): OutgoingEvent {
  const failureCode = type === 'payment_intent.failed' ? 'card_declined' : null;
  const data = { id: payment.id, reference: payment.reference, amountCents: payment.amountCents, failureCode, createdMs: payment.createdMs };
  return { id, url, dueMs, body: JSON.stringify({ id, type, createdMs, data }) };
}
