import { z } from 'zod';
import { noNul, noNulMessage } from '../platform/text.ts';

export const userParams = z.object({ userId: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) });

export const profileReply = z.object({
  userId: z.int(),
  handle: z.string(),
  displayName: z.string(),
  bio: z.string(),
  chatPrice: z.int().meta({ description: 'Tokens a chat message to this user costs once the free ones are used up' }),
  followersCount: z.int(),
  followingCount: z.int(),
});
export type Profile = z.infer<typeof profileReply>;

/** At least one member; absent ones stay as they are. */
export const profileChange = z
  .object({
    displayName: z.string().trim().min(1).max(60).refine(noNul, noNulMessage),
    bio: z.string().trim().max(500).refine(noNul, noNulMessage),
    chatPrice: z.int().min(0).max(1_000_000),
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'give at least one of displayName, bio and chatPrice');
export type ProfileChange = z.infer<typeof profileChange>;

export const followReply = z.object({
  following: z.boolean(),
  changed: z.boolean().meta({ description: 'False when it was so already; then no row was written' }),
});
