import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Host } from '../../core/host.ts';
import type { Watchdog } from './watchdog.ts';

/** Declares what a watchdog tells of itself; read when it is scraped. */
export function watchdogMetrics(host: Host, registry: Registry, watchdog: Watchdog): void {
  const registers = [registry];
  const silence: Gauge = new Gauge({
    name: 'sora_watchdog_silence_seconds', help: 'Time since the control plane last gave a sign of life', registers,
    collect: () => silence.set((host.clock.nowMs() - watchdog.state().lastSeenMs) / 1_000),
  });
  const phase: Gauge = new Gauge({
    name: 'sora_watchdog_phase', help: '1 for the phase the watchdog is in: watching, silent or resting', labelNames: ['phase'], registers,
    collect() {
      for (const name of ['watching', 'silent', 'resting'] as const) phase.set({ phase: name }, watchdog.state().phase === name ? 1 : 0);
    },
  });
  const told: Counter = new Counter({
    name: 'sora_watchdog_told_total', help: 'Silences and returns of the control plane that were told', registers,
    collect: () => refill(told, watchdog.counts.told),
  });
  const undelivered: Counter = new Counter({
    name: 'sora_watchdog_undelivered_total', help: 'What a receiver of the watchdog did not take after all attempts', registers,
    collect: () => refill(undelivered, watchdog.counts.undelivered),
  });
}

function refill(counter: Counter, value: number): void {
  counter.reset();
  counter.inc(value);
}
