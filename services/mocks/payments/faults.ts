import { createHash } from 'node:crypto';
import { z } from 'zod';

const ratio = z.number().min(0).max(1);
const delayMs = z.int().min(0).max(600_000);

/** What goes wrong, set at run time through `POST /control`; members left out stay as they are. */
export const faultsSchema = z.strictObject({
  /** From a payment's end to the sending of its event. */
  webhookDelayMs: delayMs,
  /** From the request to the payment's end; the card `card_slow` takes 3,000 ms longer. */
  settleMs: delayMs,
  /** Share of payments that are declined whatever the card. */
  declineRatio: ratio,
  /** Share of events that are sent twice. */
  duplicateRatio: ratio,
  /** Share of successes after which a late event of an earlier state is sent. */
  outOfOrderRatio: ratio,
  /** Wait before each reply of /v1. */
  latencyMs: delayMs,
  /** Share of tries answered 500: half of them with nothing done, half after the payment was made. */
  failRatio: ratio,
  /** Events are lost instead of sent. */
  dropWebhooks: z.boolean(),
});
export type Faults = z.infer<typeof faultsSchema>;

export const faultsChangeSchema = faultsSchema.partial();

export const noFaults: Faults = {
  webhookDelayMs: 100, settleMs: 50, declineRatio: 0, duplicateRatio: 0, outOfOrderRatio: 0, latencyMs: 0, failRatio: 0, dropWebhooks: false,
};

/** Draws numbers in [0, 1) that depend on the seed and the subject only, never on the order of requests. */
export function createDraw(seed: number): (subject: string) => number {
  return (subject) => createHash('sha256').update(`${seed}:${subject}`).digest().readUInt32BE(0) / 2 ** 32;
}
