import { Gauge, type Registry } from 'prom-client';
import { z } from 'zod';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTelemetry } from '../../ops/telemetry/telemetry.ts';
import { createAccounts } from '../accounts/domain.ts';
import { accessTtlDefaultS, accessTtlMaxS, createTokens } from '../accounts/token.ts';
import { commonVariables, providersOf, readEnvironment } from '../platform/environment.ts';
import { migrate } from '../platform/migrations.ts';
import { createPostgresDatabase } from '../platform/postgres.ts';
import { runMain, runService } from '../platform/service.ts';
import { profileMaker } from '../profiles/store.ts';
import { createApi } from './create-api.ts';
import { createDomains } from './domains.ts';

const variables = {
  ...commonVariables,
  /** A unix socket to listen on besides the port. */
  SORA_SOCKET: z.string().min(1).optional(),
  SORA_TOKEN_SECRET: z.string().min(32),
  /** The secret before a rotation: its tokens stay valid until they run out. */
  SORA_TOKEN_SECRET_PREVIOUS: z.string().min(32).optional(),
  /** When SORA_TOKEN_SECRET must have been replaced, in ISO 8601; only watched. */
  SORA_SIGNING_KEY_EXPIRES_AT: z.iso.datetime({ offset: true }).optional(),
  SORA_ACCESS_TTL_S: z.coerce.number().int().min(10).max(accessTtlMaxS).default(accessTtlDefaultS),
  /** Opens /admin/sessions to direct connections from this machine. */
  SORA_ADMIN_SECRET: z.string().min(16).optional(),
  SORA_TRUSTED_PEERS: z.string().default(''),
  SORA_RATE_USER_PER_MIN: z.coerce.number().min(1).default(600),
  SORA_RATE_ADDRESS_PER_MIN: z.coerce.number().min(1).default(3_000),
  SORA_IN_FLIGHT_MAX: z.coerce.number().int().min(1).default(2_000),
  SORA_REQUEST_TIMEOUT_MS: z.coerce.number().int().min(100).default(10_000),
  SORA_DRAIN_MS: z.coerce.number().int().min(0).default(500),
};

const host = createNodeHost();

async function main(): Promise<void> {
  const env = readEnvironment(variables, host.process.env);
  const service = env.SORA_SERVICE ?? 'api';
  const telemetry = createTelemetry(host, {
    service,
    level: env.SORA_LOG_LEVEL,
    ...(env.SORA_LOG_DIR === undefined ? {} : { logDir: env.SORA_LOG_DIR }),
  });
  const { log, metrics, tracer } = telemetry;
  const { applied } = await migrate(host, env.DATABASE_URL);
  if (applied.length > 0) log.info({ applied }, 'database migrated');
  const db = createPostgresDatabase({ host, url: env.DATABASE_URL, poolSize: env.SORA_DB_POOL, applicationName: service, metrics, log, tracer });
  const platform = { host, db, log, metrics };
  const tokens = createTokens({
    clock: host.clock,
    secret: env.SORA_TOKEN_SECRET,
    ttlS: env.SORA_ACCESS_TTL_S,
    ...(env.SORA_TOKEN_SECRET_PREVIOUS === undefined ? {} : { previousSecret: env.SORA_TOKEN_SECRET_PREVIOUS }),
  });
  if (env.SORA_SIGNING_KEY_EXPIRES_AT !== undefined) watchTokenKey(metrics, Date.parse(env.SORA_SIGNING_KEY_EXPIRES_AT));
  const domains = [
    createAccounts(platform, { tokens, profiles: profileMaker, ...(env.SORA_ADMIN_SECRET === undefined ? {} : { adminSecret: env.SORA_ADMIN_SECRET }) }),
    ...createDomains(platform, providersOf(env)),
  ];
  const api = createApi(platform, domains, {
    tokens,
    tracer,
    hashUser: (userId) => telemetry.hashUser(userId),
    trustedPeers: env.SORA_TRUSTED_PEERS,
    userPerMinute: env.SORA_RATE_USER_PER_MIN,
    addressPerMinute: env.SORA_RATE_ADDRESS_PER_MIN,
    requestTimeoutMs: env.SORA_REQUEST_TIMEOUT_MS,
    admission: { inFlightMax: env.SORA_IN_FLIGHT_MAX },
  });
  await runService({
    host, log, metrics,
    listener: api.listener,
    lifecycle: api.lifecycle,
    listen: { port: env.PORT, ...(env.SORA_SOCKET === undefined ? {} : { socketPath: env.SORA_SOCKET }) },
    drainMs: env.SORA_DRAIN_MS,
    warmUp: async () => {
      for (const domain of domains) await domain.warmUp?.();
    },
    idle: () => api.idle(),
    close: async () => {
      api.close();
      for (const domain of domains) await domain.close?.();
      await db.close();
      await telemetry.shutdown();
    },
  });
}

/** Declares when the key that signs access tokens must have been replaced. */
function watchTokenKey(registry: Registry, expiresMs: number): void {
  const help = 'When the key that signs access tokens must have been replaced';
  new Gauge({ name: 'token_key_expiry_timestamp_seconds', help, registers: [registry] }).set(expiresMs / 1_000);
}

await runMain(host, main);
