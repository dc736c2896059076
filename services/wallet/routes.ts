import { createdReply, keyReused } from '../platform/idempotency.ts';
import { notFound, paymentRequired, Problem } from '../platform/problem.ts';
import { auditTimeoutMs } from '../platform/long-query.ts';
import { route, type Reply, type Route } from '../platform/route.ts';
import type { WalletMetrics } from './metrics.ts';
import { platformPercent, refuseSelfTransfer, splitRevenue, transferKinds } from './rules.ts';
import {
  historyQuerySchema, historySchema, ledgerAuditSchema, problemSchema, transferRequestSchema, transferSchema, walletSchema,
} from './schemas.ts';
import type { TransferItem, TransferResult, WalletStore } from './store.ts';

/** The wallet's part of the API. */
export function createWalletRoutes(store: WalletStore, metrics: WalletMetrics): Route[] {
  return [walletRoute(store), historyRoute(store), transferRoute(store, metrics), auditRoute(store)];
}

const walletRoute = (store: WalletStore): Route =>
  route({
    method: 'get',
    path: '/wallet',
    operationId: 'getWallet',
    summary: "The caller's balance in whole tokens",
    auth: 'user',
    responses: { 200: walletSchema },
    handle: async ({ userId }) => ({ status: 200, body: { userId, balance: await store.balance(userId) } }),
  });

const historyRoute = (store: WalletStore): Route =>
  route({
    method: 'get',
    path: '/wallet/history',
    operationId: 'listWalletHistory',
    summary: "What moved the caller's balance, newest first",
    auth: 'user',
    query: historyQuerySchema,
    responses: { 200: historySchema },
    handle: async ({ userId, query }) => {
      const beforeId = query.cursor === undefined ? undefined : Number(query.cursor);
      // One more than asked for tells whether there is another page.
      const found = await store.history(userId, beforeId, query.limit + 1);
      const items = found.slice(0, query.limit);
      const last = items.at(-1);
      return { status: 200, body: { items, nextCursor: found.length > items.length && last ? String(last.transferId) : null } };
    },
  });

const transferRoute = (store: WalletStore, metrics: WalletMetrics): Route =>
  route({
    method: 'post',
    path: '/wallet/transfers',
    operationId: 'createTransfer',
    summary: 'Gives tokens to another user as a tip, a gift or for a live stream; a retry with the same key answers as the first try did',
    description: `The platform keeps a share, rounded down: ${transferKinds.map((kind) => `${platformPercent[kind]} % of kind ${kind}`).join(', ')}. `
      + `The rest reaches the recipient: of a tip of 5 tokens, ${splitRevenue('tip', 5).creator}.`,
    auth: 'user',
    body: transferRequestSchema,
    responses: { 201: transferSchema, 400: problemSchema, 402: problemSchema, 404: problemSchema, 409: problemSchema },
    idempotent: true,
    handle: async ({ userId, body, writeId }) => {
      const item: TransferItem = { writeId, payerId: userId, payeeId: body.toUserId, amount: body.amount, kind: body.kind };
      const selfTransfer = refuseSelfTransfer(userId, body.toUserId);
      if (selfTransfer !== undefined) {
        metrics.failed(body.kind, 'self_transfer');
        throw selfTransfer;
      }
      const result = await store.transfer(item).catch((error: unknown) => {
        metrics.failed(body.kind, 'error');
        throw error;
      });
      return replyTo(item, result, metrics);
    },
  });

function replyTo(item: TransferItem, result: TransferResult, metrics: WalletMetrics): Reply {
  switch (result.outcome) {
    case 'ok':
      metrics.earned(item.kind, result.transfer.creatorShare);
      return createdReply(result.transfer, false);
    case 'replayed':
      return createdReply(result.transfer, true);
    case 'insufficient':
      metrics.failed(item.kind, 'insufficient');
      throw paymentRequired('insufficient_tokens', `${item.amount} tokens are more than the wallet holds; buy tokens with POST /payments/intents`);
    case 'unknown_recipient':
      metrics.failed(item.kind, 'unknown_recipient');
      throw notFound('unknown_recipient', `there is no user ${item.payeeId}`);
    case 'conflict':
      metrics.failed(item.kind, 'conflict');
      throw keyReused(item.writeId, 'transfer');
    default:
      throw new Problem(500, 'unexpected_outcome', `the ledger answered ${JSON.stringify(result satisfies never)}`);
  }
}

const auditRoute = (store: WalletStore): Route =>
  route({
    method: 'get',
    path: '/ledger/audit',
    operationId: 'auditLedger',
    summary: 'Proves in one snapshot that debits equal credits and every balance equals its entries',
    auth: 'admin',
    responses: { 200: ledgerAuditSchema },
    // It reads the whole ledger.
    cost: 10,
    timeoutMs: auditTimeoutMs,
    handle: async () => ({ status: 200, body: await store.audit() }),
  });
