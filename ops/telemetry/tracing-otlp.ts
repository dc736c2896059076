import { AsyncLocalStorage } from 'node:async_hooks';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import type { Attributes, Context, Link, Span, SpanContext } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { messageOf } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import type { Headers, TraceSpan, Tracing } from './tracing.ts';

const traceparentPattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/;
/** Spans waiting for export; beyond it new ones are dropped by the SDK. */
const queueMax = 8_192;
const shutdownMaxMs = 5_000;
/** Requests or jobs that a span of common work names, its parent among them. */
const membersMax = 8;

/** The span context of a `traceparent` header; undefined when absent or malformed, as W3C says. */
export function parseTraceparent(header: string | string[] | undefined): SpanContext | undefined {
  if (typeof header !== 'string') return undefined;
  const match = traceparentPattern.exec(header);
  if (match === null || match[1] === 'ff') return undefined;
  // Version 00 ends here; later versions may go on after a hyphen.
  if (match[1] === '00' ? header.length !== 55 : header.length > 55 && header[55] !== '-') return undefined;
  const [, , traceId = '', spanId = '', flags = '00'] = match;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
}

class OtlpSpan implements TraceSpan {
  readonly span: Span;
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;

  constructor(span: Span) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.span = span;
    this.traceId = traceId;
    this.spanId = spanId;
    this.sampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
  }

  get traceparent(): string {
    return `00-${this.traceId}-${this.spanId}-${this.sampled ? '01' : '00'}`;
  }

  setAttribute(name: string, value: string | number | boolean): void {
    this.span.setAttribute(name, value);
  }

  fail(error: unknown): void {
    const type = typeof error === 'string' ? error : error instanceof Error ? error.name : typeof error;
    this.span.setAttribute('error.type', type);
    this.span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
  }

  end(): void {
    this.span.end();
  }
}

/**
 * Tracing by the OpenTelemetry SDK over OTLP/HTTP with JSON, to `url`. Headers, sampler and batch
 * sizes are the SDK's own `OTEL_*` variables. Nothing is registered globally.
 */
export function createOtlpTracing(host: Host, service: string, url: string): Tracing {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'process.pid': host.process.pid }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }), { maxQueueSize: queueMax })],
  });
  const tracer = provider.getTracer('sora');
  const storage = new AsyncLocalStorage<OtlpSpan>();
  const below = (parent: TraceSpan | undefined): Context =>
    parent instanceof OtlpSpan ? trace.setSpan(ROOT_CONTEXT, parent.span) : ROOT_CONTEXT;
  const start = (name: string, kind: SpanKind, context: Context, attributes: Attributes = {}, links: Link[] = []): OtlpSpan =>
    new OtlpSpan(tracer.startSpan(name, { kind, attributes, links }, context));

  return {
    enabled: true,
    startServer: (name, headers: Headers, attributes) =>
      start(name, SpanKind.SERVER, remote(headers['traceparent']), attributes),
    startClient: (name, attributes, parent) =>
      start(name, SpanKind.CLIENT, below(parent ?? storage.getStore()), attributes),
    startConsumer(name, traceparents, attributes) {
      const senders = [...new Set(traceparents)].map(parseTraceparent).filter((context) => context !== undefined);
      return start(name, SpanKind.CONSUMER, belowFirst(senders), attributes, linksOf(senders));
    },
    run: (span, work) => (span instanceof OtlpSpan ? storage.run(span, work) : work()),
    batch(name, size, members, work) {
      const contexts = members.filter((member) => member instanceof OtlpSpan).map(({ span }) => span.spanContext());
      const span = start(name, SpanKind.INTERNAL, belowFirst(contexts), { 'sora.batch.size': size }, linksOf(contexts));
      return storage.run(span, () => settle(span, work));
    },
    query(statementName, work) {
      const active = storage.getStore();
      if (active === undefined) return work();
      const attributes = { 'db.system.name': 'postgresql', 'db.query.summary': statementName };
      return settle(start(statementName, SpanKind.CLIENT, below(active), attributes), work);
    },
    active: () => storage.getStore(),
    inject(headers, span) {
      const current = span ?? storage.getStore();
      if (current !== undefined && current.traceparent !== '') headers['traceparent'] = current.traceparent;
    },
    async shutdown() {
      const timer = new AbortController();
      const late = host.timers.sleep(shutdownMaxMs, timer.signal).catch(() => undefined);
      // A collector that is gone must neither fail nor hold up the process that ends.
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
      timer.abort();
    },
  };
}

function remote(traceparent: string | string[] | undefined): Context {
  const context = parseTraceparent(traceparent);
  return context === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context);
}

function belowFirst([first]: readonly SpanContext[]): Context {
  return first === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, first);
}

const linksOf = (contexts: readonly SpanContext[]): Link[] => contexts.slice(1, membersMax).map((context) => ({ context }));

/** Does the span's work and ends the span. */
async function settle<Result>(span: OtlpSpan, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    span.fail(error);
    throw error;
  } finally {
    span.end();
  }
}
