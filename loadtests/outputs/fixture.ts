/** For the tests of outputs: seconds with known contents, and a receiver that keeps what it is sent. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Histogram } from '../swarm/histogram.ts';
import type { SparseHistogram } from '../swarm/measurement.ts';
import type { OperationSecond, Second } from './second.ts';

export const startedAtMs = Date.UTC(2026, 0, 31, 14, 23, 5);

export function sparseOf(valuesUs: readonly number[]): SparseHistogram {
  const histogram = new Histogram();
  for (const valueUs of valuesUs) histogram.record(valueUs);
  return histogram.encode();
}

/** One operation of a second, with a response time for each that was done. */
export function operationOf(op: string, responsesUs: readonly number[], change: Partial<OperationSecond> = {}): OperationSecond {
  const total = responsesUs.length;
  return {
    op, total, failed: 0, refused: 0, requests: total, requestsFailed: 0, bytesSent: total * 100, bytesReceived: total * 1_000,
    response: sparseOf(responsesUs), service: sparseOf(responsesUs.map((valueUs) => valueUs / 2)), lateness: sparseOf(responsesUs.map(() => 300)), ...change,
  };
}

export function secondOf(second: number, ...operations: readonly OperationSecond[]): Second {
  return { startedAtMs, second, phase: 'hold', users: 40, operations };
}

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A server that keeps every request it got; `answer` may refuse or hold back. Default 200 without a body. */
export async function startReceiver(answer: (reply: ServerResponse, count: number) => void = (reply) => void reply.end()): Promise<{
  readonly url: URL; readonly received: Received[]; waitFor(count: number): Promise<void>; [Symbol.asyncDispose](): Promise<void>;
}> {
  const received: Received[] = [];
  let wake: () => void = () => undefined;
  const server = createServer((request, reply) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts) });
      answer(reply, received.length);
      wake();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    received,
    waitFor: async (count) => {
      while (received.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
