import type { AuditedWrites, Domain, Platform } from '../platform/domain.ts';
import { createPaymentsMetrics } from './metrics.ts';
import { createHttpProvider } from './provider-http.ts';
import { createPaymentsRoutes } from './routes.ts';
import { webhookKey } from './signature.ts';
import { createBatchedPaymentsStore } from './store-batched.ts';

export interface PaymentsOptions {
  /** Base URL of the card processor. */
  readonly providerUrl: string;
  /** Shared with the processor; signs its events. */
  readonly webhookSecret: string;
  /** Where the processor posts its events: our `POST /payments/webhook`, as it reaches it. */
  readonly webhookUrl: string;
}

/** The view leaves out purchases that were declined while the buyer waited: those were never acknowledged. */
const auditedWrites: readonly AuditedWrites[] = [
  { kind: 'payment_intent', table: 'payment_accepted_intents', userColumn: 'user_id', writeIdColumn: 'write_id' },
];

/** Token purchases through a card processor. Mount `createPaymentsReconciler` in a worker beside it. */
export function createPayments(platform: Platform, options: PaymentsOptions): Domain {
  const { host } = platform;
  const provider = createHttpProvider(host, { url: options.providerUrl });
  const routes = createPaymentsRoutes({
    host,
    clock: host.clock,
    store: createBatchedPaymentsStore(host, platform.db),
    provider,
    metrics: createPaymentsMetrics(platform.metrics),
    webhookUrl: options.webhookUrl,
    key: webhookKey(options.webhookSecret),
  });
  return {
    name: 'payments',
    routes,
    auditedWrites,
    close: () => {
      provider.close();
      return Promise.resolve();
    },
  };
}
