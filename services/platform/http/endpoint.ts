import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Tracing } from '../../../ops/telemetry/tracing.ts';
import type { Host } from '../../../ops/core/host.ts';
import type { ObserveRequest } from '../../../ops/telemetry/metrics.ts';
import type { TokenVerifier } from '../identity.ts';
import { badRequest, forbidden, tooManyRequests, unauthorized, type Problem } from '../problem.ts';
import type { Reply, Route } from '../route.ts';
import { parseJson, readBody } from './body.ts';
import { correlationIdOf, Exchange } from './exchange.ts';
import type { InFlight } from './in-flight.ts';
import type { RateLimiter } from './limiter.ts';
import type { HttpMetrics } from './metrics.ts';
import { problemOf, sendProblem, sendReply } from './send.ts';

/** What all endpoints share. */
export interface EndpointServices {
  readonly host: Host;
  readonly log: Logger;
  readonly metrics: HttpMetrics;
  readonly tracer: Tracing;
  readonly tokens: TokenVerifier;
  readonly inFlight: InFlight;
  readonly clientAddress: (request: IncomingMessage) => string;
  readonly userLimiter: RateLimiter<number>;
  readonly addressLimiter: RateLimiter<string>;
  readonly requestTimeoutMs: number;
  /** For replies that stream. */
  readonly streamTimeoutMs: number;
  readonly bodyMaxBytes: number;
  /** Requests slower than this are logged at `info`, all others at `debug`. */
  readonly slowMs: number;
  /** What logs hold in place of a user's id. */
  readonly hashUser: (userId: number) => string;
  /** By route and code: neither an outage nor a flood of refusals must fill the disk with one line a request. Metrics count them all. */
  readonly failureLogLimiter: RateLimiter<string>;
}

export type Endpoint = (request: IncomingMessage & { params?: unknown }, response: ServerResponse) => void;

/** Compiles a route to the function that serves it: limits, identity, validation, handler, reply. */
export function compileEndpoint(route: Route, services: EndpointServices): Endpoint {
  const observe = services.metrics.route(route.method.toUpperCase(), route.path);
  const spanName = `${route.method.toUpperCase()} ${route.path}`;
  const { tracer, host, inFlight } = services;
  const timeoutMs = route.timeoutMs ?? services.requestTimeoutMs;
  const serve = (exchange: Exchange): Promise<void> => serveOnce(route, services, observe, exchange);

  const makeId = (): string => host.random.uuid();

  return (request, response) => {
    const startMs = host.clock.monotonicMs();
    const correlationId = correlationIdOf(request, makeId);
    const exchange = new Exchange(request, response, correlationId, startMs, startMs + timeoutMs);
    inFlight.add(exchange);
    if (!tracer.enabled) {
      void serve(exchange);
      return;
    }
    const span = tracer.startServer(spanName, request.headers, { 'http.request.method': route.method.toUpperCase(), 'http.route': route.path, 'sora.correlation_id': correlationId });
    void tracer.run(span, () => serve(exchange)).finally(() => {
      span.setAttribute('http.response.status_code', response.statusCode);
      if (response.statusCode >= 500) span.fail(String(response.statusCode));
      span.end();
    });
  };
}

async function serveOnce(route: Route, services: EndpointServices, observe: ObserveRequest, exchange: Exchange): Promise<void> {
  const { response } = exchange;
  try {
    admit(route, services, exchange);
    await readInput(route, services, exchange);
    const reply = await route.handle(exchange);
    // The deadline passed meanwhile: the client has its 504 already.
    if (response.headersSent) return;
    if ('stream' in reply) await sendStream(reply, services, exchange);
    else sendReply(response, exchange.correlationId, reply);
  } catch (error) {
    fail(route, services, exchange, error);
  } finally {
    services.inFlight.delete(exchange);
    const durationMs = services.host.clock.monotonicMs() - exchange.startMs;
    observe(response.statusCode, durationMs);
    if (durationMs > services.slowMs) logRequest(services, 'info', route, exchange, durationMs, 'slow request');
    else if (services.log.isLevelEnabled('debug')) logRequest(services, 'debug', route, exchange, durationMs, 'request');
  }
}

/** Rate limits and identity: cheap, and before a byte of the body is read. */
function admit(route: Route, services: EndpointServices, exchange: Exchange): void {
  exchange.clientAddress = services.clientAddress(exchange.request);
  const cost = route.cost ?? 1;
  if (cost > 0) {
    const waitMs = services.addressLimiter.spend(exchange.clientAddress, cost);
    if (waitMs > 0) throw limited(services, 'address', waitMs);
  }
  if (route.auth === 'none') return;
  const identity = services.tokens.verify(bearerToken(exchange.request));
  if (route.auth === 'admin' && identity.role !== 'admin') throw forbidden('admin_only', 'this needs an access token with the role admin');
  exchange.userId = identity.userId;
  exchange.role = identity.role;
  if (cost > 0 && identity.role !== 'admin') {
    const waitMs = services.userLimiter.spend(identity.userId, cost);
    if (waitMs > 0) throw limited(services, 'user', waitMs);
  }
}

function limited(services: EndpointServices, by: 'user' | 'address', waitMs: number): Problem {
  services.metrics.rateLimited(by);
  return tooManyRequests(`too many requests of this ${by}`, Math.ceil(waitMs / 1_000));
}

