import { Counter, Gauge, type Registry } from 'prom-client';
import { httpServerDuration, type ObserveRequest } from '../../../ops/telemetry/metrics.ts';
import type { Admission } from './admission.ts';

export interface HttpMetrics {
  /** @param route the path template, so that labels stay bounded */
  route(method: string, route: string): ObserveRequest;
  shed(): void;
  rateLimited(by: 'user' | 'address'): void;
}

/** Declares the server's metrics under OpenTelemetry's semantic names. */
export function createHttpMetrics(registry: Registry, admission: Admission): HttpMetrics {
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
    route: httpServerDuration(registry),
    shed: () => shed.inc(),
    rateLimited: (by) => (by === 'user' ? byUser : byAddress).inc(),
  };
}
