import type { Counter, Registry } from 'prom-client';
import { counter as counterOf } from '../../ops/telemetry/metrics.ts';
import type { Timer } from '../../ops/core/host.ts';
import type { Platform } from '../platform/domain.ts';
import { createPaymentsMetrics, type PaymentsMetrics } from './metrics.ts';
import { createHttpProvider } from './provider-http.ts';
import type { PaymentProvider } from './provider.ts';
import { createPlainPaymentsStore, type PaymentEvent, type PaymentsStore, type PendingIntent } from './store.ts';

export interface ReconcilerOptions {
  /** Base URL of the card processor. */
  readonly providerUrl: string;
  /** Pause between two passes. Default 5,000 ms. */
  readonly intervalMs?: number;
  /** Age from which a pending purchase is asked about; events usually come within a second. Default 15,000 ms. */
  readonly pendingAfterMs?: number;
  /** Age from which a purchase the processor never heard of fails as `abandoned`. Default 15 minutes. */
  readonly abandonAfterMs?: number;
  /** Purchases looked at in one pass; the next pass goes on behind them. Default 200. */
  readonly passMax?: number;
}

export interface Reconciliation {
  readonly checked: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Look-ups that failed; the purchase is asked about again in a later round. */
  readonly errors: number;
}

export interface PaymentsReconciler {
  start(): void;
  /** Ends the pass under way and the timer. */
  stop(): Promise<void>;
  /** One pass, as the timer runs it. */
  runOnce(): Promise<Reconciliation>;
}

/** Look-ups at a time. */
const lookupsMax = 8;
/** Events older than this are forgotten, 1,000 a pass; processors stop repeating one after days. */
const eventsKeptMs = 35 * 86_400_000;

type Settled = 'checked' | 'succeeded' | 'failed' | 'errors';

/**
 * Asks the processor about purchases whose event never came and settles them as the event would
 * have. Several may run at once: each purchase settles once.
 */
export function createPaymentsReconciler(platform: Platform, options: ReconcilerOptions): PaymentsReconciler {
  const { host, log } = platform;
  const limits = { intervalMs: 5_000, pendingAfterMs: 15_000, abandonAfterMs: 900_000, passMax: 200, ...options };
  const store = createPlainPaymentsStore(platform.db);
  const provider = createHttpProvider(host, { url: options.providerUrl });
  const counter = reconciledCounter(platform.metrics);
  const parts: SettleParts = { store, provider, metrics: createPaymentsMetrics(platform.metrics), nowMs: () => host.clock.nowMs() };
  let after: PendingIntent | undefined;
  let timer: Timer | undefined;
  let pass: Promise<unknown> = Promise.resolve();
  let stopping = new AbortController();

  const runOnce = async (): Promise<Reconciliation> => {
    const counts: Record<Settled, number> = { checked: 0, succeeded: 0, failed: 0, errors: 0 };
    const pending = await store.listPending(new Date(host.clock.nowMs() - limits.pendingAfterMs), after, limits.passMax);
    // Behind the last one the next pass starts over: purchases that stay pending must not hide younger ones.
    after = pending.length < limits.passMax ? undefined : pending.at(-1);
    const queue = [...pending];
    const work = async (): Promise<void> => {
      for (let intent = queue.shift(); intent !== undefined && !stopping.signal.aborted; intent = queue.shift()) {
        const outcome = await settle(parts, intent, host.clock.nowMs() - limits.abandonAfterMs).catch((error: unknown) => {
          log.warn({ err: error, intentId: intent?.intentId }, 'a pending purchase could not be looked up');
          return 'errors' as const;
        });
        counts.checked++;
        if (outcome !== 'checked') counts[outcome]++;
        counter.inc({ outcome: outcome === 'checked' ? 'pending' : outcome });
      }
    };
    await Promise.all(Array.from({ length: lookupsMax }, work));
    await store.pruneEvents(new Date(host.clock.nowMs() - eventsKeptMs), 1_000);
    return counts;
  };

  const schedule = (): void => {
    if (stopping.signal.aborted) return;
    timer = host.timers.after(limits.intervalMs, () => {
      pass = runOnce().catch((error: unknown) => log.error({ err: error }, 'a pass over pending purchases failed')).then(schedule);
    }).unref();
  };

  return {
    runOnce,
    start() {
      stopping = new AbortController();
      schedule();
    },
    async stop() {
      stopping.abort();
      timer?.cancel();
      await pass;
      provider.close();
    },
  };
}

interface SettleParts {
  readonly store: PaymentsStore;
  readonly provider: PaymentProvider;
  readonly metrics: PaymentsMetrics;
  readonly nowMs: () => number;
}

async function settle({ store, provider, metrics, nowMs }: SettleParts, intent: PendingIntent, abandonBeforeMs: number): Promise<Settled> {
  const payment = await provider.find(intent.intentId);
  if (payment === undefined) {
    if (intent.createdAt.getTime() > abandonBeforeMs) return 'checked';
    // Not `refused`: whoever was told of the intent finds it, failed.
    await store.failIntent(intent.intentId, 'abandoned');
    metrics.settled('failed');
    return 'failed';
  }
  if (payment.status === 'processing') return 'checked';
  const event: PaymentEvent = {
    eventId: `reconciled:${intent.intentId}:${payment.status}`,
    intentId: intent.intentId,
    type: `payment_intent.${payment.status}`,
    providerId: payment.id,
    amountCents: payment.amountCents,
    failureCode: payment.failureCode,
    createdMs: payment.updatedMs,
  };
  const outcome = await store.applyEvent(event);
  if (outcome === 'applied') {
    metrics.settled(payment.status);
    if (payment.status === 'succeeded') metrics.credited(nowMs() - payment.updatedMs, nowMs() - intent.createdAt.getTime());
    return payment.status;
  }
  if (outcome === 'amount_mismatch') throw new Error(`the processor holds ${payment.amountCents} cents for intent ${intent.intentId}, which is not its price`);
  return 'checked';
}

function reconciledCounter(registry: Registry): Counter {
  const counter = counterOf(registry, {
    name: 'payment_reconciled_total',
    help: 'Purchases looked up because no event came, by what was found',
    labels: ['outcome'],
  });
  for (const outcome of ['pending', 'succeeded', 'failed', 'errors']) counter.inc({ outcome }, 0);
  return counter;
}
