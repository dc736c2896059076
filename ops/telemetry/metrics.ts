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

/** Counts one request of a route; `durationMs` from the first byte of its head to the last of its reply. */
export type ObserveRequest = (status: number, durationMs: number) => void;

/**
 * `http_server_request_duration_seconds` with OpenTelemetry's labels. Call the answer once a route: it
 * keeps the child of each status, so that an observation costs about 0.4 µs.
 * @returns takes the method and the route's template (`/posts/{postId}`), never the path, so that labels stay bounded
 */
export function httpServerDuration(registry: Registry): (method: string, route: string) => ObserveRequest {
  const durations = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Time from the request head to the end of the reply',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
    buckets: [...buckets.http],
    registers: [registry],
  });
  return (method, route) => {
    const children = new Map<number, { observe(valueS: number): void }>();
    return (status, durationMs) => {
      let child = children.get(status);
      if (child === undefined) children.set(status, (child = durations.labels(method, route, String(status))));
      child.observe(durationMs / 1_000);
    };
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
