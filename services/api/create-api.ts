import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Tracing } from '../../ops/telemetry/tracing.ts';
import { createAuditRoutes } from '../platform/audit.ts';
import type { Domain, Platform } from '../platform/domain.ts';
import { Admission, type AdmissionOptions } from '../platform/http/admission.ts';
import { createClientAddress } from '../platform/http/client-address.ts';
import { docsPage } from '../platform/http/docs-page.ts';
import { compileEndpoint, type EndpointServices } from '../platform/http/endpoint.ts';
import { correlationIdOf } from '../platform/http/exchange.ts';
import { InFlight } from '../platform/http/in-flight.ts';
import { RateLimiter } from '../platform/http/limiter.ts';
import { createHttpMetrics } from '../platform/http/metrics.ts';
import { createOpenApi } from '../platform/http/openapi.ts';
import { createProcessRoutes, type Lifecycle } from '../platform/http/process-routes.ts';
import { createRouter } from '../platform/http/router.ts';
import type { TokenVerifier } from '../platform/identity.ts';
import { route, type Route } from '../platform/route.ts';

export interface ApiOptions {
  readonly tokens: TokenVerifier;
  readonly tracer: Tracing;
  /** CIDR list whose X-Forwarded-For is believed; `unix` for unix sockets. Default none. */
  readonly trustedPeers?: string;
  /** Default 600, in bursts of a tenth of it. */
  readonly userPerMinute?: number;
  /** Default 3,000, in bursts of a tenth of it. */
  readonly addressPerMinute?: number;
  /** Default 10,000 ms; then 504. */
  readonly requestTimeoutMs?: number;
  /** Of replies that stream. Default 120,000 ms. */
  readonly streamTimeoutMs?: number;
  /** Default 65,536; then 413. */
  readonly bodyMaxBytes?: number;
  /** Requests slower than this are logged at `info`. Default 1,000 ms. */
  readonly slowMs?: number;
  readonly admission?: AdmissionOptions;
  /** What logs hold in place of a user's id. */
  readonly hashUser: (userId: number) => string;
}

export interface Api {
  readonly listener: RequestListener;
  readonly routes: readonly Route[];
  /** The caller sets its phase; `/readyz` tells it. */
  readonly lifecycle: Lifecycle;
  /** Resolves when no request is under way. */
  idle(): Promise<void>;
  close(): void;
}

/** Builds the HTTP API of the given domains: everything between the socket and their handlers. */
export function createApi(platform: Platform, domains: readonly Domain[], options: ApiOptions): Api {
  const { host, db, log, metrics } = platform;
  const admission = new Admission(host, options.admission);
  const inFlight = new InFlight(host, admission);
  const httpMetrics = createHttpMetrics(metrics, admission);
  const lifecycle: Lifecycle = { phase: 'starting' };
  const services: EndpointServices = {
    host, log, inFlight,
    metrics: httpMetrics,
    tracer: options.tracer,
    tokens: options.tokens,
    clientAddress: createClientAddress(options.trustedPeers ?? ''),
    userLimiter: new RateLimiter<number>(host.clock, { pointsPerMinute: options.userPerMinute ?? 600 }),
    addressLimiter: new RateLimiter<string>(host.clock, { pointsPerMinute: options.addressPerMinute ?? 3_000 }),
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    streamTimeoutMs: options.streamTimeoutMs ?? 120_000,
    bodyMaxBytes: options.bodyMaxBytes ?? 65_536,
    slowMs: options.slowMs ?? 1_000,
    hashUser: options.hashUser,
    failureLogLimiter: new RateLimiter<string>(host.clock, { pointsPerMinute: 60, burst: 10, keysMax: 1_000 }),
  };
  const routes: Route[] = [
    ...createProcessRoutes(host, db, metrics, lifecycle),
    ...domains.flatMap((domain) => domain.routes),
    ...createAuditRoutes(platform, domains.flatMap((domain) => domain.auditedWrites ?? [])),
  ];
  routes.push(...documentRoutes(routes));
  const makeId = (): string => host.random.uuid();
  const router = createRouter(routes.map((each) => ({ route: each, endpoint: compileEndpoint(each, services) })), makeId);

  return {
    lifecycle,
    routes,
    listener(request, response) {
      if (lifecycle.phase === 'stopping') response.shouldKeepAlive = false;
      if (admission.admits() || isVital(request.url ?? '')) return router(request, response);
      httpMetrics.shed();
      shed(request, response, makeId);
    },
    idle: () => inFlight.empty(),
    close() {
      admission.close();
      inFlight.close();
    },
  };
}

const vitalPath = /^\/(?:livez|readyz|metrics|ledger\/audit|admin\/(?:sessions|accounts\/summary|audit\/writes(?:\/\d+)?))(?:\?|$)/;

/** What must be answered however great the load: probes, metrics, audits. Whole paths, so that others do not slip by. */
function isVital(url: string): boolean {
  return vitalPath.test(url);
}

const shedHead = ['content-type', 'application/problem+json', 'retry-after', '1', 'x-correlation-id'];

function shed(request: IncomingMessage, response: ServerResponse, makeId: () => string): void {
  const correlationId = correlationIdOf(request, makeId);
  const body =
    '{"type":"urn:sora:problem:overloaded","title":"Service Unavailable","status":503,"detail":"the service sheds load; try again",' +
    `"code":"overloaded","retryAfterS":1,"correlationId":"${correlationId}"}`;
  response.writeHead(503, [...shedHead, correlationId, 'content-length', String(body.length)]);
  response.end(body, 'latin1');
}

function documentRoutes(routes: readonly Route[]): Route[] {
  let document: string | undefined;
  return [
    route({
      method: 'get', path: '/openapi.json', operationId: 'openapi', summary: 'This API as an OpenAPI 3.1 document', auth: 'none',
      responses: { 200: z.object({ openapi: z.string() }).loose() },
      handle: () => ({ status: 200, json: (document ??= JSON.stringify(createOpenApi(routes, '0.1.0'))) }),
    }),
    route({
      method: 'get', path: '/docs', operationId: 'docs', summary: 'This API as a page', auth: 'none',
      responses: { 200: null },
      handle: () => ({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, json: docsPage }),
    }),
  ];
}
