import type { Histogram } from 'prom-client';
import { assertNever } from '../../ops/core/error.ts';
import type { Clock } from '../../ops/core/host.ts';
import { createdReply, keyReused } from '../platform/idempotency.ts';
import { badRequest, notFound, paymentRequired, type Problem } from '../platform/problem.ts';
import { route, type Reply, type Route } from '../platform/route.ts';
import { cutPage, decodeCursor } from '../platform/keyset.ts';
import { creatorShareOf, freeMessages, platformPercent } from './rules.ts';
import {
  conversationBodySchema, conversationPageSchema, conversationParamsSchema, conversationSchema, listQuerySchema,
  messageBodySchema, messagePageSchema, messageSchema, readBodySchema, readSchema,
} from './schemas.ts';
import type { ChatStore, NewMessage, SendResult } from './store.ts';

export interface SendMeter {
  readonly clock: Clock;
  /** Labelled `outcome`. */
  readonly duration: Histogram<'outcome'>;
  /** A paid message was not sent. */
  chargeFailed(reason: 'insufficient' | 'conflict'): void;
  /** Tokens the recipient got for a message. */
  earned(tokens: number): void;
}

/** Also what a stranger gets: whether a conversation exists is its members' business. */
const noConversation = (id: number): Problem =>
  notFound('conversation_not_found', `there is no conversation ${id} that you are a member of`);

/** The chat's HTTP operations. */
export function chatRoutes(store: ChatStore, meter: SendMeter): Route[] {
  return [...conversationRoutes(store), ...messageRoutes(store, meter)];
}

function conversationRoutes(store: ChatStore): Route[] {
  return [
    route({
      method: 'post',
      path: '/conversations',
      operationId: 'createConversation',
      summary: 'Begin a conversation: 201 when this write made it, 200 when the two had one',
      auth: 'user',
      idempotent: true,
      body: conversationBodySchema,
      responses: { 201: conversationSchema, 200: conversationSchema },
      async handle({ userId, body, writeId }) {
        if (body.peerId === userId) throw badRequest('self_conversation', `peerId ${userId} is your own id: name another user`);
        const opened = await store.open(userId, body.peerId, writeId);
        if (opened === undefined) throw notFound('user_not_found', `there is no user ${body.peerId}`);
        if (opened === 'key_reused') throw keyReused(writeId, 'conversation');
        const { conversation, created, replayed } = opened;
        return created ? createdReply(conversation, replayed) : { status: 200, body: conversation };
      },
    }),
    route({
      method: 'get',
      path: '/conversations',
      operationId: 'listConversations',
      hot: true,
      summary: "A page of one's own conversations, newest first",
      auth: 'user',
      query: listQuerySchema,
      responses: { 200: conversationPageSchema },
      handle: async ({ userId, query }) => ({
        status: 200,
        body: cutPage(await store.conversations(userId, decodeCursor(query.cursor), query.limit), query.limit),
      }),
    }),
    route({
      method: 'put',
      path: '/conversations/{conversationId}/read',
      operationId: 'markRead',
      summary: 'Move the read marker on; it never goes back',
      auth: 'user',
      params: conversationParamsSchema,
      body: readBodySchema,
      responses: { 200: readSchema },
      async handle({ userId, params: { conversationId }, body }) {
        const messageId = await store.markRead(userId, conversationId, body.messageId);
        if (messageId === undefined) throw noConversation(conversationId);
        return { status: 200, body: { conversationId, messageId } };
      },
    }),
  ];
}

function messageRoutes(store: ChatStore, meter: SendMeter): Route[] {
  return [
    route({
      method: 'get',
      path: '/conversations/{conversationId}/messages',
      operationId: 'listMessages',
      hot: true,
      summary: 'A page of messages, newest first; members only',
      auth: 'user',
      params: conversationParamsSchema,
      query: listQuerySchema,
      responses: { 200: messagePageSchema },
      async handle({ userId, params: { conversationId }, query: { cursor, limit } }) {
        const found = await store.messages({ userId, conversationId, beforeId: decodeCursor(cursor), limit });
        if (found === undefined) throw noConversation(conversationId);
        return { status: 200, body: cutPage(found, limit) };
      },
    }),
    route({
      method: 'post',
      path: '/conversations/{conversationId}/messages',
      operationId: 'sendMessage',
      hot: true,
      summary: "Send a message; from the sender's 5th on it costs the recipient's price. A retry with the same key answers as the first try did",
      description: `A sender's first ${freeMessages} messages in a conversation are free; after them each costs the recipient's \`chatPrice\`, which its profile tells. `
        + `The platform keeps ${platformPercent} % of it, rounded down: of 7 tokens the recipient gets ${creatorShareOf(7)}.`,
      auth: 'user',
      idempotent: true,
      params: conversationParamsSchema,
      body: messageBodySchema,
      responses: { 201: messageSchema },
      handle: ({ userId, params, writeId, body }) =>
        send(store, meter, { senderId: userId, conversationId: params.conversationId, writeId, body: body.body }),
    }),
  ];
}

async function send(store: ChatStore, meter: SendMeter, message: NewMessage): Promise<Reply> {
  const { clock, duration } = meter;
  const startMs = clock.monotonicMs();
  let outcome: SendResult['outcome'] | 'failed' = 'failed';
  try {
    const result = await store.send(message);
    outcome = result.outcome;
    if (result.outcome === 'created') {
      if (result.message.price > 0) meter.earned(creatorShareOf(result.message.price));
    } else if (result.outcome === 'insufficient' || result.outcome === 'conflict') meter.chargeFailed(result.outcome);
    return replyOf(result, message);
  } finally {
    duration.observe({ outcome }, (clock.monotonicMs() - startMs) / 1_000);
  }
}

function replyOf(result: SendResult, { conversationId, writeId, body }: NewMessage): Reply {
  switch (result.outcome) {
    case 'created':
      return createdReply(result.message, false);
    case 'replayed':
      if (result.message.conversationId !== conversationId || result.message.body !== body) throw keyReused(writeId, 'message');
      return createdReply(result.message, true);
    case 'missing':
      throw noConversation(conversationId);
    case 'insufficient':
      throw paymentRequired('insufficient_tokens', "the balance is below the recipient's price; nothing was sent: buy tokens and retry with the same key");
    case 'conflict':
      throw keyReused(writeId, 'payment');
    default:
      return assertNever(result);
  }
}
