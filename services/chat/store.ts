import type { Database, Queryable, Statement } from '../platform/database.ts';
import { priceOf } from './rules.ts';
import type { Conversation, Message } from './schemas.ts';

export interface NewMessage {
  readonly senderId: number;
  readonly conversationId: number;
  readonly writeId: string;
  readonly body: string;
}

/** A conversation begun or found. */
export interface Opened {
  readonly conversation: Conversation;
  /** Whether this write id began it, now or in an earlier try. */
  readonly created: boolean;
  /** Whether it was an earlier try that did. */
  readonly replayed: boolean;
}

/** `conflict`: the write id has paid for something else. */
export type SendResult =
  | { readonly outcome: 'created' | 'replayed'; readonly message: Message }
  | { readonly outcome: 'missing' | 'insufficient' | 'conflict' };

export interface MessageQuery {
  readonly userId: number;
  readonly conversationId: number;
  /** Only messages with ids below; `newestId` for the first page. */
  readonly beforeId: number;
  readonly limit: number;
}

/**
 * All SQL of the chat. Two implementations give the same results: `createChatStore` says plainly
 * what is meant, `createBatchedChatStore` is the fast one; both may run at once.
 */
export interface ChatStore {
  /**
   * Begins a conversation or finds the one there is; undefined where there is no such peer, `key_reused`
   * where the write id began one with another peer.
   */
  open(userId: number, peerId: number, writeId: string): Promise<Opened | 'key_reused' | undefined>;
  /** Newest first, one more than `limit` where there are more. */
  conversations(userId: number, beforeId: number, limit: number): Promise<Conversation[]>;
  /** Writes and settles a message once per (sender, write id), or writes nothing. */
  send(message: NewMessage): Promise<SendResult>;
  /** Newest first, one more than `limit` where there are more; undefined for those who are no members. */
  messages(query: MessageQuery): Promise<Message[] | undefined>;
  /** Moves the read marker on, at most to the newest message, never back; answers where it stands. */
  markRead(userId: number, conversationId: number, messageId: number): Promise<number | undefined>;
}

export interface MessageRow {
  readonly id: number;
  readonly conversation_id: number;
  readonly sender_id: number;
  readonly body: string;
  readonly price: number;
  readonly created_at: Date;
}

export function messageOf(row: MessageRow): Message {
  return {
    id: row.id, conversationId: row.conversation_id, senderId: row.sender_id,
    body: row.body, price: row.price, createdAt: row.created_at.toISOString(),
  };
}

export interface ConversationRow {
  readonly id: number;
  readonly peer_id: number;
  readonly created_at: Date;
  readonly last_message_id: number | null;
  readonly read_message_id: number;
  readonly peer_read_message_id: number;
  readonly mine: boolean;
}

export function conversationOf(row: Omit<ConversationRow, 'mine'>): Conversation {
  return {
    id: row.id, peerId: row.peer_id, createdAt: row.created_at.toISOString(), lastMessageId: row.last_message_id,
    readMessageId: row.read_message_id, peerReadMessageId: row.peer_read_message_id,
  };
}

const conversationColumns = `c.id, m.peer_id, c.created_at, m.read_message_id, o.read_message_id as peer_read_message_id,
  (select max(x.id) from messages x where x.conversation_id = c.id) as last_message_id`;
const conversationTables = `conversation_members m join conversations c on c.id = m.conversation_id
  join conversation_members o on o.conversation_id = m.conversation_id and o.user_id = m.peer_id`;
const messageColumns = 'id, conversation_id, sender_id, body, price, created_at';

/** A conversation that $1 began with another peer than $2 under the write id $3. */
const otherBegun = `select from conversations o where o.created_by = $1::bigint and o.write_id = $3::uuid
  and (o.user_low, o.user_high) <> (least($1::bigint, $2::bigint), greatest($1::bigint, $2::bigint))`;

