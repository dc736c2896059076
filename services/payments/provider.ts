/** What we ask of a card processor. */

export interface ChargeRequest {
  /** Our intent's id; also the processor's idempotency key, so asking again is safe. */
  readonly reference: string;
  readonly amountCents: number;
  readonly currency: string;
  readonly paymentMethod: string;
  /** Where the processor reports what became of it. */
  readonly webhookUrl: string;
}

export type PaymentStatus = 'processing' | 'succeeded' | 'failed';

/** A payment as the processor knows it. */
export interface ProviderPayment {
  /** The processor's id. */
  readonly id: string;
  readonly reference: string;
  readonly status: PaymentStatus;
  readonly amountCents: number;
  /** Why it failed; null otherwise. */
  readonly failureCode: string | null;
  /** When it reached that status, by the processor's clock. */
  readonly updatedMs: number;
}

export interface PaymentProvider {
  /**
   * Asks for money. A declined card is an answer (`failed`), not an error.
   * @throws Problem 503 `payment_provider_unavailable` when the processor cannot say: the payment may
   *   or may not stand, and asking again with the same reference is safe
   */
  charge(request: ChargeRequest, signal?: AbortSignal): Promise<ProviderPayment>;
  /** The payment of this reference; undefined where the processor never heard of it. Throws as `charge` does. */
  find(reference: string, signal?: AbortSignal): Promise<ProviderPayment | undefined>;
  /** Ends idle connections. */
  close(): void;
}
