import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createPostgresDatabase } from '../platform/postgres.ts';
import type { TestDatabase } from '../../tests/database.ts';
import { createLedgerDatabase, fundWallets, transferOf } from './fixture.ts';
import { createBatchedWalletStore } from './store-batched.ts';
import { createPlainWalletStore, type TransferItem, type TransferResult, type WalletStore } from './store.ts';

const host = createNodeHost();
const users = 2_000;
let test: TestDatabase;
let nextUser = 1;
let stores: { plain: WalletStore; batched: WalletStore };

beforeAll(async () => {
  test = await createLedgerDatabase(users);
  stores = { plain: createPlainWalletStore(test.db), batched: createBatchedWalletStore(host, test.db) };
});
afterAll(() => test[Symbol.asyncDispose]());

function takeUsers(count: number): number[] {
  const first = nextUser;
  nextUser += count;
  expect(nextUser).toBeLessThanOrEqual(users);
  return Array.from({ length: count }, (_, index) => first + index);
}

/** A result without what differs between two equal ledgers. */
function shapeOf(result: TransferResult): object {
  if (!('transfer' in result)) return result;
  const { amount, platformShare, creatorShare, kind } = result.transfer;
  return { outcome: result.outcome, amount, platformShare, creatorShare, kind };
}

describe('the batched store', () => {
  it('answers what the plain store answers, item after item', async () => {
    const size = 4;
    const drawn = fc.record({
      key: fc.nat(9), payer: fc.nat(size - 1), payee: fc.nat(size), amount: fc.integer({ min: 1, max: 50 }), kind: fc.constantFrom('tip' as const, 'gift' as const, 'live' as const),
    }).filter((d) => d.payer !== d.payee);
    await fc.assert(fc.asyncProperty(fc.array(drawn, { minLength: 1, maxLength: 25 }), async (draws) => {
      const keys = Array.from({ length: 10 }, () => randomUUID());
      const run = async (store: WalletStore, together: boolean): Promise<unknown> => {
        const mine = takeUsers(size);
        await fundWallets(test, mine, 60);
        // One past the last of `mine` stands for a recipient who does not exist.
        const items: TransferItem[] = draws.map((d) => ({
          writeId: keys[d.key] ?? '', payerId: mine[d.payer] ?? 0, payeeId: mine[d.payee] ?? 8_000_000_000, amount: d.amount, kind: d.kind,
        }));
        const results: TransferResult[] = [];
        if (together) results.push(...(await Promise.all(items.map((item) => store.transfer(item)))));
        else for (const item of items) results.push(await store.transfer(item));
        return { results: results.map(shapeOf), balances: await Promise.all(mine.map((user) => store.balance(user))) };
      };
      expect(await run(stores.batched, true)).toEqual(await run(stores.plain, false));
    }), { numRuns: 40 });
  });

  it('answers the same transfer to a retry', async () => {
    const [a = 0, b = 0] = takeUsers(2);
    await fundWallets(test, [a], 100);
    const item = transferOf(a, b, 33, { kind: 'live' });
    const first = await stores.batched.transfer(item);
    const again = await stores.plain.transfer(item);
    expect(first).toMatchObject({ outcome: 'ok', transfer: { amount: 33, platformShare: 9, creatorShare: 24, fromUserId: a, toUserId: b } });
    expect(again).toEqual({ ...first, outcome: 'replayed' });
  });

  it('settles concurrent duplicates from several connections and stores once, without a deadlock', async () => {
    const mine = takeUsers(12);
    await fundWallets(test, mine, 1_000);
    const others = Array.from({ length: 3 }, () => createPostgresDatabase({ host, url: test.url, poolSize: 4 }));
    try {
      const apis = [...others.map((db) => createBatchedWalletStore(host, db)), ...others.map((db) => createPlainWalletStore(db))];
      const items = Array.from({ length: 150 }, (_, n) => transferOf(mine[n % 12] ?? 0, mine[(n * 5 + 1 + (n % 3)) % 12] ?? 0, 1 + (n % 7))).filter((item) => item.payerId !== item.payeeId);
      const outcomes = await Promise.all(items.map((item) => Promise.all(apis.map((api) => api.transfer(item)))));
      for (const answers of outcomes) {
        expect(answers.filter((answer) => answer.outcome === 'ok')).toHaveLength(1);
        expect(new Set(answers.map((answer) => 'transfer' in answer && answer.transfer.transferId)).size).toBe(1);
      }
    } finally {
      await Promise.all(others.map((db) => db.close()));
    }
    expect((await stores.plain.audit()).balanced).toBe(true);
  });

  it('never overdraws under concurrency, also on wallets first used at once', async () => {
    const [payer = 0, ...payees] = takeUsers(40);
    await fundWallets(test, [payer], 100);
    const results = await Promise.all(payees.flatMap((payee, n) => [
      stores.plain.transfer(transferOf(payer, payee, 10)),
      stores.batched.transfer(transferOf(payees[(n + 1) % payees.length] ?? 0, payee, 10)),
    ]).map((promise) => promise.then((result) => result.outcome)));
    expect(results.filter((_, index) => index % 2 === 0).filter((outcome) => outcome === 'ok')).toHaveLength(10);
    expect(await stores.plain.balance(payer)).toBe(0);
    expect(await stores.plain.audit()).toMatchObject({ balanced: true, negativeCount: 0 });
  });

  it('pages through the history newest first, with what reached and left the wallet', async () => {
    const [a = 0, b = 0] = takeUsers(2);
    await fundWallets(test, [a], 100);
    for (const amount of [10, 20, 30]) await stores.plain.transfer(transferOf(a, b, amount));
    const firstPage = await stores.plain.history(a, undefined, 2);
    expect(firstPage.map((entry) => entry.amount)).toEqual([-30, -20]);
    const secondPage = await stores.plain.history(a, firstPage[1]?.transferId, 5);
    expect(secondPage.map((entry) => [entry.amount, entry.kind, entry.counterpartyId])).toEqual([[-10, 'tip', b], [100, 'grant', null]]);
    const earned = await stores.plain.history(b, undefined, 10);
    expect(earned.map((entry) => [entry.amount, entry.counterpartyId])).toEqual([[24, a], [16, a], [8, a]]);
  });
});

describe('the audit', () => {
  it('names the account and the transfer that were tampered with', async () => {
    await using own = await createLedgerDatabase(3);
    const store = createPlainWalletStore(own.db);
    await fundWallets(own, [1, 2], 50);
    const made = await store.transfer(transferOf(1, 3, 10));
    const transferId = 'transfer' in made ? made.transfer.transferId : 0;
    expect(await store.audit()).toEqual({
      balanced: true, debits: 110, credits: 110, accountsChecked: 5, transfersChecked: 3,
      mismatchCount: 0, mismatches: [], negativeCount: 0, negativeAccounts: [], brokenTransferCount: 0, brokenTransfers: [],
    });

    await own.db.query({ name: 'test_tamper_balance', text: 'update wallet_accounts set balance = balance + 1 where id = 2' });
    await own.db.query({ name: 'test_tamper_entry', text: 'delete from wallet_entries where account_id = 3' });
    expect(await store.audit()).toMatchObject({
      balanced: false, debits: 110, credits: 102, mismatchCount: 2,
      mismatches: [{ accountId: 2, balance: 51, entries: 50 }, { accountId: 3, balance: 8, entries: 0 }],
      brokenTransferCount: 1, brokenTransfers: [transferId],
    });
  });
});
