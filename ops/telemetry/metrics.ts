import { collectDefaultMetrics, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/** Declares the metrics every process has: CPU, memory, event-loop delay, garbage collection, lost log lines. */
export function watchProcess(registry: Registry, droppedLines: () => number): void {
  collectDefaultMetrics({ register: registry });
  const dropped: Gauge = new Gauge({
    name: 'log_lines_dropped',
    help: 'Log lines lost since start because the write buffer was full',
    registers: [registry],
    collect() {
      dropped.set(droppedLines());
    },
  });
}
