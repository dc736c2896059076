import { badRequest, type Problem } from '../platform/problem.ts';

/** Kinds of payment between users. A chat message is paid for by the chat domain, the rest by hand. */
export const paymentKinds = ['chat', 'tip', 'gift', 'live'] as const;
export type PaymentKind = (typeof paymentKinds)[number];

/** What `POST /wallet/transfers` offers. */
export const transferKinds = ['tip', 'gift', 'live'] as const;
export type TransferKind = (typeof transferKinds)[number];

/** Most tokens in one transfer. */
export const transferTokensMax = 1_000_000;

/** Ids from here on are system accounts; users' ids lie below. */
export const systemAccountsFrom = 9_000_000_000_000_000;

/** The platform's part in percent; the SQL function `wallet_platform_percent` holds the same. */
export const platformPercent: Readonly<Record<PaymentKind, number>> = { chat: 35, tip: 20, gift: 20, live: 30 };

export interface RevenueSplit {
  readonly platform: number;
  readonly creator: number;
}

/**
 * Splits a payment: the platform's share rounds down, the creator gets the rest, so the parts sum exactly.
 * @param tokens a whole number from 1 to 10^12, where the product is still exact
 */
export function splitRevenue(kind: PaymentKind, tokens: number): RevenueSplit {
  const platform = Math.floor((tokens * platformPercent[kind]) / 100);
  return { platform, creator: tokens - platform };
}

/** Why a transfer was not made. */
export type Refusal = 'insufficient' | 'conflict' | 'unknown_recipient';

/** Refuses what no ledger need be asked about. */
export function refuseSelfTransfer(payerId: number, payeeId: number): Problem | undefined {
  if (payerId !== payeeId) return undefined;
  return badRequest('self_transfer', `user ${payerId} cannot transfer tokens to itself; name another user in toUserId`);
}

/** One account whose balance differs from its entries. */
export interface AccountMismatch {
  readonly accountId: number;
  readonly balance: number;
  readonly entries: number;
}

/** What the audit counted, in one snapshot. */
export interface LedgerFigures {
  readonly debits: number;
  readonly credits: number;
  readonly accountsChecked: number;
  readonly transfersChecked: number;
  readonly mismatchCount: number;
  readonly negativeCount: number;
  readonly brokenTransferCount: number;
}

/** The ledger balances when both sides agree and no account or transfer stands out. */
export function isBalanced(figures: LedgerFigures): boolean {
  return figures.debits === figures.credits
    && figures.mismatchCount === 0
    && figures.negativeCount === 0
    && figures.brokenTransferCount === 0;
}
