import { createdReply } from '../platform/idempotency.ts';
import { notFound } from '../platform/problem.ts';
import { route, type Route } from '../platform/route.ts';
import { buyTokens, describeIntent, orThrow, type PurchaseParts } from './purchase.ts';
import { priceOrder } from './rules.ts';
import { intentParamsSchema, intentRequestSchema, intentSchema, problemSchema, receiptSchema } from './schemas.ts';
import { signatureHeader } from './signature.ts';
import type { PaymentsStore } from './store.ts';
import { takeEvent, type WebhookParts } from './webhook.ts';

/** The payments' part of the API. */
export function createPaymentsRoutes(parts: PurchaseParts & WebhookParts): Route[] {
  return [purchaseRoute(parts), intentRoute(parts.store), webhookRoute(parts)];
}

const purchaseRoute = (parts: PurchaseParts): Route =>
  route({
    method: 'post',
    path: '/payments/intents',
    operationId: 'createPaymentIntent',
    hot: true,
    summary: 'Buys tokens; they reach the wallet when the processor reports success. A retry with the same key answers as the first try did',
    auth: 'user',
    body: intentRequestSchema,
    responses: { 201: intentSchema, 400: problemSchema, 402: problemSchema, 409: problemSchema, 503: problemSchema },
    idempotent: true,
    handle: async ({ userId, body, writeId }) => {
      const order = orThrow(priceOrder(body.packageId, body.tokens));
      const { intent, replayed } = await buyTokens(parts, { ...order, userId, writeId, paymentMethod: body.paymentMethod });
      return createdReply(intent, replayed);
    },
  });

const intentRoute = (store: PaymentsStore): Route =>
  route({
    method: 'get',
    path: '/payments/intents/{intentId}',
    operationId: 'getPaymentIntent',
    hot: true,
    summary: 'What became of one of the caller\'s purchases',
    auth: 'user',
    params: intentParamsSchema,
    responses: { 200: intentSchema, 404: problemSchema },
    handle: async ({ userId, params }) => {
      const intent = await store.findIntent(userId, params.intentId);
      if (intent === undefined) throw notFound('unknown_intent', `you have no payment intent ${params.intentId}`);
      return { status: 200, body: describeIntent(intent) };
    },
  });

const webhookRoute = (parts: WebhookParts): Route =>
  route({
    method: 'post',
    path: '/payments/webhook',
    operationId: 'takePaymentEvent',
    hot: true,
    summary: `Events of the card processor, signed in the header ${signatureHeader}`,
    auth: 'none',
    rawBody: true,
    // All come from one address; the signature, not a rate limit, keeps strangers out, and they pay for trying.
    cost: 0,
    refusalCost: 10,
    responses: { 200: receiptSchema, 400: problemSchema, 401: problemSchema, 404: problemSchema, 422: problemSchema },
    handle: ({ headers, rawBody }) => takeEvent(parts, headers[signatureHeader], rawBody ?? Buffer.alloc(0)),
  });
