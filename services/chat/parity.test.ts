import * as fc from 'fast-check';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import type { Database } from '../platform/database.ts';
import { createBatchedChatStore } from './batched-store.ts';
import { newestId } from '../platform/keyset.ts';
import { createChatStore, type ChatStore, type NewMessage, type SendResult } from './store.ts';

/**
 * The plain and the batched store, each on a database of its own, get the same random sends: the
 * plain one by one, the batched all of a wave at once. Outcomes, prices, pages and the whole ledger
 * must agree.
 */

/** Users 1 to 3 ask 0, 7 and 10 tokens a message and own 20, 60 and 0. */
const prices = [0, 7, 10];
const balances = [20, 60, 0];
const pairs = [[1, 2], [1, 3], [2, 3]] as const;
const writeId = (key: number): string => `00000000-0000-4000-8000-0000000000${String(key).padStart(2, '0')}`;

const send = fc.record({
  senderId: fc.constantFrom(1, 2, 3, 4),
  conversationId: fc.constantFrom(1, 2, 3, 9),
  // The key decides the conversation's too: a client never reuses a key elsewhere, but does retry.
  key: fc.nat(7),
});
const waves = fc.array(fc.array(send, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 6 });

const reset = {
  name: 'test_reset_chat',
  text: `truncate conversations, conversation_members, messages, wallet_transfers, wallet_entries restart identity`,
};
const resetWallets = {
  name: 'test_reset_wallets',
  text: `update wallet_accounts set balance = 0`,
};
const fund = {
  name: 'test_fund',
  text: `select * from wallet_credit(array(select gen_random_uuid() from unnest($1::bigint[])), $1::bigint[], $2::bigint[],
    array(select 'purchase' from unnest($1::bigint[])))`,
};
const profiles = {
  name: 'test_profiles',
  text: `insert into profiles (user_id, handle, display_name, chat_price)
    select u, 'u' || u, 'U', p from unnest($1::bigint[], $2::bigint[]) i(u, p)`,
};
const ledger = {
  name: 'test_ledger',
  text: `select a.id, a.balance, coalesce((select sum(e.amount) from wallet_entries e where e.account_id = a.id), 0)::bigint as entries
    from wallet_accounts a where a.balance <> 0 order by a.id`,
};
const transfers = {
  name: 'test_transfers',
  text: `select payer_id, payee_id, amount, platform_share, write_id, kind from wallet_transfers where kind = 'chat' order by payer_id, write_id`,
};

async function prepare(db: Database, store: ChatStore): Promise<void> {
  await db.query(reset);
  await db.query(resetWallets);
  await db.query(fund, [[1, 2], balances.slice(0, 2)]);
  for (const [a, b] of pairs) await store.open(a, b, writeId(90 + a + b));
}

async function stateOf(db: Database, store: ChatStore): Promise<unknown> {
  const pages: unknown[] = [];
  for (const [index, [userId]] of pairs.entries()) {
    const page = await store.messages({ userId, conversationId: index + 1, beforeId: newestId, limit: 100 });
    pages.push(page?.map(({ senderId, body, price }) => ({ senderId, body, price })));
  }
  return { pages, ledger: await db.query(ledger), transfers: await db.query(transfers) };
}

/** Ids differ between the worlds by the ids that failed sends used up. */
const named = (results: readonly SendResult[]): unknown =>
  results.map((result) => ('message' in result ? { ...result.message, outcome: result.outcome, id: 0, createdAt: '' } : result));

let tests: TestDatabase[] = [];
beforeAll(async () => {
  tests = await Promise.all([createTestDatabase(), createTestDatabase()]);
  for (const { db } of tests) await db.query(profiles, [[1, 2, 3], prices]);
});
afterAll(async () => {
  await Promise.all(tests.map((test) => test[Symbol.asyncDispose]()));
});

it('gives the same results batched as plain, to the last ledger entry', async () => {
  const [plainDb, batchedDb] = tests.map((test) => test.db) as [Database, Database];
  const plain = createChatStore(plainDb);
  const platform = { host: createNodeHost(), db: batchedDb, log: pino({ level: 'silent' }), metrics: new Registry() };
  const batched = createBatchedChatStore(platform, createChatStore(batchedDb));
  await fc.assert(
    fc.asyncProperty(waves, async (commands) => {
      await Promise.all([prepare(plainDb, plain), prepare(batchedDb, batched)]);
      for (const wave of commands) {
        const messages: NewMessage[] = wave.map(({ senderId, conversationId, key }) => ({
          senderId, conversationId, writeId: writeId(conversationId * 10 + key), body: `${senderId}:${key}`,
        }));
        const expected: SendResult[] = [];
        for (const message of messages) expected.push(await plain.send(message));
        const results = await Promise.all(messages.map((message) => batched.send(message)));
        expect(named(results)).toEqual(named(expected));
      }
      const state = await stateOf(batchedDb, batched);
      expect(state).toEqual(await stateOf(plainDb, plain));
      for (const row of (state as { ledger: { balance: number; entries: number }[] }).ledger) expect(row.entries).toBe(row.balance);
    }),
    { numRuns: 20, interruptAfterTimeLimit: 20_000 },
  );
});
