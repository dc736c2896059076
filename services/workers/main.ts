import { z } from 'zod';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTelemetry } from '../../ops/telemetry/telemetry.ts';
import { createSessionsPruner } from '../accounts/pruner.ts';
import { createDomains } from '../api/domains.ts';
import { createPaymentsReconciler } from '../payments/reconciler.ts';
import { certificateTargets, createCertificateWatch } from '../platform/certificates.ts';
import { watchDatabase } from '../platform/database-health.ts';
import { commonVariables, providersOf, readEnvironment } from '../platform/environment.ts';
import { migrate } from '../platform/migrations.ts';
import { createPostgresDatabase } from '../platform/postgres.ts';
import { startQueues, type Queues } from '../platform/queue/queues.ts';
import { runMain, runService } from '../platform/service.ts';
import { createLedgerWatch } from '../wallet/ledger-watch.ts';
import { createProbes } from './probes.ts';

const variables = {
  ...commonVariables,
  /** TLS servers besides the providers whose certificates are watched: `host:port` by commas. */
  SORA_TLS_TARGETS: z.string().default(''),
};

const host = createNodeHost();

async function main(): Promise<void> {
  const env = readEnvironment(variables, host.process.env);
  const service = env.SORA_SERVICE ?? 'workers';
  const telemetry = createTelemetry(host, {
    service,
    level: env.SORA_LOG_LEVEL,
    ...(env.SORA_LOG_DIR === undefined ? {} : { logDir: env.SORA_LOG_DIR }),
  });
  const { log, metrics, tracer } = telemetry;
  await migrate(host, env.DATABASE_URL);
  const db = createPostgresDatabase({ host, url: env.DATABASE_URL, poolSize: env.SORA_DB_POOL, applicationName: service, metrics, log, tracer });
  const platform = { host, db, log, metrics };
  const domains = createDomains(platform, providersOf(env));
  const reconciler = createPaymentsReconciler(platform, { providerUrl: env.PAYMENTS_PROVIDER_URL });
  const pruner = createSessionsPruner(platform);
  watchDatabase(host, db, metrics);
  const ledger = createLedgerWatch(platform);
  const certificates = createCertificateWatch(host, metrics, certificateTargets(env.SORA_TLS_TARGETS, [env.AI_PROVIDER_URL, env.PAYMENTS_PROVIDER_URL]));
  const probes = createProbes(platform, tracer);
  let queues: Queues | undefined;
  await runService({
    host, log, metrics,
    listener: probes.listener,
    lifecycle: probes.lifecycle,
    listen: { port: env.PORT },
    drainMs: 0,
    async warmUp() {
      queues = await startQueues(platform, env.DATABASE_URL, domains.flatMap((domain) => domain.jobs ?? []));
      reconciler.start();
      pruner.start();
      ledger.start();
      certificates.start();
    },
    idle: () => probes.idle(),
    async close() {
      certificates.stop();
      await ledger.stop();
      await pruner.stop();
      await reconciler.stop();
      await queues?.stop();
      probes.close();
      for (const domain of domains) await domain.close?.();
      await db.close();
      await telemetry.shutdown();
    },
  });
}

await runMain(host, main);
