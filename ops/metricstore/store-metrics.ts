import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { MetricStore } from './store.ts';

/** Declares what the metric store tells of itself. */
export function watchMetricStore(registry: Registry, store: MetricStore): void {
  const registers = [registry];
  const refused: Counter<'reason'> = new Counter({
    name: 'sora_store_refused_total', help: 'Samples, series and metadata that the metric store refused, by reason', labelNames: ['reason'], registers,
    collect() {
      refused.reset();
      for (const [reason, count] of store.raw.refusals.entries()) refused.inc({ reason }, count);
      if (store.catalogue !== undefined) refused.inc({ reason: 'catalogue' }, store.catalogue.refused);
    },
  });
  const counter = (name: string, help: string, read: () => number): void => {
    const made: Counter = new Counter({ name, help, registers, collect() {
      made.reset();
      made.inc(read());
    } });
  };
  const gauge = (name: string, help: string, read: () => number): void => {
    const made: Gauge = new Gauge({ name, help, registers, collect() {
      made.set(read());
    } });
  };
  counter('sora_store_samples_total', 'Samples written to the metric store', () => store.raw.figures().samplesWritten);
  counter('sora_store_dropped_early_total', 'Buffers of raw samples and rows of buckets given up before their time because room ran out', () => store.raw.figures().droppedEarly + (store.longTerm?.droppedEarly ?? 0));
  counter('sora_store_database_failures_total', 'Failures of the metric store to read or write its database', () => store.failures);
  gauge('sora_store_series', 'Series in memory', () => store.raw.figures().series);
  gauge('sora_store_active_series', 'Series in memory that have not ended', () => store.raw.figures().activeSeries);
  gauge('sora_store_chunk_bytes', 'Bytes of buffers for compressed samples', () => store.raw.figures().chunkBytes);
}
