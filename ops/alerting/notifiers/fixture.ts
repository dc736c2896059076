/** What tests of notifiers and the outbox share: a receiver on a real socket, and notifications. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Labels } from '../../metricstore/series.ts';
import { fingerprintOf } from '../alert.ts';
import type { RoutedAlert } from '../alert.ts';
import type { Notification } from '../notification.ts';
import type { Delivery } from './outcome.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How the receiver treats a request. */
export type Treatment =
  | { readonly kind: 'reply'; readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  /** Takes the request and never answers. */
  | { readonly kind: 'silence' }
  /** Breaks the connection off after the request. */
  | { readonly kind: 'close' };

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly requests: Received[];
  /** Treats the next requests so; afterwards as before. */
  next(...treatments: Treatment[]): void;
  /** Treats all requests so from now on. */
  always(treatment: Treatment | ((request: Received) => Treatment | Promise<Treatment>)): void;
  /** Resolves once this many requests have come. */
  until(count: number): Promise<void>;
}

/** Listens on a free port of this machine. */
export async function startReceiver(): Promise<Receiver> {
  const requests: Received[] = [];
  const queue: Treatment[] = [];
  const waiting = new Set<() => void>();
  let usual: (request: Received) => Treatment | Promise<Treatment> = () => ({ kind: 'reply', status: 200, body: 'ok' });
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const received = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      requests.push(received);
      void Promise.resolve(queue.shift() ?? usual(received)).then((treatment) => treat(response, treatment));
      for (const look of waiting) look();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    next: (...treatments) => void queue.push(...treatments),
    always: (treatment) => void (usual = typeof treatment === 'function' ? treatment : () => treatment),
    until: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (requests.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function treat(response: ServerResponse, treatment: Treatment): void {
  if (treatment.kind === 'close') response.destroy();
  if (treatment.kind !== 'reply') return;
  response.writeHead(treatment.status, treatment.headers);
  response.end(treatment.body ?? '');
}

export const noonMs = Date.UTC(2026, 0, 1, 12);

export function exampleAlert(labels: Labels = {}, rest: Partial<RoutedAlert> = {}): RoutedAlert {
  const all = { alertname: 'ApiLatencyHigh', severity: 'critical', service: 'api', ...labels };
  return {
    fingerprint: fingerprintOf(all), labels: all, status: 'firing', startsAtMs: noonMs - 150_000, value: 1.4321,
    annotations: { summary: 'The API is slow', description: 'p95 of the API is above its limit', runbook: 'https://runbooks.example/api-latency', impact: '' },
    expression: 'histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket[5m]))) > 1.2', ...rest,
  };
}

/** A critical alert of the API that fires; `rest` replaces parts of it. */
export function exampleNotification(rest: Partial<Notification> = {}): Notification {
  const alerts = rest.alerts ?? [exampleAlert()];
  return {
    id: 'n-1', groupKey: '{}:{alertname="ApiLatencyHigh"}', receiver: 'oncall', integration: { kind: 'webhook', index: 0 }, status: 'firing', reason: 'new', severity: 'critical',
    groupLabels: { alertname: 'ApiLatencyHigh' }, commonLabels: { alertname: 'ApiLatencyHigh', severity: 'critical', service: 'api' }, commonAnnotations: alerts.length === 1 ? (alerts[0]?.annotations ?? {}) : {},
    alertsOmitted: 0, impact: '1,200 requests/min', changes: [{ kind: 'deploy', atMs: noonMs - 300_000, text: 'api 1.4.2 (0123456789ab) by kim' }],
    ackUrl: 'https://sora.example/ack/abc.def', atMs: noonMs, ...rest, alerts,
  };
}

export function exampleDelivery(rest: Partial<Notification> = {}, thread?: Delivery['thread']): Delivery {
  return { notification: exampleNotification(rest), episode: 'e0123456789abcdef', thread };
}

/** The end of the example's alert. */
export const resolvedRest = { id: 'n-2', status: 'resolved', reason: 'resolved', alerts: [exampleAlert({}, { status: 'resolved', endsAtMs: noonMs + 60_000 })], atMs: noonMs + 60_000 } as const satisfies Partial<Notification>;
