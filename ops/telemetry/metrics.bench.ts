import { Registry } from 'prom-client';
import type { Host } from '../core/host.ts';
import { timeCalls } from './log.bench.ts';
import type { BenchRow } from './log.bench.ts';
import { httpServerDuration } from './metrics.ts';

/** What counting one request costs. */
export function benchMetrics(host: Host): BenchRow[] {
  const duration = httpServerDuration(new Registry());
  return [timeCalls(host, 'metric observe, request duration', (index) => duration.observe('GET', '/feed', 200, index / 1e6))];
}