/** @throws Problem 401 `token_missing` */
export function bearerToken(request: { readonly headers: Readonly<Record<string, string | string[] | undefined>> }): string {
  const header = request.headers['authorization'];
  if (typeof header !== 'string' || !/^bearer /i.test(header)) {
    throw unauthorized('token_missing', 'send the header Authorization: Bearer <access token>');
  }
  return header.slice(7);
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

async function readInput(route: Route, services: EndpointServices, exchange: Exchange): Promise<void> {
  const request = exchange.request as IncomingMessage & { params?: unknown };
  if (route.idempotent === true) exchange.writeId = idempotencyKey(request);
  if (route.params !== undefined) exchange.params = validate(route.params, request.params, 'path');
  if (route.query !== undefined) exchange.query = validate(route.query, queryOf(request.url ?? ''), 'query');
  if (route.body === undefined && route.rawBody !== true) return;
  const bytes = await readBody(request, services.bodyMaxBytes);
  if (route.rawBody === true) exchange.rawBody = bytes;
  if (route.body !== undefined) exchange.body = validate(route.body, parseJson(request, bytes), 'body');
}

function idempotencyKey(request: IncomingMessage): string {
  const key = request.headers['idempotency-key'];
  if (typeof key === 'string' && uuid.test(key)) return key.toLowerCase();
  throw badRequest('idempotency_key', key === undefined ? 'send the header Idempotency-Key: <uuid>, the same one on each retry' : 'Idempotency-Key is not a UUID');
}

/** The query's members; a name given twice becomes an array. */
export function queryOf(url: string): Record<string, string | string[]> {
  const question = url.indexOf('?');
  const found: Record<string, string | string[]> = {};
  if (question === -1) return found;
  for (const [name, value] of new URLSearchParams(url.slice(question + 1))) {
    if (name === '__proto__') continue;
    const before = found[name];
    found[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
  }
  return found;
}

const issuesMax = 10;
/** Longer values are cut in messages. */
const foundMaxLength = 60;

function validate(schema: z.ZodType, value: unknown, where: 'path' | 'query' | 'body'): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  // Two rules may refuse one value for one reason, such as "too big for an int" and "too big": the schema's own comes last.
  const issues = new Map(result.error.issues.map((issue) => [`${issue.path.join('.')} ${issue.code}`, issue]));
  const errors = [...issues.values()].slice(0, issuesMax).map((issue) => ({ where, path: issue.path.join('.'), message: wordsOf(issue, where === 'body' ? undefined : value) }));
  const first = errors[0];
  const at = first === undefined || first.path === '' ? where : `${where} ${first.path}`;
  throw badRequest('invalid_request', `${at}: ${first?.message ?? 'invalid'}`, { errors });
}

/** What is wrong, with the value found. Of a body no value is repeated: it may be a password. */
function wordsOf(issue: z.core.$ZodIssue, input: unknown): string {
  const name = issue.path[0];
  if (typeof input !== 'object' || input === null || issue.path.length !== 1 || typeof name !== 'string') return issue.message;
  const found = (input as Readonly<Record<string, unknown>>)[name];
  if (found === undefined) return 'is missing';
  const shown = JSON.stringify(typeof found === 'string' && found.length > foundMaxLength ? `${found.slice(0, foundMaxLength)}…` : found);
  return issue.code === 'invalid_type' && issue.expected === 'number' ? `${shown} is not a number` : `${issue.message}; found ${shown}`;
}

async function sendStream(reply: Extract<Reply, { stream: unknown }>, services: EndpointServices, exchange: Exchange): Promise<void> {
  const { response } = exchange;
  exchange.deadlineMs = exchange.startMs + services.streamTimeoutMs;
  response.writeHead(reply.status, { 'x-correlation-id': exchange.correlationId, ...reply.headers });
  await reply.stream(response);
  if (!response.writableEnded) response.end();
}

function fail(route: Route, services: EndpointServices, exchange: Exchange, error: unknown): void {
  const { response } = exchange;
  const problem = chargeRefusal(route, services, exchange, problemOf(error));
  logFailure(route, services, exchange, problem, error);
  // Within a stream the status is out; only breaking off tells the client that it is not whole.
  if (response.headersSent) return void (response.writableEnded || response.destroy());
  sendProblem(response, exchange.correlationId, problem, exchange.request.url ?? '');
}

/** Failures with their cause, refusals in one short line: what a correlation id is looked up for. */
function logFailure(route: Route, services: EndpointServices, exchange: Exchange, problem: Problem, error: unknown): void {
  if (services.failureLogLimiter.spend(`${route.operationId} ${problem.code}`) > 0) return;
  const { status, code } = problem;
  const about = { correlationId: exchange.correlationId, userHash: userHashOf(services, exchange), route: route.operationId, status };
  if (status >= 500) services.log[status === 500 ? 'error' : 'warn']({ err: error, ...about }, 'request failed');
  else services.log.info({ ...about, code }, 'request refused');
}

/** Makes guessing cost something where the route itself is free. */
function chargeRefusal(route: Route, services: EndpointServices, exchange: Exchange, problem: Problem): Problem {
  if (problem.status !== 401 || route.refusalCost === undefined) return problem;
  const waitMs = services.addressLimiter.spend(exchange.clientAddress, route.refusalCost);
  return waitMs > 0 ? limited(services, 'address', waitMs) : problem;
}

function userHashOf(services: EndpointServices, exchange: Exchange): string | undefined {
  return exchange.userId === 0 ? undefined : services.hashUser(exchange.userId);
}

function logRequest(services: EndpointServices, level: 'info' | 'debug', route: Route, exchange: Exchange, durationMs: number, message: string): void {
  services.log[level](
    {
      correlationId: exchange.correlationId,
      userHash: userHashOf(services, exchange),
      route: route.operationId,
      status: exchange.response.statusCode,
      durationMs: Math.round(durationMs * 10) / 10,
    },
    message,
  );
}
