import type { Host } from '../../ops/core/host.ts';
import { Batcher } from '../platform/batcher.ts';
import type { Database } from '../platform/database.ts';
import { createPlainWalletStore, readBalances, settleTransfers, type TransferItem, type TransferResult, type WalletStore } from './store.ts';

/**
 * The plain store's answers with many callers' transfers in one call and one commit, and many
 * balances in one read. Beyond 5,000 waiting items each refuses with 503.
 */
export function createBatchedWalletStore(host: Host, db: Database): WalletStore {
  const balances = new Batcher<number, number>(host, { name: 'wallet balances' }, (ids) => readBalances(db, ids));
  const transfers = new Batcher<TransferItem, TransferResult>(host, { name: 'wallet transfers' }, (items) => settleTransfers(db, items));
  return {
    ...createPlainWalletStore(db),
    balance: (userId) => balances.add(userId),
    transfer: (item) => transfers.add(item),
  };
}
