import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createNodeHost } from '../core/node-host.ts';
import { benchMetrics } from './metrics.bench.ts';
import { counter, histogram, httpServerDuration, metricNames } from './metrics.ts';
import { createTelemetry } from './telemetry.ts';

describe('metrics', () => {
  it('has the process metrics of every service, event-loop delay among them', async () => {
    const telemetry = createTelemetry(createNodeHost(), { service: 'api', level: 'silent' });
    const text = await telemetry.metrics.metrics();
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds', 'log_lines_dropped 0']) {
      expect(text).toContain(name);
    }
    await telemetry.shutdown();
  });

  it('counts requests under OpenTelemetry names, statuses apart', async () => {
    const registry = new Registry();
    const observe = httpServerDuration(registry)('GET', '/posts/{postId}');
    observe(200, 20);
    observe(200, 200);
    observe(404, 1);
    const text = await registry.metrics();
    const get = 'http_request_method="GET",http_route="/posts/{postId}",http_response_status_code="200"';
    expect(text).toContain(`http_server_request_duration_seconds_bucket{le="0.025",${get}} 1`);
    expect(text).toContain(`http_server_request_duration_seconds_count{${get}} 2`);
    expect(text).toContain(`http_server_request_duration_seconds_count{${get.replace('200', '404')}} 1`);
  });

  it('declares each of the domain metrics once, however often it is asked', async () => {
    const registry = new Registry();
    histogram(registry, metricNames.paymentDelay).observe(0.2);
    histogram(registry, metricNames.paymentDelay).observe(0.2);
    counter(registry, metricNames.aiTokens).inc({ model: 'small', direction: 'input' }, 12);
    counter(registry, metricNames.aiTokens).inc({ model: 'small', direction: 'input' }, 3);
    const text = await registry.metrics();
    expect(text).toContain('payment_delay_seconds_bucket{le="0.5"} 2');
    expect(text).toContain('ai_tokens_total{model="small",direction="input"} 15');
  });

  it('observes in less than 1 µs', () => {
    expect(benchMetrics(createNodeHost())[0]?.medianNs).toBeLessThan(1_000);
  });
});
