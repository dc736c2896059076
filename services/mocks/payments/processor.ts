import { z } from 'zod';
import type { Clock } from '../../../ops/core/host.ts';
import type { Faults } from './faults.ts';

export const chargeSchema = z.object({
  reference: z.uuid(),
  amountCents: z.int().min(1).max(100_000_000),
  currency: z.string().length(3),
  paymentMethod: z.string().min(1).max(64),
  // A pattern: parsing a URL for every charge would cost more than the rest of this schema.
  webhookUrl: z.string().max(500).regex(/^http:\/\/[\w.-]+(:\d{1,5})?(\/[!-~]*)?$/, 'an http URL').optional(),
});
export type Charge = z.infer<typeof chargeSchema>;

/** A payment as it is kept and journalled. */
export interface Payment extends Charge {
  readonly id: string;
  readonly key: string;
  readonly isDeclined: boolean;
  readonly createdMs: number;
  /** When it succeeds or failed. */
  readonly settledMs: number;
  /** When its event is due. */
  readonly dueMs: number;
}

/** What /v1 answers and events carry. */
export interface PaymentView {
  readonly id: string;
  readonly reference: string;
  readonly status: 'processing' | 'succeeded' | 'failed';
  readonly amountCents: number;
  readonly failureCode: string | null;
  readonly updatedMs: number;
}

export type ChargeAnswer =
  | { readonly kind: 'made' | 'repeated'; readonly payment: Payment }
  | { readonly kind: 'key_reused' }
  /** An injected failure; `payment` where it was made all the same. */
  | { readonly kind: 'failed'; readonly payment?: Payment };

/** Extra time that the card `card_slow` takes, ms. */
const slowCardMs = 3_000;

/** Payments kept: beyond, the oldest are forgotten (a repeat of its key would then charge anew). */
export const paymentsMax = 200_000;
const triesMax = 50_000;

/** The card processor's books: what it was asked, what came of it, idempotent by key. */
export class Processor {
  readonly #clock: Clock;
  readonly #draw: (subject: string) => number;
  readonly #byKey = new Map<string, Payment>();
  readonly #byId = new Map<string, Payment>();
  readonly #byReference = new Map<string, Payment>();
  /** How often each key was tried, so that a failed try is not failed for ever. */
  readonly #tries = new Map<string, number>();

  constructor(clock: Clock, draw: (subject: string) => number) {
    this.#clock = clock;
    this.#draw = draw;
  }

  get size(): number {
    return this.#byKey.size;
  }

  payments(): Iterable<Payment> {
    return this.#byKey.values();
  }

  find(by: 'id' | 'reference', value: string): Payment | undefined {
    return (by === 'id' ? this.#byId : this.#byReference).get(value);
  }

  charge(key: string, charge: Charge, faults: Faults): ChargeAnswer {
    const fate = this.#fate(key, faults.failRatio);
    if (fate === 'fail_before') return { kind: 'failed' };
    const known = this.#byKey.get(key);
    if (known !== undefined && !isSame(known, charge)) return { kind: 'key_reused' };
    if (known !== undefined) return fate === 'fail_after' ? { kind: 'failed' } : { kind: 'repeated', payment: known };
    const payment = this.#make(key, charge, faults);
    this.keep(payment);
    return { kind: fate === 'fail_after' ? 'failed' : 'made', payment };
  }

  /** Takes a payment into the books; also those read back from the journal. */
  keep(payment: Payment): void {
    this.#byKey.set(payment.key, payment);
    this.#byId.set(payment.id, payment);
    this.#byReference.set(payment.reference, payment);
    if (this.#byKey.size <= paymentsMax) return;
    const [oldest] = this.#byKey.values();
    if (oldest === undefined) return;
    this.#byKey.delete(oldest.key);
    this.#byId.delete(oldest.id);
    this.#byReference.delete(oldest.reference);
  }

  view(payment: Payment): PaymentView {
    const nowMs = this.#clock.nowMs();
    const isSettled = nowMs >= payment.settledMs;
    const settled = payment.isDeclined ? 'failed' : 'succeeded';
    return {
      id: payment.id,
      reference: payment.reference,
      status: isSettled ? settled : 'processing',
      amountCents: payment.amountCents,
      failureCode: isSettled && payment.isDeclined ? 'card_declined' : null,
      updatedMs: isSettled ? payment.settledMs : payment.createdMs,
    };
  }

  #make(key: string, charge: Charge, faults: Faults): Payment {
    const createdMs = this.#clock.nowMs();
    const isDeclined = charge.paymentMethod === 'card_declined'
      || (faults.declineRatio > 0 && this.#draw(`decline:${charge.reference}`) < faults.declineRatio);
    const isSlow = charge.paymentMethod === 'card_slow';
    // A decline is known while the buyer waits; money takes its time.
    const settledMs = isDeclined ? createdMs : createdMs + faults.settleMs + (isSlow ? slowCardMs : 0);
    const id = `pi_${charge.reference.replaceAll('-', '')}`;
    return { ...charge, id, key, isDeclined, createdMs, settledMs, dueMs: settledMs + faults.webhookDelayMs };
  }

  #fate(key: string, failRatio: number): 'answer' | 'fail_before' | 'fail_after' {
    if (failRatio === 0) return 'answer';
    const tries = (this.#tries.get(key) ?? 0) + 1;
    if (this.#tries.size >= triesMax) this.#tries.clear();
    this.#tries.set(key, tries);
    const drawn = this.#draw(`fail:${key}:${tries}`);
    if (drawn >= failRatio) return 'answer';
    return drawn < failRatio / 2 ? 'fail_before' : 'fail_after';
  }
}

function isSame(known: Payment, charge: Charge): boolean {
  return known.reference === charge.reference && known.amountCents === charge.amountCents
    && known.currency === charge.currency && known.paymentMethod === charge.paymentMethod;
}
