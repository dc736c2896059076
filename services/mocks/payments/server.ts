import { messageOf, SoraError } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';
import type { PlainRequest, Responder } from '../http/connection.ts';
import { PlainServer } from '../http/server.ts';
import type { Books } from './books.ts';
import { faultsChangeSchema, faultsSchema } from './faults.ts';
import { renderMetrics, type ServerCounts } from './metrics.ts';
import { chargeSchema } from './processor.ts';

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Requests are small; a larger body gets 413. */
const bodyBytesMax = 16_384;

/** The processor's HTTP API, its switches and its health. */
export function createProcessorServer(host: Host, books: Books): PlainServer {
  const counts: ServerCounts = { requests: 0, injectedFailures: 0 };
  return new PlainServer(host, (request, responder) => {
    counts.requests++;
    answer(host, books, counts, request).then(
      (reply) => send(responder, reply),
      (error: unknown) => send(responder, failureOf(error)),
    );
  }, { bodyBytesMax, ticks: books.ticks });
}

async function answer(host: Host, books: Books, counts: ServerCounts, request: PlainRequest): Promise<Answer> {
  const { path } = request;
  const name = `${request.method} ${path}`;
  if (books.faults.latencyMs > 0 && path.startsWith('/v1/')) await host.timers.sleep(books.faults.latencyMs);
  switch (name) {
    case 'POST /v1/payment_intents':
      return charge(books, counts, request);
    case 'GET /v1/payment_intents':
      return find(books, 'reference', new URLSearchParams(request.query).get('reference') ?? '');
    case 'GET /control':
      return { status: 200, body: books.faults };
    case 'POST /control':
      books.faults = faultsSchema.parse({ ...books.faults, ...faultsChangeSchema.parse(readJson(request)) });
      return { status: 200, body: books.faults };
    case 'GET /livez':
    case 'GET /readyz':
      return { status: 200, body: { status: 'ok' } };
    case 'GET /metrics':
      return { status: 200, body: renderMetrics(books, counts) };
    default:
      if (name.startsWith('GET /v1/payment_intents/')) return find(books, 'id', path.slice('/v1/payment_intents/'.length));
      return { status: 404, body: { code: 'not_found', detail: `there is nothing at ${name.slice(0, 200)}` } };
  }
}

async function charge(books: Books, counts: ServerCounts, request: PlainRequest): Promise<Answer> {
  const key = request.header('idempotency-key');
  if (key === undefined || key === '' || key.length > 100) {
    return { status: 400, body: { code: 'idempotency_key', detail: 'send the header Idempotency-Key, 1 to 100 characters' } };
  }
  const answer = await books.charge(key, chargeSchema.parse(readJson(request)));
  switch (answer.kind) {
    case 'failed':
      counts.injectedFailures++;
      return { status: 500, body: { code: 'injected_failure', detail: 'failRatio in /control asked for this' } };
    case 'key_reused':
      return { status: 409, body: { code: 'idempotency_key_reused', detail: `key ${key} belongs to another payment` } };
    case 'made':
    case 'repeated': {
      const status = answer.kind === 'made' ? 201 : 200;
      return { status: answer.payment.isDeclined ? 402 : status, body: books.processor.view(answer.payment) };
    }
    default:
      throw new Error(`unexpected answer ${JSON.stringify(answer satisfies never)}`);
  }
}

function find(books: Books, by: 'id' | 'reference', value: string): Answer {
  const payment = books.processor.find(by, value);
  if (payment === undefined) return { status: 404, body: { code: 'unknown_payment', detail: `there is no payment with ${by} ${value.slice(0, 100)}` } };
  return { status: 200, body: books.processor.view(payment) };
}

function readJson(request: PlainRequest): unknown {
  try {
    return JSON.parse(request.body) as unknown;
  } catch {
    throw new SoraError('invalid_json', 'the body is not valid JSON', { status: 400 });
  }
}

function failureOf(error: unknown): Answer {
  if (error instanceof SoraError) return { status: error.status, body: { code: error.code, detail: error.message } };
  const isInvalid = error instanceof Error && error.name === 'ZodError';
  return { status: isInvalid ? 400 : 500, body: { code: isInvalid ? 'invalid_request' : 'internal', detail: messageOf(error) } };
}

function send(responder: Responder, { status, body }: Answer): void {
  if (typeof body === 'string') responder.send(status, 'text/plain; version=0.0.4', body);
  else responder.send(status, 'application/json', JSON.stringify(body));
}
