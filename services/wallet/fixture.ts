import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import { readMigrations } from '../platform/migrations.ts';
import type { TransferItem } from './store.ts';

/** Users 1 to `users` in a database of the test's own that holds the ledger; wallets are empty until credited. */
export async function createLedgerDatabase(users: number): Promise<TestDatabase> {
  const test = await createTestDatabase({ migrate: false });
  const client = new Client(test.url);
  await client.connect();
  try {
    // The one thing the ledger asks of accounts is whether an id exists.
    await client.query('create table accounts (id bigint primary key)');
    await client.query('insert into accounts select generate_series(1, $1::int)', [users]);
    const mine = readMigrations(createNodeHost()).filter((migration) => migration.name.startsWith('wallet/'));
    for (const migration of mine) await client.query(migration.sql);
  } finally {
    await client.end();
  }
  return test;
}

/** Credits each user with `tokens` from the issuing account. */
export async function fundWallets(test: TestDatabase, userIds: readonly number[], tokens: number): Promise<void> {
  await test.db.query({ name: 'test_fund', text: 'select * from wallet_credit($1, $2, $3, $4)' }, [
    userIds.map(() => randomUUID()),
    userIds,
    userIds.map(() => tokens),
    userIds.map(() => 'grant'),
  ]);
}

/** A transfer with a fresh key unless one is given. */
export function transferOf(payerId: number, payeeId: number, amount: number, more: Partial<TransferItem> = {}): TransferItem {
  return { writeId: randomUUID(), payerId, payeeId, amount, kind: 'tip', ...more };
}
