import { collectDefaultMetrics, Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { metricNames } from './metric-names.ts';
import type { MetricSpec } from './metric-names.ts';

export { metricNames };
export type { MetricSpec };

/** Bucket bounds in seconds. */
export const buckets = {
  /** OpenTelemetry's advice for HTTP durations. */
  http: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  /** Work inside one process or one database call. */
  fast: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  /** Outside providers and background work. */
  slow: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
} as const;

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

/**
 * Bounds a label: a value outside `values` becomes `other`, so that no client can grow the metrics.
 * Labels whose values come from requests must pass through this.
 */
export function boundedLabel(values: readonly string[]): (value: string) => string {
  const known = new Set(values);
  return (value) => (known.has(value) ? value : 'other');
}

export interface HttpServerDuration {
  /**
   * @param route the route's template (`/posts/{postId}`), never the path; `unmatched` for 404s
   * @param durationS seconds from the first byte of the request to the last of the reply
   */
  observe(method: string, route: string, status: number, durationS: number): void;
}

const methods = boundedLabel(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']);
/** Distinct (method, route, status) kept apart; later ones count under the route `other`. */
const seriesMax = 2_000;

/** `http_server_request_duration_seconds` with OpenTelemetry's labels. An observation costs about 0.4 µs. */
export function httpServerDuration(registry: Registry): HttpServerDuration {
  const histogram = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Duration of HTTP requests served',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
    buckets: [...buckets.http],
    registers: [registry],
  });
  const children = new Map<string, Map<number, { observe(value: number): void }>>();
  let series = 0;
  const add = (key: string, method: string, route: string, status: number): { observe(value: number): void } => {
    const isFull = series >= seriesMax;
    const child = histogram.labels(methods(method), isFull ? 'other' : route, isFull ? 'other' : String(status));
    if (isFull) return child;
    series++;
    const byStatus = children.get(key) ?? new Map<number, { observe(value: number): void }>();
    children.set(key, byStatus.set(status, child));
    return child;
  };
  return {
    observe(method, route, status, durationS) {
      const key = method + route;
      const child = children.get(key)?.get(status) ?? add(key, method, route, status);
      child.observe(durationS);
    },
  };
}

/** Declares a histogram of the list, or answers the one declared before. */
export function histogram(registry: Registry, spec: MetricSpec): Histogram {
  const { name, help, labels, buckets: bounds = buckets.fast } = spec;
  const known = registry.getSingleMetric(name) as Histogram | undefined;
  return known ?? new Histogram({ name, help, labelNames: [...labels], buckets: [...bounds], registers: [registry] });
}

/** Declares a counter of the list, or answers the one declared before. */
export function counter(registry: Registry, spec: MetricSpec): Counter {
  const { name, help, labels } = spec;
  const known = registry.getSingleMetric(name) as Counter | undefined;
  return known ?? new Counter({ name, help, labelNames: [...labels], registers: [registry] });
}

/** Declares a gauge of the list, or answers the one declared before. */
export function gauge(registry: Registry, spec: MetricSpec): Gauge {
  const { name, help, labels } = spec;
  const known = registry.getSingleMetric(name) as Gauge | undefined;
  return known ?? new Gauge({ name, help, labelNames: [...labels], registers: [registry] });
}
