import { z } from 'zod';
import { currency, intentStatuses, packageIds, purchaseTokensMax, tokenPackages, tokenPriceCents } from './rules.ts';

const price = (cents: number): string => `${(cents / 100).toFixed(2)} ${currency.toUpperCase()}`;
const packagePrices = packageIds.map((id) => `${id} is ${tokenPackages[id].tokens} tokens for ${price(tokenPackages[id].priceCents)}`).join(', ');

export const intentRequestSchema = z.strictObject({
  packageId: z.enum(packageIds).optional().meta({ description: `Tokens at a fixed price, instead of \`tokens\`: ${packagePrices}` }),
  tokens: z.int().min(1).max(purchaseTokensMax).optional().meta({ description: `Any number of tokens at ${price(tokenPriceCents)} each, instead of \`packageId\`` }),
  paymentMethod: z.string().regex(/^(card|tok|pm)_[A-Za-z0-9_]{1,60}$/, 'give a token such as card_ok, never a card number').meta({
    description: "The processor's token of a card, never a card number. The stand-in that ships with the local stack declines card_declined (402), settles card_slow 3 s later, and takes any other, such as card_ok",
  }),
});
export type IntentRequest = z.infer<typeof intentRequestSchema>;

export const intentSchema = z.object({
  intentId: z.uuid(),
  status: z.enum(intentStatuses),
  tokens: z.int(),
  priceCents: z.int(),
  currency: z.string(),
  /** Why it failed, in the processor's word; null otherwise. */
  failureCode: z.string().nullable(),
  createdAt: z.iso.datetime(),
});
export type Intent = z.infer<typeof intentSchema>;

export const intentParamsSchema = z.object({ intentId: z.uuid() });

/** Milliseconds since 1970, up to the year 2100. */
const timeMsSchema = z.int().min(0).max(Date.UTC(2100, 0));

/** A processor's event, as it is posted to the webhook. Unknown members are let through. */
export const eventSchema = z.object({
  id: z.string().min(1).max(100),
  type: z.string().max(100),
  /** When it happened, by the processor's clock. */
  createdMs: timeMsSchema,
  data: z.object({
    /** The processor's id of the payment. */
    id: z.string().max(100),
    /** Our intent's id. */
    reference: z.uuid(),
    amountCents: z.int(),
    failureCode: z.string().max(100).nullish(),
    /** When the processor was asked. */
    createdMs: timeMsSchema.optional(),
  }),
});
export type WebhookEvent = z.infer<typeof eventSchema>;

export const receiptSchema = z.object({ received: z.literal(true), outcome: z.string() });

/** The members of a problem document that clients act on. */
export const problemSchema = z.object({
  type: z.string().optional(),
  title: z.string().optional(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  correlationId: z.string().optional(),
});
