import type { Database, Statement } from '../platform/database.ts';
import { queryAtLength } from '../platform/long-query.ts';
import { isBalanced, systemAccountsFrom, type Refusal, type TransferKind } from './rules.ts';
import { auditListMax, type HistoryEntry, type LedgerAudit, type Transfer } from './schemas.ts';

/** A transfer as the payer asked for it; its write id is the idempotency key. */
export interface TransferItem {
  readonly writeId: string;
  readonly payerId: number;
  readonly payeeId: number;
  readonly amount: number;
  readonly kind: TransferKind;
}

export type TransferResult =
  | { readonly outcome: 'ok' | 'replayed'; readonly transfer: Transfer }
  | { readonly outcome: Refusal };

/** All the wallet knows of PostgreSQL. */
export interface WalletStore {
  /** Tokens of a user; 0 where the wallet was never used. */
  balance(userId: number): Promise<number>;
  /** Newest first, older than the transfer `beforeId`. */
  history(userId: number, beforeId: number | undefined, limit: number): Promise<HistoryEntry[]>;
  transfer(item: TransferItem): Promise<TransferResult>;
  audit(): Promise<LedgerAudit>;
}

const balancesStatement: Statement = {
  name: 'wallet_balances',
  text: `select coalesce((select a.balance from wallet_accounts a where a.id = u.id), 0) as balance
    from unnest($1::bigint[]) with ordinality u(id, ord) order by u.ord`,
  repeatable: true,
};

const historyStatement: Statement = {
  name: 'wallet_history',
  text: `select t.id, t.kind, e.amount, case when t.payer_id = $1 then t.payee_id else t.payer_id end as counterparty, t.created_at
    from (select transfer_id, amount from wallet_entries where account_id = $1 and transfer_id < $2
      order by transfer_id desc limit $3) e
    join wallet_transfers t on t.id = e.transfer_id order by e.transfer_id desc`,
  repeatable: true,
};

// Safe to repeat on a broken connection: the keys settle once.
const transferStatement: Statement = {
  name: 'wallet_transfer',
  text: 'select * from wallet_transfer($1, $2, $3, $4, $5)',
  repeatable: true,
};

/** One statement is one snapshot, so transfers that commit meanwhile are seen whole or not at all. */
const auditStatement: Statement = {
  name: 'wallet_audit',
  text: `with by_account as (
      select account_id, sum(amount)::bigint as total, coalesce(sum(amount) filter (where amount > 0), 0)::bigint as credited
      from wallet_entries group by account_id
    ), accounts_checked as (
      select coalesce(a.id, e.account_id) as id, coalesce(a.balance, 0) as balance, coalesce(e.total, 0) as total,
        coalesce(e.credited, 0) as credited
      from wallet_accounts a full join by_account e on e.account_id = a.id
    ), mismatched as (
      select id, balance, total from accounts_checked where balance <> total
    ), negative as (
      select id from accounts_checked where balance < 0 and id <> ${systemAccountsFrom + 1}
    ), by_transfer as (
      select transfer_id, sum(amount) as total, sum(amount) filter (where amount > 0) as moved
      from wallet_entries group by transfer_id
    ), broken as (
      select coalesce(t.id, e.transfer_id) as id from wallet_transfers t full join by_transfer e on e.transfer_id = t.id
      where t.id is null or e.total is distinct from 0 or e.moved is distinct from t.amount
    )
    select coalesce(sum(credited), 0)::bigint as credits, coalesce(sum(credited - total), 0)::bigint as debits,
      count(*)::int as accounts, (select count(*)::int from wallet_transfers) as transfers,
      (select count(*)::int from mismatched) as mismatch_count,
      (select coalesce(json_agg(json_build_object('accountId', m.id, 'balance', m.balance, 'entries', m.total)), '[]')
        from (select * from mismatched order by id limit $1) m) as mismatches,
      (select count(*)::int from negative) as negative_count,
      array(select id from negative order by id limit $1) as negatives,
      (select count(*)::int from broken) as broken_count,
      array(select id from broken order by id limit $1) as broken
    from accounts_checked`,
  repeatable: true,
};

