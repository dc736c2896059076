import type { Domain, Platform } from '../platform/domain.ts';
import { CompanionChat } from './companion-chat.ts';
import { createAiMetrics } from './metrics.ts';
import { createHttpAiProvider } from './provider-http.ts';
import { aiRoutes } from './routes.ts';
import { createBatchedAiStore } from './store-batched.ts';

export interface AiOptions {
  /** Base URL of the provider of models, such as `http://127.0.0.1:4100`. */
  readonly providerUrl: string;
}

/** Companions, their token accounting, and moderation. */
export function createAi(platform: Platform, options: AiOptions): Domain {
  const store = createBatchedAiStore(platform.host, platform.db);
  const provider = createHttpAiProvider(platform.host, { url: options.providerUrl });
  const chat = new CompanionChat(platform.host, store, provider, createAiMetrics(platform.metrics));
  return {
    name: 'ai',
    routes: aiRoutes(chat, store),
    auditedWrites: [{ kind: 'ai_message', table: 'ai_messages', userColumn: 'user_id', writeIdColumn: 'write_id' }],
    close: async () => provider.close(),
  };
}
