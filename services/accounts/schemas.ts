import { z } from 'zod';
import { noNul, noNulMessage } from '../platform/text.ts';
import { normaliseEmail } from './rules.ts';

const email = z
  .string()
  .max(254)
  .transform(normaliseEmail)
  .pipe(z.email('not an e-mail address'))
  .meta({ description: 'Compared without regard to case and surrounding space' });
const refreshToken = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'not a refresh token');

export const registerBody = z.object({
  email,
  password: z.string().min(10).max(128),
  handle: z.string().regex(/^[a-z0-9_]{3,30}$/, 'use 3 to 30 of a-z, 0-9 and _'),
  displayName: z.string().trim().min(1).max(60).refine(noNul, noNulMessage),
});
/** A wrong password may have any length: rules apply where one is set. */
export const loginBody = z.object({ email, password: z.string().min(1).max(128) });
export const refreshBody = z.object({ refreshToken });

export const sessionReply = z.object({
  userId: z.int(),
  accessToken: z.string(),
  expiresInS: z.int(),
  refreshToken,
});

export const adminSessionsBody = z.object({
  fromUserId: z.int().min(0).default(0),
  count: z.int().min(1).max(50_000),
  role: z.enum(['user', 'admin']).default('user'),
  ttlS: z.int().min(1).max(86_400).default(3_600),
});
export const adminSessionsReply = z.object({ sessions: z.array(z.object({ userId: z.int(), accessToken: z.string() })) });
export const summaryReply = z.object({ total: z.int(), seeded: z.int() });
