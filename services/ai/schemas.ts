import { z } from 'zod';

/** Longest message to a companion or text to moderate, characters. */
export const textMax = 4_000;

export const companionSchema = z.object({
  id: z.int(),
  name: z.string(),
  description: z.string(),
  model: z.string(),
});
export const companionsSchema = z.object({ items: z.array(companionSchema) });

export const companionParamsSchema = z.object({ companionId: z.coerce.number().int().min(1).max(1_000_000) });
/** PostgreSQL's text holds neither NUL nor half a surrogate pair. */
const text = z.string().min(1).max(textMax).refine((value) => !value.includes('\0') && value.isWellFormed(), 'must be well-formed text without NUL');
export const messageBodySchema = z.object({ text });
export const moderationBodySchema = z.object({ text });

export const tokensSchema = z.object({ prompt: z.int(), completion: z.int() });
export const messageSchema = z.object({ messageId: z.int(), reply: z.string(), tokens: tokensSchema });
export const moderationSchema = z.object({ flagged: z.boolean(), categories: z.array(z.string()) });

export const usageSchema = z.object({
  /** Tokens of today, UTC, and the limit they count against. */
  usedToday: z.int(),
  dailyTokensMax: z.int(),
  items: z.array(z.object({ day: z.string(), model: z.string(), requests: z.int(), promptTokens: z.int(), completionTokens: z.int() })),
});

export type Companion = z.infer<typeof companionSchema>;
export type CompanionMessage = z.infer<typeof messageSchema>;
