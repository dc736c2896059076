import { Histogram, Registry } from 'prom-client';
import { callRows, quickRounds, timeCalls } from '../core/bench-calls.ts';
import type { CallCost, CallRounds } from '../core/bench-calls.ts';
import { runBench } from '../core/bench-cli.ts';
import type { Host } from '../core/host.ts';
import { createNodeHost } from '../core/node-host.ts';
import { buckets, httpServerDuration } from './metrics.ts';

/** What counting one request costs: first as the api does it, with the child of its labels kept, then the usual way, labels every time. */
export function benchMetrics(host: Host, rounds?: CallRounds): CallCost[] {
  const observe = httpServerDuration(new Registry())('GET', '/feed');
  const usual = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Duration of HTTP requests served',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
    buckets: [...buckets.http],
    registers: [],
  });
  return timeCalls(host, {
    'observe request duration': (index) => observe(200, index / 1e3),
    'prom-client labels(…).observe': (index) => usual.labels('GET', '/feed', '200').observe(index / 1e6),
  }, rounds);
}

if (import.meta.main) {
  await runBench(createNodeHost(), (host, { quick }) =>
    callRows('metrics', benchMetrics(host, quick ? { ...quickRounds, callsPerRound: 100_000 } : { callsPerRound: 500_000 }), { 'prom-client labels(…).observe': 'baseline' }));
}
