import { z } from 'zod';
import { systemAccountsFrom, transferKinds, transferTokensMax } from './rules.ts';

/** A user's id. */
const userIdSchema = z.int().min(1).max(systemAccountsFrom - 1);

export const walletSchema = z.object({
  userId: userIdSchema,
  /** Whole tokens, never negative. */
  balance: z.int().min(0),
});
export type Wallet = z.infer<typeof walletSchema>;

export const transferRequestSchema = z.strictObject({
  toUserId: userIdSchema,
  amount: z.int().min(1).max(transferTokensMax),
  kind: z.enum(transferKinds),
});
export type TransferRequest = z.infer<typeof transferRequestSchema>;

export const transferSchema = z.object({
  transferId: z.int(),
  fromUserId: userIdSchema,
  toUserId: userIdSchema,
  kind: z.enum(transferKinds),
  /** Tokens the payer gave; `platformShare` and `creatorShare` sum to it. */
  amount: z.int(),
  platformShare: z.int().min(0),
  creatorShare: z.int().min(1),
  createdAt: z.iso.datetime(),
});
export type Transfer = z.infer<typeof transferSchema>;

export const historyQuerySchema = z.object({
  /** `nextCursor` of the page before. */
  cursor: z.string().regex(/^\d{1,16}$/, 'take nextCursor of the page before').optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});
export type HistoryQuery = z.infer<typeof historyQuerySchema>;

export const historyEntrySchema = z.object({
  transferId: z.int(),
  /** `chat`, `tip`, `gift`, `live`, `purchase` or what else credited the wallet. */
  kind: z.string(),
  /** Tokens in (positive) or out (negative), after the platform's share. */
  amount: z.int(),
  /** The other user; null where tokens came from the platform. */
  counterpartyId: z.int().nullable(),
  createdAt: z.iso.datetime(),
});
export type HistoryEntry = z.infer<typeof historyEntrySchema>;

export const historySchema = z.object({
  items: z.array(historyEntrySchema),
  /** Null on the last page. */
  nextCursor: z.string().nullable(),
});
export type History = z.infer<typeof historySchema>;

/** Accounts and transfers listed one by one in an audit; the counts are complete. */
export const auditListMax = 100;

export const ledgerAuditSchema = z.object({
  balanced: z.boolean(),
  /** Sum of all tokens that left accounts, and of all that reached accounts. */
  debits: z.int(),
  credits: z.int(),
  accountsChecked: z.int(),
  transfersChecked: z.int(),
  /** Accounts whose balance differs from the sum of their entries. */
  mismatchCount: z.int(),
  mismatches: z.array(z.object({ accountId: z.int(), balance: z.int(), entries: z.int() })).max(auditListMax),
  /** Accounts below zero, but for the issuing account, whose balance is minus the tokens in circulation. */
  negativeCount: z.int(),
  negativeAccounts: z.array(z.int()).max(auditListMax),
  /** Transfers whose entries are missing, do not sum to 0 or do not move its amount; entries without a transfer. */
  brokenTransferCount: z.int(),
  brokenTransfers: z.array(z.int()).max(auditListMax),
});
export type LedgerAudit = z.infer<typeof ledgerAuditSchema>;

/** The members of a problem document that clients act on. */
export const problemSchema = z.object({
  type: z.string().optional(),
  title: z.string().optional(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  correlationId: z.string().optional(),
});
