import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf, SoraError } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';
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
export function createProcessorServer(host: Host, books: Books): Server {
  const counts: ServerCounts = { requests: 0, injectedFailures: 0 };
  const server = createServer((request, response) => {
    counts.requests++;
    answer(host, books, counts, request).then(
      (reply) => send(response, reply),
      (error: unknown) => send(response, failureOf(error)),
    );
  });
  // Longer than clients keep idle connections, so that they close first.
  server.keepAliveTimeout = 75_000;
  server.requestTimeout = 30_000;
  return server;
}

async function answer(host: Host, books: Books, counts: ServerCounts, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const name = `${request.method ?? 'GET'} ${url.pathname}`;
  if (url.pathname.startsWith('/v1/') && books.faults.latencyMs > 0) await host.timers.sleep(books.faults.latencyMs);
  switch (name) {
    case 'POST /v1/payment_intents':
      return charge(books, counts, request);
    case 'GET /v1/payment_intents':
      return find(books, 'reference', url.searchParams.get('reference') ?? '');
    case 'GET /control':
      return { status: 200, body: books.faults };
    case 'POST /control':
      books.faults = faultsSchema.parse({ ...books.faults, ...faultsChangeSchema.parse(await readJson(request)) });
      return { status: 200, body: books.faults };
    case 'GET /livez':
    case 'GET /readyz':
      return { status: 200, body: { status: 'ok' } };
    case 'GET /metrics':
      return { status: 200, body: renderMetrics(books, counts) };
    default:
      if (name.startsWith('GET /v1/payment_intents/')) return find(books, 'id', url.pathname.slice('/v1/payment_intents/'.length));
      return { status: 404, body: { code: 'not_found', detail: `there is nothing at ${name.slice(0, 200)}` } };
  }
}

async function charge(books: Books, counts: ServerCounts, request: IncomingMessage): Promise<Answer> {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string' || key === '' || key.length > 100) {
    return { status: 400, body: { code: 'idempotency_key', detail: 'send the header Idempotency-Key, 1 to 100 characters' } };
  }
  const answer = await books.charge(key, chargeSchema.parse(await readJson(request)));
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

function readJson(request: IncomingMessage): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= bodyBytesMax) chunks.push(chunk);
      else reject(new SoraError('body_too_large', `the body is larger than ${bodyBytesMax} bytes`, { status: 413 }));
    });
    request.on('error', reject);
    request.on('end', () => {
      try {
        resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      } catch {
        reject(new SoraError('invalid_json', 'the body is not valid JSON', { status: 400 }));
      }
    });
  });
}

function failureOf(error: unknown): Answer {
  if (error instanceof SoraError) return { status: error.status, body: { code: error.code, detail: error.message } };
  const isInvalid = error instanceof Error && error.name === 'ZodError';
  return { status: isInvalid ? 400 : 500, body: { code: isInvalid ? 'invalid_request' : 'internal', detail: messageOf(error) } };
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const isText = typeof body === 'string';
  const text = isText ? body : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': isText ? 'text/plain; version=0.0.4' : 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
