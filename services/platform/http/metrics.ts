import { Counter, Gauge, type Registry } from 'prom-client';
import { httpServerDuration, type ObserveRequest } from '../../../ops/telemetry/metrics.ts';
import type { Admission } from './admission.ts';

export interface HttpMetrics {
  /** @param route the path template, so that labels stay bounded */
  route(method: string, route: string): ObserveRequest;
  shed(): void;
  rateLimited(by: 'user' | 'address'): void;
}

const classes = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

/**
 * `http_server_replies_total{domain,class}`, a domain being the first segment of a route. All series exist from the
 * start, so that a rate sees the first failure too, which the histogram's lazily made series hide. A reply costs one addition.
 * @returns the counts of a route's domain, by the hundreds of the status
 */
function countReplies(registry: Registry): (route: string) => Float64Array {
  const byDomain = new Map<string, Float64Array>();
  const replies: Counter = new Counter({
    name: 'http_server_replies_total', help: 'Replies by domain and class of status', labelNames: ['domain', 'class'], registers: [],
    collect() {
      replies.reset();
      for (const [domain, counts] of byDomain) classes.forEach((name, index) => replies.inc({ domain, class: name }, counts[index + 1] ?? 0));
    },
  });
  registry.registerMetric(replies);
  return (route) => {
    const domain = route.split('/', 2)[1] ?? '';
    let counts = byDomain.get(domain);
    if (counts === undefined) byDomain.set(domain, (counts = new Float64Array(6)));
    return counts;
  };
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
  const observerOf = httpServerDuration(registry);
  const countsOf = countReplies(registry);
  return {
    route(method, route) {
      const observe = observerOf(method, route);
      const counts = countsOf(route);
      return (status, durationMs) => {
        counts[Math.trunc(status / 100)]!++;
        observe(status, durationMs);
      };
    },
    shed: () => shed.inc(),
    rateLimited: (by) => (by === 'user' ? byUser : byAddress).inc(),
  };
}