interface HistoryRow {
  readonly id: number;
  readonly kind: string;
  readonly amount: number;
  readonly counterparty: number;
  readonly created_at: Date;
}

interface TransferRow {
  readonly outcome: 'ok' | 'replayed' | Refusal;
  readonly id: number | null;
  readonly platform_share: number | null;
  readonly created_at: Date | null;
}

interface AuditRow {
  readonly credits: number;
  readonly debits: number;
  readonly accounts: number;
  readonly transfers: number;
  readonly mismatch_count: number;
  readonly mismatches: LedgerAudit['mismatches'];
  readonly negative_count: number;
  readonly negatives: number[];
  readonly broken_count: number;
  readonly broken: number[];
}

/** Balances of many users in one call, in their order. */
export async function readBalances(db: Database, userIds: readonly number[]): Promise<number[]> {
  const rows = await db.query<{ balance: number }>(balancesStatement, [userIds]);
  return rows.map((row) => row.balance);
}

/** Settles many transfers in one call and one commit; results in the order of the items. */
export async function settleTransfers(db: Database, items: readonly TransferItem[]): Promise<TransferResult[]> {
  const rows = await db.query<TransferRow>(transferStatement, [
    items.map((item) => item.writeId),
    items.map((item) => item.payerId),
    items.map((item) => item.payeeId),
    items.map((item) => item.amount),
    items.map((item) => item.kind),
  ]);
  return items.map((item, index) => resultOf(item, rows[index]));
}

function resultOf(item: TransferItem, row: TransferRow | undefined): TransferResult {
  if (row === undefined) throw new Error('wallet_transfer answered fewer rows than it was asked');
  if (row.outcome !== 'ok' && row.outcome !== 'replayed') return { outcome: row.outcome };
  if (row.id === null || row.platform_share === null || row.created_at === null) {
    throw new Error(`wallet_transfer settled ${item.writeId} and answered no transfer`);
  }
  return {
    outcome: row.outcome,
    transfer: {
      transferId: row.id,
      fromUserId: item.payerId,
      toUserId: item.payeeId,
      kind: item.kind,
      amount: item.amount,
      platformShare: row.platform_share,
      creatorShare: item.amount - row.platform_share,
      createdAt: row.created_at.toISOString(),
    },
  };
}

async function readHistory(db: Database, userId: number, beforeId: number | undefined, limit: number): Promise<HistoryEntry[]> {
  const rows = await db.query<HistoryRow>(historyStatement, [userId, beforeId ?? Number.MAX_SAFE_INTEGER, limit]);
  return rows.map((row) => ({
    transferId: row.id,
    kind: row.kind,
    amount: row.amount,
    counterpartyId: row.counterparty >= systemAccountsFrom ? null : row.counterparty,
    createdAt: row.created_at.toISOString(),
  }));
}

async function auditLedger(db: Database): Promise<LedgerAudit> {
  const [row] = await queryAtLength<AuditRow>(db, auditStatement, [auditListMax]);
  if (row === undefined) throw new Error('the audit answered no row');
  const figures = {
    debits: row.debits,
    credits: row.credits,
    accountsChecked: row.accounts,
    transfersChecked: row.transfers,
    mismatchCount: row.mismatch_count,
    mismatches: row.mismatches,
    negativeCount: row.negative_count,
    negativeAccounts: row.negatives,
    brokenTransferCount: row.broken_count,
    brokenTransfers: row.broken,
  };
  return { balanced: isBalanced(figures), ...figures };
}

/** A store that asks PostgreSQL once for each call. */
export function createPlainWalletStore(db: Database): WalletStore {
  return {
    balance: async (userId) => (await readBalances(db, [userId]))[0] ?? 0,
    history: (userId, beforeId, limit) => readHistory(db, userId, beforeId, limit),
    transfer: async (item) => {
      const [result] = await settleTransfers(db, [item]);
      if (result === undefined) throw new Error('the ledger answered no result');
      return result;
    },
    audit: () => auditLedger(db),
  };
}
