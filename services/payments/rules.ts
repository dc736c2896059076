import { badRequest, type Problem } from '../platform/problem.ts';

/** Bundles of tokens at a fixed price. */
export const tokenPackages = {
  starter: { tokens: 100, priceCents: 499 },
  plus: { tokens: 500, priceCents: 1_999 },
  pro: { tokens: 2_000, priceCents: 6_999 },
} as const;
export type PackageId = keyof typeof tokenPackages;
export const packageIds = Object.keys(tokenPackages) as [PackageId, ...PackageId[]];

/** What one token costs outside a package, in cents. */
export const tokenPriceCents = 5;
/** Most tokens in one purchase. */
export const purchaseTokensMax = 100_000;
export const currency = 'usd';

export interface Order {
  readonly tokens: number;
  readonly priceCents: number;
}

/** Prices a purchase of either a package or a number of tokens; a Problem where neither or both are named. */
export function priceOrder(packageId: PackageId | undefined, tokens: number | undefined): Order | Problem {
  if (packageId !== undefined && tokens === undefined) return tokenPackages[packageId];
  if (packageId === undefined && tokens !== undefined) return { tokens, priceCents: tokens * tokenPriceCents };
  const offer = `name either packageId (${packageIds.join(', ')}) or tokens`;
  return badRequest('invalid_order', packageId === undefined ? `neither packageId nor tokens is given: ${offer}` : `packageId "${packageId}" and tokens ${tokens} are both given: ${offer}`);
}

/** `pending` until the processor reports; `succeeded` is final, `failed` may yet become `succeeded`. */
export const intentStatuses = ['pending', 'failed', 'succeeded'] as const;
export type IntentStatus = (typeof intentStatuses)[number];

/** What a processor tells of a payment; other types are taken and ignored. */
export const eventTypes = ['payment_intent.processing', 'payment_intent.failed', 'payment_intent.succeeded'] as const;
export type EventType = (typeof eventTypes)[number];

const rank: Readonly<Record<IntentStatus, number>> = { pending: 0, failed: 1, succeeded: 2 };
const raisedTo: Readonly<Record<EventType, IntentStatus>> = {
  'payment_intent.processing': 'pending',
  'payment_intent.failed': 'failed',
  'payment_intent.succeeded': 'succeeded',
};

/** The status after an event: it only rises, so events may come in any order and more than once. */
export function statusAfter(status: IntentStatus, event: EventType): IntentStatus {
  const next = raisedTo[event];
  return rank[next] > rank[status] ? next : status;
}

/** What became of an event. `applied` changed the intent; with `succeeded` the wallet was credited. */
export const eventOutcomes = ['applied', 'duplicate', 'ignored', 'unknown_intent', 'amount_mismatch'] as const;
export type EventOutcome = (typeof eventOutcomes)[number];
