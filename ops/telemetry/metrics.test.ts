import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createNodeHost } from '../core/node-host.ts';
import { benchMetrics } from './metrics.bench.ts';
import { boundedLabel, counter, gauge, histogram, httpServerDuration, metricNames } from './metrics.ts';
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

  it('counts requests under OpenTelemetry names, with bounded methods', async () => {
    const registry = new Registry();
    const duration = httpServerDuration(registry);
    duration.observe('GET', '/posts/{postId}', 200, 0.02);
    duration.observe('GET', '/posts/{postId}', 200, 0.2);
    duration.observe('BREW', '/pot', 418, 0.001);
    const text = await registry.metrics();
    const get = 'http_request_method="GET",http_route="/posts/{postId}",http_response_status_code="200"';
    expect(text).toContain(`http_server_request_duration_seconds_bucket{le="0.025",${get}} 1`);
    expect(text).toContain(`http_server_request_duration_seconds_count{${get}} 2`);
    expect(text).toContain('http_request_method="other",http_route="/pot"');
  });

  it('stops growing at its limit of series', async () => {
    const registry = new Registry();
    const duration = httpServerDuration(registry);
    for (let n = 0; n < 2_500; n++) duration.observe('GET', `/path/${n}`, 200, 0.01);
    const lines = (await registry.metrics()).split('\n').filter((line) => line.includes('_count{'));
    expect(lines).toHaveLength(2_001);
    expect(lines.at(-1)).toMatch(/http_route="other".* 500$/);
  });

  it('turns unknown label values into other', () => {
    const model = boundedLabel(['small', 'large']);
    expect(['small', 'huge', 'constructor'].map(model)).toEqual(['small', 'other', 'other']);
  });

  it('declares each of the domain metrics once, however often it is asked', async () => {
    const registry = new Registry();
    histogram(registry, metricNames.chatSendDuration).observe({ outcome: 'ok' }, 0.01);
    histogram(registry, metricNames.chatSendDuration).observe({ outcome: 'ok' }, 0.01);
    counter(registry, metricNames.aiTokens).inc({ model: 'small', direction: 'input' }, 12);
    gauge(registry, metricNames.coldStart).set(0.4);
    const text = await registry.metrics();
    expect(text).toContain('chat_message_send_duration_seconds_count{outcome="ok"} 2');
    expect(text).toContain('ai_tokens_total{model="small",direction="input"} 12');
    expect(text).toContain('process_cold_start_seconds 0.4');
  });

  it('observes in less than 1 µs', () => {
    expect(benchMetrics(createNodeHost())[0]?.medianNs).toBeLessThan(1_000);
  });
});
