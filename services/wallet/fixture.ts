import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import type { TransferItem } from './store.ts';

/** Users 1 to `users` in a database of the test's own; wallets are empty until credited. */
export async function createLedgerDatabase(users: number): Promise<TestDatabase> {
  const test = await createTestDatabase();
  await test.db.query({ name: 'test_users', text: `insert into accounts (id, email, password_hash)
    select n, 'user' || n || '@example.test', 'none' from generate_series(1, $1::int) n` }, [users]);
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
