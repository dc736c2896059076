import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import type { Database } from '../platform/database.ts';
import { createBatchedChatStore } from './batched-store.ts';
import { newestId } from '../platform/keyset.ts';
import { createChatStore, type ChatStore, type Opened, type SendResult } from './store.ts';

let test: TestDatabase;
let db: Database;
let plain: ChatStore;
let userCount = 0;

const batched = (): ChatStore =>
  createBatchedChatStore({ host: createNodeHost(), db, log: pino({ level: 'silent' }), metrics: new Registry() }, plain);
const pick = (stores: readonly ChatStore[], index: number): ChatStore => stores[index % stores.length] as ChatStore;

/** A new user who charges `price` a message and owns `tokens`. */
async function addUser(price: number, tokens: number): Promise<number> {
  const id = ++userCount;
  await db.query(
    { name: 'test_add_profile', text: "insert into profiles (user_id, handle, display_name, chat_price) values ($1::bigint, 'u' || $1::bigint, 'U', $2)" },
    [id, price],
  );
  if (tokens > 0) {
    await db.query(
      { name: 'test_fund', text: "select * from wallet_credit(array[$1::uuid], array[$2::bigint], array[$3::bigint], array['purchase'])" },
      [randomUUID(), id, tokens],
    );
  }
  return id;
}

async function balanceOf(userId: number): Promise<number> {
  const [row] = await db.query<{ balance: number }>({ name: 'test_balance', text: 'select balance from wallet_accounts where id = $1' }, [userId]);
  return row?.balance ?? 0;
}

async function open(userId: number, peerId: number, writeId: string): Promise<Opened> {
  const opened = await plain.open(userId, peerId, writeId);
  if (typeof opened !== 'object') throw new Error(`there is no conversation with user ${peerId}: ${opened ?? 'no such user'}`);
  return opened;
}

async function converse(userId: number, peerId: number): Promise<number> {
  return (await open(userId, peerId, randomUUID())).conversation.id;
}

const outcomesOf = (results: readonly SendResult[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { outcome } of results) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
};

beforeAll(async () => {
  test = await createTestDatabase();
  db = test.db;
  plain = createChatStore(db);
});
afterAll(() => test[Symbol.asyncDispose]());

describe('sending', () => {
  it('lets 4 of 20 parallel sends through free and settles the rest exactly, over three stores', async () => {
    const [sender, creator] = [await addUser(0, 1_000), await addUser(10, 0)];
    const conversationId = await converse(sender, creator);
    const stores = [batched(), batched(), plain];
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        pick(stores, index).send({ senderId: sender, conversationId, writeId: randomUUID(), body: `m${index}` })),
    );
    expect(outcomesOf(results)).toEqual({ created: 20 });
    const prices = results.map((result) => ('message' in result ? result.message.price : -1));
    expect(prices.filter((price) => price === 0)).toHaveLength(4);
    expect(prices.filter((price) => price === 10)).toHaveLength(16);
    expect(await balanceOf(sender)).toBe(1_000 - 160);
    // 35 % of 10 rounds down to 3 for the platform.
    expect(await balanceOf(creator)).toBe(16 * 7);
  });

  it('stops at the balance: what is not paid is not written, and may be retried once there are tokens', async () => {
    const [sender, creator] = [await addUser(0, 25), await addUser(10, 0)];
    const conversationId = await converse(sender, creator);
    const store = batched();
    const ids = Array.from({ length: 10 }, () => randomUUID());
    const send = (writeId: string): Promise<SendResult> => store.send({ senderId: sender, conversationId, writeId, body: 'hi' });
    const results = await Promise.all(ids.map(send));
    expect(results.map((result) => result.outcome)).toEqual([
      ...Array.from({ length: 6 }, () => 'created'), ...Array.from({ length: 4 }, () => 'insufficient'),
    ]);
    expect(await store.messages({ userId: creator, conversationId, beforeId: newestId, limit: 50 })).toHaveLength(6);
    expect(await balanceOf(sender)).toBe(5);
    await db.query(
      { name: 'test_fund', text: "select * from wallet_credit(array[$1::uuid], array[$2::bigint], array[$3::bigint], array['purchase'])" },
      [randomUUID(), sender, 5],
    );
    expect(await send(ids[9] as string)).toMatchObject({ outcome: 'created', message: { price: 10 } });
    expect(await balanceOf(sender)).toBe(0);
  });

  it('charges and shows a send repeated ten times at once just once', async () => {
    const [sender, creator] = [await addUser(0, 100), await addUser(10, 0)];
    const conversationId = await converse(sender, creator);
    const stores = [batched(), batched(), plain];
    for (let index = 0; index < 4; index++) await plain.send({ senderId: sender, conversationId, writeId: randomUUID(), body: 'free' });
    const writeId = randomUUID();
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) => pick(stores, index).send({ senderId: sender, conversationId, writeId, body: 'paid' })),
    );
    const messages = new Set(results.map((result) => ('message' in result ? result.message.id : result.outcome)));
    expect(messages.size).toBe(1);
    expect(await balanceOf(sender)).toBe(90);
    expect(await plain.messages({ userId: sender, conversationId, beforeId: newestId, limit: 50 })).toHaveLength(5);
  });

  it('keeps order, strangers out, and a bad item apart', async () => {
    const [a, b, stranger] = [await addUser(0, 0), await addUser(0, 0), await addUser(0, 0)];
    const conversationId = await converse(a, b);
    const store = batched();
    const results = await Promise.allSettled([
      store.send({ senderId: a, conversationId, writeId: randomUUID(), body: 'one' }),
      store.send({ senderId: stranger, conversationId, writeId: randomUUID(), body: 'in?' }),
      store.send({ senderId: a, conversationId, writeId: 'no uuid', body: 'bad' }),
      store.send({ senderId: b, conversationId, writeId: randomUUID(), body: 'two' }),
    ]);
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value.outcome : 'rejected'))).toEqual([
      'created', 'missing', 'rejected', 'created',
    ]);
    const page = await store.messages({ userId: b, conversationId, beforeId: newestId, limit: 1 });
    // One beyond the limit says that there is more.
    expect(page?.map((message) => message.body)).toEqual(['two', 'one']);
    expect(await store.messages({ userId: stranger, conversationId, beforeId: newestId, limit: 5 })).toBeUndefined();
    expect(await store.messages({ userId: b, conversationId, beforeId: 1, limit: 5 })).toEqual([]);
  });

  it('refuses a key that has paid for a tip', async () => {
    const [sender, creator] = [await addUser(0, 100), await addUser(10, 0)];
    const conversationId = await converse(sender, creator);
    const store = batched();
    for (let index = 0; index < 4; index++) await store.send({ senderId: sender, conversationId, writeId: randomUUID(), body: 'free' });
    const writeId = randomUUID();
    await db.query(
      { name: 'test_tip', text: "select * from wallet_charge(array[$1::uuid], array[$2::bigint], array[$3::bigint], array[7::bigint], array['tip'])" },
      [writeId, sender, creator],
    );
    expect(await store.send({ senderId: sender, conversationId, writeId, body: 'hi' })).toEqual({ outcome: 'conflict' });
    expect(await plain.send({ senderId: sender, conversationId, writeId, body: 'hi' })).toEqual({ outcome: 'conflict' });
    expect(await balanceOf(sender)).toBe(93);
  });
});

