import type { Database, Statement } from '../platform/database.ts';

export interface NewAiMessage {
  readonly userId: number;
  readonly companionId: number;
  readonly writeId: string;
  readonly prompt: string;
  readonly reply: string;
  readonly model: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** A message as it is stored; `id` orders a user's messages. */
export interface StoredAiMessage {
  readonly id: number;
  readonly companionId: number;
  readonly prompt: string;
  readonly reply: string;
  readonly model: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface LookUp {
  /** What an earlier try of the same write stored. */
  readonly stored: StoredAiMessage | undefined;
  /** The user's tokens of today, UTC, over all models. */
  readonly usedToday: number;
}

export interface UsageRow {
  readonly day: string;
  readonly model: string;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface AiStore {
  lookUp(userId: number, writeId: string): Promise<LookUp>;
  /** Stores message and usage in one transaction; a write id that is there already changes nothing. */
  save(message: NewAiMessage): Promise<StoredAiMessage>;
  /** Counts tokens of a reply that is not stored. */
  charge(userId: number, model: string, promptTokens: number, completionTokens: number): Promise<void>;
  /** The last 31 days, newest first. */
  usage(userId: number): Promise<UsageRow[]>;
}

export interface MessageRow {
  readonly id: number;
  readonly companion_id: number;
  readonly prompt: string;
  readonly reply: string;
  readonly model: string;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

export const toMessage = (row: MessageRow): StoredAiMessage => ({
  id: row.id,
  companionId: row.companion_id,
  prompt: row.prompt,
  reply: row.reply,
  model: row.model,
  promptTokens: row.prompt_tokens,
  completionTokens: row.completion_tokens,
});

const columns = 'id, companion_id, prompt, reply, model, prompt_tokens, completion_tokens';
const sql = {
  find: { name: 'ai_find', text: `select ${columns} from ai_messages where user_id = $1 and write_id = $2`, repeatable: true },
  usedToday: {
    name: 'ai_used_today',
    text: `select coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint as used from ai_usage
      where user_id = $1 and day = (now() at time zone 'utc')::date`,
    repeatable: true,
  },
  insert: {
    name: 'ai_insert',
    text: `insert into ai_messages (user_id, companion_id, write_id, prompt, reply, model, prompt_tokens, completion_tokens)
      values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (user_id, write_id) do nothing returning ${columns}`,
  },
  count: {
    name: 'ai_count',
    text: `insert into ai_usage as u (user_id, day, model, requests, prompt_tokens, completion_tokens)
      values ($1, (now() at time zone 'utc')::date, $2, 1, $3, $4)
      on conflict (user_id, day, model) do update set requests = u.requests + 1,
        prompt_tokens = u.prompt_tokens + excluded.prompt_tokens, completion_tokens = u.completion_tokens + excluded.completion_tokens`,
  },
  usage: {
    name: 'ai_usage_list',
    text: `select day::text, model, requests, prompt_tokens as "promptTokens", completion_tokens as "completionTokens"
      from ai_usage where user_id = $1 and day > (now() at time zone 'utc')::date - 31 order by day desc, model limit 500`,
    repeatable: true,
  },
} as const satisfies Record<string, Statement>;

/** The plain store: a statement an action. The batched one must answer the same. */
export function createAiStore(db: Database): AiStore {
  return {
    async lookUp(userId, writeId) {
      const [row] = await db.query<MessageRow>(sql.find, [userId, writeId]);
      const [used] = await db.query<{ used: number }>(sql.usedToday, [userId]);
      return { stored: row === undefined ? undefined : toMessage(row), usedToday: used?.used ?? 0 };
    },
    save: (message) =>
      db.transaction(async (tx) => {
        const [made] = await tx.query<MessageRow>(sql.insert, [
          message.userId, message.companionId, message.writeId, message.prompt, message.reply, message.model,
          message.promptTokens, message.completionTokens,
        ]);
        if (made === undefined) {
          const [row] = await tx.query<MessageRow>(sql.find, [message.userId, message.writeId]);
          return toMessage(row as MessageRow);
        }
        await tx.query(sql.count, [message.userId, message.model, message.promptTokens, message.completionTokens]);
        return toMessage(made);
      }),
    charge: async (userId, model, promptTokens, completionTokens) => {
      await db.query(sql.count, [userId, model, promptTokens, completionTokens]);
    },
    usage: (userId) => db.query<UsageRow>(sql.usage, [userId]),
  };
}
