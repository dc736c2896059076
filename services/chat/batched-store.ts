import { Batcher } from '../platform/batcher.ts';
import type { Platform } from '../platform/domain.ts';
import type { Statement } from '../platform/database.ts';
import { conversationOf, messageOf, type ChatStore, type ConversationRow, type MessageQuery, type MessageRow, type NewMessage, type SendResult } from './store.ts';
import type { Conversation, Message } from './schemas.ts';

const sql = {
  send: {
    name: 'chat_send',
    repeatable: true,
    text: 'select ord, outcome, id, conversation_id, body, price, created_at from chat_send($1, $2, $3, $4)',
  },
  conversations: {
    name: 'chat_conversation_pages',
    repeatable: true,
    text: `select ord, id, peer_id, created_at, last_message_id, read_message_id, peer_read_message_id
      from chat_conversation_pages($1, $2, $3)`,
  },
  messages: {
    name: 'chat_messages',
    repeatable: true,
    text: 'select ord, id, conversation_id, sender_id, body, price, created_at from chat_messages($1, $2, $3, $4)',
  },
} as const satisfies Record<string, Statement>;

interface ConversationQuery {
  readonly userId: number;
  readonly beforeId: number;
  readonly limit: number;
}

interface SendRow extends Omit<MessageRow, 'sender_id'> {
  readonly ord: number;
  readonly outcome: SendResult['outcome'];
}

/**
 * The fast store: sends that arrive together, and pages that are asked for together, share one
 * statement; for sends that is one transaction and one commit. The rest goes the plain way.
 */
export function createBatchedChatStore(platform: Platform, plain: ChatStore): ChatStore {
  const { host, db } = platform;
  const sends = new Batcher<NewMessage, SendResult>(host, { name: 'chat send' }, async (items) => {
    const rows = await db.query<SendRow>(sql.send, [
      items.map((item) => item.senderId), items.map((item) => item.conversationId),
      items.map((item) => item.writeId), items.map((item) => item.body),
    ]);
    const results: SendResult[] = items.map(() => ({ outcome: 'missing' }));
    for (const { ord, outcome, ...row } of rows) {
      const item = items[ord - 1] as NewMessage;
      results[ord - 1] = outcome === 'created' || outcome === 'replayed'
        ? { outcome, message: messageOf({ ...row, sender_id: item.senderId }) }
        : { outcome };
    }
    return results;
  });

  const messages = new Batcher<MessageQuery, Message[] | undefined>(host, { name: 'chat messages' }, async (queries) => {
    const rows = await db.query<{ ord: number } & { [Key in keyof MessageRow]: MessageRow[Key] | null }>(sql.messages, [
      queries.map((query) => query.userId), queries.map((query) => query.conversationId),
      queries.map((query) => query.beforeId), queries.map((query) => query.limit + 1),
    ]);
    const pages: (Message[] | undefined)[] = queries.map(() => undefined);
    for (const { ord, ...row } of rows) {
      const page = (pages[ord - 1] ??= []);
      if (row.id !== null) page.push(messageOf(row as MessageRow));
    }
    return pages;
  });

  const conversations = new Batcher<ConversationQuery, Conversation[]>(host, { name: 'chat conversations' }, async (queries) => {
    const rows = await db.query<{ ord: number } & Omit<ConversationRow, 'mine'>>(sql.conversations, [
      queries.map((query) => query.userId), queries.map((query) => query.beforeId), queries.map((query) => query.limit + 1),
    ]);
    const pages: Conversation[][] = queries.map(() => []);
    for (const { ord, ...row } of rows) pages[ord - 1]?.push(conversationOf(row));
    return pages;
  });

  return {
    ...plain,
    conversations: (userId, beforeId, limit) => conversations.add({ userId, beforeId, limit }),
    send: (message) => sends.add(message),
    messages: (query) => messages.add(query),
  };
}