describe('conversations', () => {
  it('is one a pair, whoever begins and however often at once', async () => {
    const [a, b] = [await addUser(0, 0), await addUser(0, 0)];
    const writeId = randomUUID();
    const opened = await Promise.all([open(a, b, writeId), open(b, a, randomUUID()), open(a, b, writeId)]);
    expect(new Set(opened.map((each) => each.conversation.id)).size).toBe(1);
    expect(opened.map((each) => each.conversation.peerId)).toEqual([b, a, b]);
    expect(await plain.open(a, 999_999_999, randomUUID())).toBeUndefined();
  });

  it('is begun once a key: the key repeats its answer, and begins none with another', async () => {
    const [a, b, c] = [await addUser(0, 0), await addUser(0, 0), await addUser(0, 0)];
    const writeId = randomUUID();
    const first = await open(a, b, writeId);
    expect(first).toMatchObject({ created: true, replayed: false });
    expect(await open(a, b, writeId)).toEqual({ ...first, replayed: true });
    expect(await open(a, b, randomUUID())).toMatchObject({ created: false, replayed: false });
    expect(await plain.open(a, c, writeId)).toBe('key_reused');
    expect(await plain.open(a, 999_999_999, writeId)).toBe('key_reused');
    expect(await plain.conversations(c, newestId, 5)).toEqual([]);
    expect(await open(b, c, writeId)).toMatchObject({ created: true });
  });

  it('lists newest first and moves read markers only on', async () => {
    const [a, b, c] = [await addUser(0, 0), await addUser(0, 0), await addUser(0, 0)];
    const [first, second] = [await converse(a, b), await converse(c, a)];
    const ids: number[] = [];
    for (let index = 0; index < 3; index++) {
      const sent = await plain.send({ senderId: b, conversationId: first, writeId: randomUUID(), body: 'x' });
      if ('message' in sent) ids.push(sent.message.id);
    }
    const [low = 0, , high = 0] = ids;
    expect(await plain.markRead(a, first, high)).toBe(high);
    expect(await plain.markRead(a, first, low)).toBe(high);
    expect(await plain.markRead(a, first, newestId)).toBe(high);
    expect(await plain.markRead(c, first, high)).toBeUndefined();
    expect(await plain.conversations(a, newestId, 5)).toMatchObject([
      { id: second, peerId: c, lastMessageId: null },
      { id: first, peerId: b, lastMessageId: high, readMessageId: high, peerReadMessageId: 0 },
    ]);
    const pages: [number, number, number][] = [[a, newestId, 5], [a, second, 5], [b, newestId, 1], [999, newestId, 5], [c, newestId, 3]];
    const store = batched();
    const together = await Promise.all(pages.map((page) => store.conversations(...page)));
    expect(together).toEqual(await Promise.all(pages.map((page) => plain.conversations(...page))));
    expect(together[0]).toHaveLength(2);
  });
});