const sql = {
  open: {
    name: 'chat_open',
    repeatable: true,
    text: `with made as (
        insert into conversations (user_low, user_high, created_by, write_id)
        select least($1::bigint, $2::bigint), greatest($1::bigint, $2::bigint), $1::bigint, $3::uuid
        where exists (select from profiles where user_id = $2::bigint) and not exists (${otherBegun})
        on conflict (user_low, user_high) do nothing returning id)
      insert into conversation_members (conversation_id, user_id, peer_id)
      select id, $1::bigint, $2::bigint from made union all select id, $2::bigint, $1::bigint from made returning conversation_id`,
  },
  findPair: {
    name: 'chat_find_pair',
    repeatable: true,
    text: `select ${conversationColumns}, (c.created_by = $1 and c.write_id = $3) as mine from ${conversationTables}
      where c.user_low = least($1::bigint, $2::bigint) and c.user_high = greatest($1::bigint, $2::bigint) and m.user_id = $1`,
  },
  findBegun: { name: 'chat_find_begun', repeatable: true, text: `select exists (${otherBegun}) as found` },
  list: {
    name: 'chat_conversations',
    repeatable: true,
    text: `select ${conversationColumns}, true as mine from ${conversationTables}
      where m.user_id = $1 and m.conversation_id < $2 order by m.conversation_id desc limit $3`,
  },
  lock: { name: 'chat_plain_lock', text: 'select chat_lock_sends()' },
  find: {
    name: 'chat_plain_find',
    text: `select ${messageColumns} from messages where sender_id = $1 and write_id = $2`,
  },
  member: {
    name: 'chat_member',
    repeatable: true,
    text: `select m.peer_id, m.sent_count, coalesce((select p.chat_price from profiles p where p.user_id = m.peer_id), 0) as chat_price
      from conversation_members m where m.conversation_id = $1 and m.user_id = $2`,
  },
  charge: {
    name: 'chat_plain_charge',
    text: `select outcome from wallet_charge(array[$1::uuid], array[$2::bigint], array[$3::bigint], array[$4::bigint], array['chat'])`,
  },
  insert: {
    name: 'chat_plain_insert',
    text: `insert into messages (conversation_id, sender_id, write_id, body, price) values ($1, $2, $3, $4, $5) returning ${messageColumns}`,
  },
  count: {
    name: 'chat_plain_count',
    text: 'update conversation_members set sent_count = sent_count + 1 where conversation_id = $1 and user_id = $2',
  },
  messages: {
    name: 'chat_plain_messages',
    repeatable: true,
    text: `select ${messageColumns} from messages where conversation_id = $1 and id < $2 order by id desc limit $3`,
  },
  read: {
    name: 'chat_read',
    repeatable: true,
    text: `update conversation_members m set read_message_id = greatest(m.read_message_id,
        least($3::bigint, coalesce((select max(x.id) from messages x where x.conversation_id = $1), 0)))
      where m.conversation_id = $1 and m.user_id = $2 returning m.read_message_id`,
  },
} as const satisfies Record<string, Statement>;

/** The plain store: a statement or a transaction an operation. */
export function createChatStore(db: Database): ChatStore {
  return {
    async open(userId, peerId, writeId) {
      const key = [userId, peerId, writeId];
      const isNew = (await db.query(sql.open, key)).length > 0;
      const [row] = await db.query<ConversationRow>(sql.findPair, key);
      if (row?.mine === true) return { conversation: conversationOf(row), created: true, replayed: !isNew };
      const [begun] = await db.query<{ found: boolean }>(sql.findBegun, key);
      if (begun?.found === true) return 'key_reused';
      return row === undefined ? undefined : { conversation: conversationOf(row), created: false, replayed: false };
    },
    async conversations(userId, beforeId, limit) {
      return (await db.query<ConversationRow>(sql.list, [userId, beforeId, limit + 1])).map(conversationOf);
    },
    send: (message) => db.transaction((tx) => send(tx, message)),
    async messages({ userId, conversationId, beforeId, limit }) {
      if ((await db.query(sql.member, [conversationId, userId])).length === 0) return undefined;
      return (await db.query<MessageRow>(sql.messages, [conversationId, beforeId, limit + 1])).map(messageOf);
    },
    async markRead(userId, conversationId, messageId) {
      const [row] = await db.query<{ read_message_id: number }>(sql.read, [conversationId, userId, messageId]);
      return row?.read_message_id;
    },
  };
}

async function send(tx: Queryable, { senderId, conversationId, writeId, body }: NewMessage): Promise<SendResult> {
  await tx.query(sql.lock);
  const [found] = await tx.query<MessageRow>(sql.find, [senderId, writeId]);
  if (found !== undefined) return { outcome: 'replayed', message: messageOf(found) };
  const [member] = await tx.query<{ peer_id: number; sent_count: number; chat_price: number }>(sql.member, [conversationId, senderId]);
  if (member === undefined) return { outcome: 'missing' };
  const price = priceOf(member.sent_count, member.chat_price);
  if (price > 0) {
    const [paid] = await tx.query<{ outcome: string }>(sql.charge, [writeId, senderId, member.peer_id, price]);
    if (paid?.outcome === 'insufficient' || paid?.outcome === 'conflict') return { outcome: paid.outcome };
  }
  const [made] = await tx.query<MessageRow>(sql.insert, [conversationId, senderId, writeId, body, price]);
  await tx.query(sql.count, [conversationId, senderId]);
  return { outcome: 'created', message: messageOf(made as MessageRow) };
}
