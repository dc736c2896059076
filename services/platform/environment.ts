import { z } from 'zod';
import { invalidConfig } from '../../ops/core/error.ts';

/** Variables every service of Avalo reads. */
export const commonVariables = {
  /** On 127.0.0.1. */
  PORT: z.coerce.number().int().min(0).max(65_535).default(8_080),
  DATABASE_URL: z.string().min(1),
  /** Folder of the log files; stderr when absent. */
  SORA_LOG_DIR: z.string().min(1).optional(),
  SORA_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Name of this process in logs and in pg_stat_activity. */
  SORA_SERVICE: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/).optional(),
  /** Connections to PostgreSQL at most. */
  SORA_DB_POOL: z.coerce.number().int().min(1).max(500).default(10),
  AI_PROVIDER_URL: z.url().default('http://127.0.0.1:8092'),
  /** Tokens a day over all users that are paid for; the alert on AI's budget compares with it. */
  SORA_AI_TOKENS_PER_DAY: z.coerce.number().int().min(1).default(2_000_000_000),
  PAYMENTS_PROVIDER_URL: z.url().default('http://127.0.0.1:8091'),
  /** Shared with the provider; it signs webhooks. */
  PAYMENTS_WEBHOOK_SECRET: z.string().min(16),
  /** Where the provider sends webhooks; default this api itself. */
  PAYMENTS_WEBHOOK_URL: z.url().optional(),
} as const;

/**
 * Reads environment variables; empty ones count as absent.
 * @throws SoraError `invalid_config` that names every wrong variable at once, with its value unless it is a secret
 */
export function readEnvironment<Shape extends z.ZodRawShape>(
  shape: Shape,
  env: Readonly<Record<string, string | undefined>>,
): z.infer<z.ZodObject<Shape>> {
  const present = Object.fromEntries(Object.entries(env).filter(([name, value]) => name in shape && value !== undefined && value !== ''));
  const result = z.object(shape).safeParse(present);
  if (result.success) return result.data;
  const found = result.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    const value = /SECRET|URL/.test(name) || present[name] === undefined ? '' : ` ("${present[name]}")`;
    return `${name}${value}: ${present[name] === undefined ? 'is not set' : issue.message}`;
  });
  throw invalidConfig(`the environment is not usable: ${found.join('; ')}`, 'set the variables named; services/platform/environment.ts and the main.ts of the service say what each is for');
}

type Common = Pick<z.infer<z.ZodObject<typeof commonVariables>>, 'PORT' | 'SORA_AI_TOKENS_PER_DAY' | `${'PAYMENTS' | 'AI'}_PROVIDER_URL` | 'PAYMENTS_WEBHOOK_SECRET' | 'PAYMENTS_WEBHOOK_URL'>;

/** The outside providers as the domains take them. */
export function providersOf(env: Common): { payments: { providerUrl: string; webhookSecret: string; webhookUrl: string }; ai: { providerUrl: string; tokensPerDay: number } } {
  return {
    payments: {
      providerUrl: env.PAYMENTS_PROVIDER_URL,
      webhookSecret: env.PAYMENTS_WEBHOOK_SECRET,
      webhookUrl: env.PAYMENTS_WEBHOOK_URL ?? `http://127.0.0.1:${env.PORT}/payments/webhook`,
    },
    ai: { providerUrl: env.AI_PROVIDER_URL, tokensPerDay: env.SORA_AI_TOKENS_PER_DAY },
  };
}
