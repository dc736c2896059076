import { createRequire } from 'node:module';
import { invalidConfig } from '../core/error.ts';
import type { Host } from '../core/host.ts';

/** What tracing-otlp.ts exports; spelled out, as importing it here would load the SDK in every process. */
interface OtlpModule {
  createOtlpTracing(host: Host, service: string, url: string): Tracing;
}

/** One timed piece of work in a trace. */
export interface TraceSpan {
  /** W3C header value to pass on; '' when tracing is off. */
  readonly traceparent: string;
  /** 32 hex digits; '' when tracing is off. */
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  setAttribute(name: string, value: string | number | boolean): void;
  /** Marks the span as failed, with the error's message; a text is a kind of failure, such as `503`. */
  fail(error: unknown): void;
  end(): void;
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Traces through gateway, api, workers and PostgreSQL. When off, every method returns at once with
 * the same inert span, and no part of the OpenTelemetry SDK is loaded.
 */
export interface Tracing {
  readonly enabled: boolean;
  /** An incoming request; continues the trace of its `traceparent` header. */
  startServer(name: string, headers: Headers, attributes?: SpanAttributes): TraceSpan;
  /** An outgoing call, below `parent` or the active span. */
  startClient(name: string, attributes?: SpanAttributes, parent?: TraceSpan): TraceSpan;
  /**
   * Jobs taken from a queue together: continues the trace of the first `traceparent` that travelled with
   * them and links to those of the others, 8 in all; malformed ones count as absent.
   */
  startConsumer(name: string, traceparents: readonly (string | undefined)[], attributes?: SpanAttributes): TraceSpan;
  /** Runs `work` with the span active, so that spans and log lines below it belong to it. */
  run<Result>(span: TraceSpan, work: () => Result): Result;
  /**
   * One piece of work for several requests, as a span that is active meanwhile. A span has one parent, which
   * is the first member; up to 7 others are links, so that each of their traces leads here. `size` becomes
   * the attribute `sora.batch.size`.
   */
  batch<Result>(name: string, size: number, members: readonly TraceSpan[], work: () => Promise<Result>): Promise<Result>;
  /**
   * A PostgreSQL statement as a client span below the active one; ends when the promise settles. Outside
   * any span it is only run: the polls of relays and probes would be traces of their own, many a second.
   */
  query<Result>(statementName: string, work: () => Promise<Result>): Promise<Result>;
  /** The active span; undefined outside any. */
  active(): TraceSpan | undefined;
  /** Writes `traceparent` of `span` or the active span into the headers of an outgoing call. */
  inject(headers: Record<string, string>, span?: TraceSpan): void;
  /** Exports what is buffered, for at most 5 s. */
  shutdown(): Promise<void>;
}

const nothing = (): void => undefined;

const inertSpan: TraceSpan = {
  traceparent: '', traceId: '', spanId: '', sampled: false,
  setAttribute: nothing, fail: nothing, end: nothing,
};

/** Tracing that is off. */
export const tracingOff: Tracing = {
  enabled: false,
  startServer: () => inertSpan,
  startClient: () => inertSpan,
  startConsumer: () => inertSpan,
  run: (_span, work) => work(),
  batch: (_name, _size, _members, work) => work(),
  query: (_statementName, work) => work(),
  active: () => undefined,
  inject: nothing,
  shutdown: () => Promise.resolve(),
};

const tracings = new WeakMap<Host, Tracing>();

/**
 * The tracing created last for this host, or tracing that is off. For what lies deep below a composition
 * root and has the host in hand, such as batchers; ask once, when made, and check `enabled` on the hot path.
 */
export function tracingOf(host: Host): Tracing {
  return tracings.get(host) ?? tracingOff;
}

/**
 * Tracing as OpenTelemetry's environment variables say: on when `OTEL_EXPORTER_OTLP_ENDPOINT` (or
 * `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) is set and `OTEL_SDK_DISABLED` is not `true`.
 */
export function createTracing(host: Host, service: string): Tracing {
  const { env } = host.process;
  const base = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const url = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || (base === undefined || base === '' ? '' : `${base.replace(/\/$/, '')}/v1/traces`);
  if (url === '' || env['OTEL_SDK_DISABLED'] === 'true') return tracingOff;
  // Loaded here and not above: the SDK costs 60 ms and 15 MB at start that most processes never need.
  const require = createRequire(import.meta.url);
  const otlp = require('./tracing-otlp.ts') as OtlpModule;
  if (!URL.canParse(url)) throw invalidConfig(`OTLP endpoint "${url}" is no URL`, 'set OTEL_EXPORTER_OTLP_ENDPOINT to one such as http://127.0.0.1:4318');
  const tracing = otlp.createOtlpTracing(host, service, url);
  tracings.set(host, tracing);
  return tracing;
}
