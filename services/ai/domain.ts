import type { Domain, Platform } from '../platform/domain.ts';
import { CompanionChat } from './companion-chat.ts';
import { createAiMetrics } from './metrics.ts';
import { createHttpAiProvider } from './provider-http.ts';
import { aiRoutes } from './routes.ts';
import { companions, tokensPerDayDefault } from './rules.ts';
import { createBatchedAiStore } from './store-batched.ts';

export interface AiOptions {
  /** Base URL of the provider of models, such as `http://127.0.0.1:4100`. */
  readonly providerUrl: string;
  /** Tokens a day, over all users, that are paid for; only watched. Default 2,000,000,000. */
  readonly tokensPerDay?: number;
}

/** Companions, their token accounting, and moderation. */
export function createAi(platform: Platform, options: AiOptions): Domain {
  const store = createBatchedAiStore(platform.host, platform.db);
  const provider = createHttpAiProvider(platform.host, { url: options.providerUrl });
  const models = [...new Set(companions.map(({ model }) => model))];
  const metrics = createAiMetrics(platform.metrics, { models, tokensPerDay: options.tokensPerDay ?? tokensPerDayDefault });
  const chat = new CompanionChat(platform.host, store, provider, metrics);
  return {
    name: 'ai',
    routes: aiRoutes(chat, store),
    auditedWrites: [{ kind: 'ai_message', table: 'ai_messages', userColumn: 'user_id', writeIdColumn: 'write_id' }],
    close: async () => provider.close(),
  };
}
