import { z } from 'zod';
import { redirectsMax } from './scenario-links.ts';

const timeoutMs = z.number().positive().max(3_600_000);

/** What `ScenarioLinks` may hold, for the check of a scenario's shape. */
export const linkFields = {
  transport: z.enum(['pooled', 'per-user']).optional(),
  extraSocketsPerUser: z.number().min(0).max(100).optional(),
  sourceAddresses: z.array(z.string()).min(1).max(1_000).optional(),
  tls: z
    .strictObject({
      ca: z.string().optional(),
      cert: z.string().optional(),
      key: z.string().optional(),
      servername: z.string().optional(),
      rejectUnauthorized: z.boolean().optional(),
    })
    .optional(),
  timeouts: z.strictObject({ connectMs: timeoutMs.optional(), replyMs: timeoutMs.optional(), setupMs: timeoutMs.optional(), teardownMs: timeoutMs.optional() }).optional(),
  compression: z.boolean().optional(),
  redirects: z.number().int().min(0).max(redirectsMax).optional(),
  cookies: z.boolean().optional(),
};
