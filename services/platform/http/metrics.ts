import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Admission } from './admission.ts';

/** Counts one request; the label children are looked up once a route and status. */
export type Observe = (status: number, durationMs: number) => void;

export interface HttpMetrics {
  /** @param route the path template, so that labels stay bounded */
  route(method: string, route: string): Observe;
  shed(): void;
  rateLimited(by: 'user' | 'address'): void;
}

/** Declares the server's metrics under OpenTelemetry's semantic names. */
export function createHttpMetrics(registry: Registry, admission: Admission): HttpMetrics {
  const durations = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Time from the request head to the end of the reply',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
    registers: [registry],
  });
  const shed = new Counter({ name: 'http_server_shed_total', help: 'Requests refused at once under overload', registers: [registry] });
  const limited = new Counter({
    name: 'http_server_rate_limited_total',
    help: 'Requests refused by a rate limit',
    labelNames: ['by'],
    registers: [registry],
  });
  const active = new Gauge({
    name: 'http_server_active_requests',
    help: 'Requests in flight',
    registers: [],
    collect() {
      this.set(admission.inFlight);
    },
  });
  const admitted = new Gauge({
    name: 'http_server_admit_ratio',
    help: 'Share of requests that load shedding lets in',
    registers: [],
    collect() {
      this.set(admission.admitRatio);
    },
  });
  registry.registerMetric(active);
  registry.registerMetric(admitted);
  const byUser = limited.labels('user');
  const byAddress = limited.labels('address');
  return {
    route(method, route) {
      const children = new Map<number, { observe(valueS: number): void }>();
      return (status, durationMs) => {
        let child = children.get(status);
        if (child === undefined) children.set(status, (child = durations.labels(method, route, String(status))));
        child.observe(durationMs / 1_000);
      };
    },
    shed: () => shed.inc(),
    rateLimited: (by) => (by === 'user' ? byUser : byAddress).inc(),
  };
}
