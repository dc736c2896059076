import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Host } from '../core/host.ts';
import type { Heart } from './heartbeat.ts';

/** Declares what the control plane tells of itself; store, rules, routing and outbox tell of their own work. */
export function watchControl({ host, metrics }: { readonly host: Host; readonly metrics: Registry }, heart: Pick<Heart, 'counts'>): void {
  const registers = [metrics];
  const heartbeats: Counter<'outcome'> = new Counter({
    name: 'sora_heartbeats_total', help: 'Heartbeats by outcome: sent, failed, or withheld as no rule was evaluated', labelNames: ['outcome'], registers,
    collect() {
      heartbeats.reset();
      for (const outcome of ['sent', 'failed', 'withheld'] as const) heartbeats.inc({ outcome }, heart.counts[outcome]);
    },
  });
  const coldStart = new Gauge({ name: 'process_cold_start_seconds', help: 'From the start of the process to readiness', registers });
  coldStart.set(host.clock.monotonicMs() / 1_000);
}
