import { createServer, request } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { Host } from '../core/host.ts';
import { startCollector as startOtlpCollector, type Collector } from '../../tests/fixtures/collector.ts';
import { createNodeHost } from '../core/node-host.ts';
import { createTestHost } from '../core/test-host.ts';
import { createTelemetry } from './telemetry.ts';
import { benchTracing } from './tracing.bench.ts';
import { parseTraceparent } from './tracing-otlp.ts';
import { createTracing, tracingOf, tracingOff } from './tracing.ts';

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise<void>((resolve) => {
    server.closeAllConnections();
    server.close(() => resolve());
  }));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function bodyOf(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message) text += String(chunk);
  return text;
}

async function startCollector(): Promise<Collector> {
  const collector = await startOtlpCollector();
  cleanups.push(async () => await collector[Symbol.asyncDispose]());
  return collector;
}

function hostWith(env: Record<string, string>): Host {
  const host = createNodeHost();
  return { ...host, process: { ...host.process, env: { ...host.process.env, ...env } } };
}

const get = (url: string, headers: Record<string, string>): Promise<string> =>
  new Promise((resolve, reject) => {
    request(url, { headers }, (reply) => resolve(bodyOf(reply))).on('error', reject).end();
  });

describe('tracing over OTLP', () => {
  it('joins gateway, api and statement of one request into one trace, and names it in the log', async () => {
    const collector = await startCollector();
    const host = hostWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const folder = mkdtempSync(join(tmpdir(), 'sora-trace-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const api = createTelemetry(host, { service: 'api', logDir: folder });
    const gateway = createTelemetry(host, { service: 'gateway', logDir: folder });

    const apiUrl = await listen(createServer((message, reply) => {
      const span = api.tracer.startServer('GET /feed', message.headers, { 'http.route': '/feed' });
      void api.tracer.run(span, async () => {
        await api.tracer.query('feed_home', () => Promise.resolve([]));
        await api.tracer.query('feed_broken', () => Promise.reject(new TypeError('no such table'))).catch(() => undefined);
        api.log.info('served');
        reply.end('ok');
        span.end();
      });
    }));
    const frontUrl = await listen(createServer((message, reply) => {
      const server = gateway.tracer.startServer('gateway', message.headers);
      const call = gateway.tracer.startClient('upstream', {}, server);
      const headers: Record<string, string> = {};
      gateway.tracer.inject(headers, call);
      void get(apiUrl, headers).then((text) => {
        call.end();
        server.end();
        reply.end(text);
      });
    }));

    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    expect(await get(frontUrl, { traceparent: `00-${traceId}-00f067aa0ba902b7-01` })).toBe('ok');
    await Promise.all([gateway.shutdown(), api.shutdown()]);

    const byName = new Map(collector.spans.map((span) => [span.name, span]));
    const parentOf = (name: string): string | undefined => byName.get(name)?.parentSpanId;
    expect([...byName.keys()].toSorted()).toEqual(['GET /feed', 'feed_broken', 'feed_home', 'gateway', 'upstream']);
    expect(new Set(collector.spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    expect(parentOf('gateway')).toBe('00f067aa0ba902b7');
    expect(parentOf('upstream')).toBe(byName.get('gateway')?.spanId);
    expect(parentOf('GET /feed')).toBe(byName.get('upstream')?.spanId);
    expect(parentOf('feed_home')).toBe(byName.get('GET /feed')?.spanId);
    expect(byName.get('GET /feed')).toMatchObject({ service: 'api', kind: 2 });
    expect(byName.get('feed_broken')?.status).toEqual({ code: 2, message: 'no such table' });
    expect(new Set(collector.paths)).toEqual(new Set(['/v1/traces']));
    const logged = JSON.parse(readFileSync(join(folder, 'api.log'), 'utf8').trim()) as Record<string, unknown>;
    expect(logged['logging.googleapis.com/trace']).toBe(traceId);
    expect(logged['logging.googleapis.com/spanId']).toBe(byName.get('GET /feed')?.spanId);
  });

  it('carries a trace from an outbox row to the worker that handles it', async () => {
    const collector = await startCollector();
    const tracing = createTracing(hostWith({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces` }), 'worker');
    const request = tracing.startServer('POST /posts', {});
    const { traceparent } = request;
    request.end();
    tracing.startConsumer('feed.fan_out', [undefined, traceparent, traceparent]).end();
    await tracing.shutdown();
    const [first, second] = collector.spans.toSorted((a, b) => a.kind - b.kind);
    expect(second).toMatchObject({ name: 'feed.fan_out', kind: 5, traceId: first?.traceId, parentSpanId: first?.spanId });
  });

  it('hangs common work below the first request and links it to the next seven', async () => {
    const collector = await startCollector();
    const host = hostWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const tracing = createTracing(host, 'api');
    expect(tracingOf(host)).toBe(tracing);
    const requests = Array.from({ length: 10 }, () => tracing.startServer('POST /posts', {}));
    await tracing.batch('feed create post', 10, requests, () => tracing.query('feed_create_posts', () => Promise.resolve()));
    await tracing.query('outbox_take', () => Promise.resolve());
    await tracing.shutdown();
    expect(collector.spans.map(({ name }) => name).toSorted()).toEqual(['feed create post', 'feed_create_posts']);
    const batch = collector.spans.find(({ name }) => name === 'feed create post');
    expect(batch?.parentSpanId).toBe(requests[0]?.spanId);
    expect(batch?.links?.map(({ spanId }) => spanId)).toEqual(requests.slice(1, 8).map(({ spanId }) => spanId));
    expect(batch?.attributes).toEqual([{ key: 'sora.batch.size', value: { intValue: 10 } }]);
    expect(collector.spans.find(({ name }) => name === 'feed_create_posts')?.parentSpanId).toBe(batch?.spanId);
  });

  it('ends in time when the collector is gone', async () => {
    const test = createTestHost();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
    const tracing = createTracing({ ...test, process: { ...test.process, env } }, 'x');
    tracing.startServer('GET /', {}).end();
    const done = tracing.shutdown();
    await test.advance(5_000);
    await done;
  });
});

describe('traceparent', () => {
  it('takes what W3C allows and nothing else', () => {
    const good = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    expect(parseTraceparent(good)).toMatchObject({ traceId: good.slice(3, 35), spanId: good.slice(36, 52), traceFlags: 1 });
    expect(parseTraceparent(`cc${good.slice(2)}-later`)).toBeDefined();
    const bad = [undefined, '', 'x', [good], `${good}-x`, `ff${good.slice(2)}`, good.toUpperCase(), `cc${good.slice(2)}x`, good.replace(/[1-9a-f]/g, '0')];
    for (const header of bad) expect(parseTraceparent(header)).toBeUndefined();
  });
});

describe('tracing off', () => {
  it('is off without an endpoint, hands on values and errors, and writes no header', async () => {
    const tracing = createTracing(hostWith({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }), 'api');
    expect(tracing).toBe(tracingOff);
    const span = tracing.startServer('GET /', { traceparent: 'x' });
    expect(tracing.run(span, () => 7)).toBe(7);
    await expect(tracing.query('q', () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    const headers = {};
    tracing.inject(headers, span);
    expect(headers).toEqual({});
  });

  it('costs at most 1 µs a request', () => {
    const [row] = benchTracing(createNodeHost());
    expect(row?.medianNs).toBeLessThan(1_000);
  });

  it('loads no part of the SDK, which being on does', async () => {
    const root = join(import.meta.dirname, '..');
    const script = (env: string): string[] => ['--input-type=module', '-e', `
      import { createNodeHost } from '${root}/core/node-host.ts';
      import { createTracing } from '${root}/telemetry/tracing.ts';
      import { createRequire } from 'node:module';
      const real = createNodeHost();
      createTracing({ ...real, process: { ...real.process, env: { OTEL_EXPORTER_OTLP_ENDPOINT: '${env}' } } }, 'x');
      const cache = Object.keys(createRequire('${root}/telemetry/').cache);
      console.log(cache.filter((path) => path.includes('@opentelemetry')).length);
      process.exit();`];
    const count = async (env: string): Promise<number> => Number((await promisify(execFile)(process.execPath, script(env))).stdout);
    expect(await count('')).toBe(0);
    expect(await count('http://127.0.0.1:9')).toBeGreaterThan(10);
  });
});
