import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import type { Domain } from '../platform/domain.ts';
import type { Reply, RequestContext } from '../platform/route.ts';
import { createChat } from './domain.ts';
import { conversationPageSchema, conversationSchema, messagePageSchema, messageSchema, readSchema } from './schemas.ts';

let test: TestDatabase;
let chat: Domain;
const metrics = new Registry();

interface Call {
  readonly userId: number;
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
  readonly writeId?: string;
}

async function call(operationId: string, request: Call): Promise<{ status: number; headers?: Readonly<Record<string, string>>; body: unknown }> {
  const route = chat.routes.find((candidate) => candidate.operationId === operationId);
  if (route === undefined) throw new Error(`no route ${operationId}`);
  const context = { ...request, query: route.query?.parse(request.query ?? {}), writeId: request.writeId ?? randomUUID() };
  const reply: Reply = await route.handle(context as unknown as RequestContext<unknown, unknown, unknown>);
  return { status: reply.status, ...(reply.headers === undefined ? {} : { headers: reply.headers }), body: 'body' in reply ? reply.body : undefined };
}

beforeAll(async () => {
  test = await createTestDatabase();
  chat = createChat({ host: createNodeHost(), db: test.db, log: pino({ level: 'silent' }), metrics });
  await test.db.query({
    name: 'test_profiles',
    text: "insert into profiles (user_id, handle, display_name, chat_price) select u, 'u' || u, 'U', 10 from generate_series(1, 3) u",
  });
});
afterAll(() => test[Symbol.asyncDispose]());

const replayed = { 'idempotent-replayed': 'true' };

it('answers with the declared bodies and statuses, from the first word to an empty purse', async () => {
  const begin = { userId: 1, body: { peerId: 2 }, writeId: randomUUID() };
  const begun = await call('createConversation', begin);
  expect(begun.status).toBe(201);
  const conversation = conversationSchema.parse(begun.body);
  expect(await call('createConversation', begin)).toEqual({ status: 201, headers: replayed, body: conversation });
  await expect(call('createConversation', { ...begin, body: { peerId: 3 } })).rejects.toMatchObject({ status: 409, code: 'idempotency_key_reused' });
  expect((await call('listConversations', { userId: 3 })).body).toMatchObject({ items: [] });
  expect(await call('createConversation', { userId: 2, body: { peerId: 1 } })).toMatchObject({ status: 200, body: { id: conversation.id, peerId: 1 } });
  await expect(call('createConversation', { userId: 1, body: { peerId: 1 } })).rejects.toMatchObject({ status: 400, code: 'self_conversation' });
  await expect(call('createConversation', { userId: 1, body: { peerId: 99 } })).rejects.toMatchObject({ status: 404, code: 'user_not_found' });

  const params = { conversationId: conversation.id };
  const send = { userId: 1, params, body: { body: 'one' }, writeId: randomUUID() };
  const sent = await call('sendMessage', send);
  expect(sent.status).toBe(201);
  const message = messageSchema.parse(sent.body);
  expect(message).toMatchObject({ conversationId: conversation.id, senderId: 1, body: 'one', price: 0 });
  expect(await call('sendMessage', send)).toEqual({ status: 201, headers: replayed, body: message });
  for (const body of ['two', 'three', 'four']) await call('sendMessage', { userId: 1, params, body: { body } });
  await expect(call('sendMessage', { userId: 1, params, body: { body: 'five' } })).rejects.toMatchObject({ status: 402, code: 'insufficient_tokens' });
  await expect(call('sendMessage', { userId: 3, params, body: { body: 'let me in' } })).rejects.toMatchObject({ status: 404, code: 'conversation_not_found' });

  const first = messagePageSchema.parse((await call('listMessages', { userId: 2, params, query: { limit: '3' } })).body);
  expect(first.items.map((each) => each.body)).toEqual(['four', 'three', 'two']);
  const rest = messagePageSchema.parse((await call('listMessages', { userId: 2, params, query: { limit: '3', cursor: first.nextCursor } })).body);
  expect(rest).toEqual({ items: [message], nextCursor: null });
  await expect(call('listMessages', { userId: 3, params })).rejects.toMatchObject({ status: 404 });

  const newest = first.items[0]?.id ?? 0;
  const read = await call('markRead', { userId: 2, params, body: { messageId: newest } });
  expect(readSchema.parse(read.body)).toEqual({ conversationId: conversation.id, messageId: newest });
  await expect(call('markRead', { userId: 3, params, body: { messageId: newest } })).rejects.toMatchObject({ status: 404 });
  const listed = conversationPageSchema.parse((await call('listConversations', { userId: 1 })).body);
  expect(listed).toEqual({ items: [{ ...conversation, lastMessageId: newest, peerReadMessageId: newest }], nextCursor: null });
});

it('refuses a key used in another conversation', async () => {
  const ids: number[] = [];
  for (const peerId of [1, 2]) {
    const opened = await call('createConversation', { userId: 3, body: { peerId } });
    ids.push((opened.body as { id: number }).id);
  }
  const writeId = randomUUID();
  await call('sendMessage', { userId: 3, params: { conversationId: ids[0] }, body: { body: 'hi' }, writeId });
  await expect(call('sendMessage', { userId: 3, params: { conversationId: ids[1] }, body: { body: 'hi' }, writeId }))
    .rejects.toMatchObject({ status: 409, code: 'idempotency_key_reused' });
});

it('refuses a key used for another text', async () => {
  const opened = await call('createConversation', { userId: 3, body: { peerId: 1 } });
  const params = { conversationId: (opened.body as { id: number }).id };
  const writeId = randomUUID();
  await call('sendMessage', { userId: 3, params, body: { body: 'hi' }, writeId });
  await expect(call('sendMessage', { userId: 3, params, body: { body: 'bye' }, writeId })).rejects.toMatchObject({ status: 409, code: 'idempotency_key_reused' });
});

it('counts what recipients earn and what senders could not pay', async () => {
  const value = async (series: string): Promise<number> =>
    Number((await metrics.metrics()).split('\n').find((line) => line.startsWith(`${series} `))?.slice(series.length + 1));
  const [earned, failed] = ['creator_revenue_tokens_total{kind="chat"}', 'wallet_failures_total{kind="chat",reason="insufficient"}'];
  const before = [await value(earned), await value(failed)];
  const opened = await call('createConversation', { userId: 2, body: { peerId: 3 } });
  const params = { conversationId: (opened.body as { id: number }).id };
  for (const body of ['1', '2', '3', '4']) await call('sendMessage', { userId: 2, params, body: { body } });
  expect(await value(earned)).toBe(before[0]);
  await test.db.query({ name: 'test_credit', text: "select * from wallet_credit(array[gen_random_uuid()], array[2::bigint], array[15::bigint], array['purchase'])" });
  await call('sendMessage', { userId: 2, params, body: { body: 'paid' } });
  await expect(call('sendMessage', { userId: 2, params, body: { body: 'too dear' } })).rejects.toMatchObject({ status: 402 });
  const [share] = await test.db.query<{ share: number }>({ name: 'test_share', text: 'select balance as share from wallet_accounts where id = 3' });
  expect([await value(earned), await value(failed)]).toEqual([(before[0] ?? 0) + (share?.share ?? 0), (before[1] ?? 0) + 1]);
  expect(share?.share).toBe(7);
});

it('measures each send by its outcome', async () => {
  const text = await metrics.metrics();
  for (const outcome of ['created', 'replayed', 'missing', 'insufficient']) {
    expect(text).toMatch(new RegExp(`chat_message_send_duration_seconds_count\\{outcome="${outcome}"\\} [1-9]`));
  }
});
