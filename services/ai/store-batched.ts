import type { Host } from '../../ops/core/host.ts';
import { Batcher } from '../platform/batcher.ts';
import type { Database, Statement } from '../platform/database.ts';
import { createAiStore, toMessage, type AiStore, type LookUp, type MessageRow, type NewAiMessage, type StoredAiMessage } from './store.ts';

const columns = 'ord, id, companion_id, prompt, reply, model, prompt_tokens, completion_tokens';
const sql = {
  lookUp: { name: 'ai_look_up', text: `select ${columns}, used_today from ai_look_up($1, $2)`, repeatable: true },
  save: { name: 'ai_save', text: `select ${columns} from ai_save($1, $2, $3, $4, $5, $6, $7, $8)`, repeatable: true },
} as const satisfies Record<string, Statement>;

type LookUpRow = { readonly ord: number; readonly used_today: number } & { readonly [Key in keyof MessageRow]: MessageRow[Key] | null };

/** The fast store: look-ups that come together, and replies that come together, share one statement. */
export function createBatchedAiStore(host: Host, db: Database): AiStore {
  const lookUps = new Batcher<{ userId: number; writeId: string }, LookUp>(host, { name: 'ai look-up' }, async (items) => {
    const rows = await db.query<LookUpRow>(sql.lookUp, [items.map((item) => item.userId), items.map((item) => item.writeId)]);
    const results: LookUp[] = items.map(() => ({ stored: undefined, usedToday: 0 }));
    for (const { ord, used_today: usedToday, ...row } of rows) {
      results[ord - 1] = { stored: row.id === null ? undefined : toMessage(row as MessageRow), usedToday };
    }
    return results;
  });
  const saves = new Batcher<NewAiMessage, StoredAiMessage>(host, { name: 'ai save' }, async (items) => {
    const rows = await db.query<MessageRow & { ord: number }>(sql.save, [
      items.map((item) => item.userId), items.map((item) => item.companionId), items.map((item) => item.writeId),
      items.map((item) => item.prompt), items.map((item) => item.reply), items.map((item) => item.model),
      items.map((item) => item.promptTokens), items.map((item) => item.completionTokens),
    ]);
    const results: StoredAiMessage[] = [];
    for (const { ord, ...row } of rows) results[ord - 1] = toMessage(row);
    return results;
  });
  return {
    ...createAiStore(db),
    lookUp: (userId, writeId) => lookUps.add({ userId, writeId }),
    save: (message) => saves.add(message),
  };
}
