import type { AuditedWrites, Domain, Platform } from '../platform/domain.ts';
import { createWalletMetrics } from './metrics.ts';
import { createWalletRoutes } from './routes.ts';
import { createBatchedWalletStore } from './store-batched.ts';

/** The view leaves out chat's charges, whose keys are those of messages, and credits, whose keys are intents. */
const auditedWrites: readonly AuditedWrites[] = [
  { kind: 'transfer', table: 'wallet_requested_transfers', userColumn: 'user_id', writeIdColumn: 'write_id' },
];

/** Wallets, transfers between users and the audit of the ledger. */
export function createWallet(platform: Platform): Domain {
  const store = createBatchedWalletStore(platform.host, platform.db);
  return { name: 'wallet', routes: createWalletRoutes(store, createWalletMetrics(platform.metrics)), auditedWrites };
}
