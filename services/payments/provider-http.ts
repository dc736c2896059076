import { Agent, request as sendPlain } from 'node:http';
import { Agent as TlsAgent, request as sendTls } from 'node:https';
import { z } from 'zod';
import { messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { overloaded, Problem } from '../platform/problem.ts';
import type { ChargeRequest, PaymentProvider, ProviderPayment } from './provider.ts';

export interface HttpProviderOptions {
  /** Base URL of the processor, http or https, such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Longest wait for one reply. Default 3,000 ms. */
  readonly timeoutMs?: number;
  /** Connections at most. Default 64. */
  readonly socketsMax?: number;
  /** Calls under way beyond which new ones get 503 at once. Default 1,000. */
  readonly callsMax?: number;
}

const paymentSchema = z.object({
  id: z.string().max(100),
  reference: z.uuid(),
  status: z.enum(['processing', 'succeeded', 'failed']),
  amountCents: z.int(),
  failureCode: z.string().max(100).nullable(),
  updatedMs: z.int().min(0).max(Date.UTC(2100, 0)),
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Most bytes of a reply; the processor's are below 1 kB. */
const replyBytesMax = 65_536;

/** Tries of one call: the reference is the processor's idempotency key, so one repeat cannot charge twice. */
const triesMax = 2;

/** Speaks to the processor over a pool of kept connections. */
export function createHttpProvider(host: Host, options: HttpProviderOptions): PaymentProvider {
  const { url, timeoutMs, socketsMax, callsMax } = { timeoutMs: 3_000, socketsMax: 64, callsMax: 1_000, ...options };
  const base = new URL(url);
  const isTls = base.protocol === 'https:';
  const pool = { keepAlive: true, maxSockets: socketsMax, maxFreeSockets: socketsMax };
  const agent = isTls ? new TlsAgent(pool) : new Agent(pool);
  const send = isTls ? sendTls : sendPlain;
  let callsUnderWay = 0;

  const attempt = (method: string, path: string, headers: Record<string, string>, body: string, signal: AbortSignal | undefined): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const outgoing = send({
        agent, method, headers, hostname: base.hostname, port: base.port, path: `${base.pathname.replace(/\/$/, '')}${path}`,
        ...(signal === undefined ? {} : { signal }),
      });
      const limit = host.timers.after(timeoutMs, () => outgoing.destroy(new Error(`no reply within ${timeoutMs} ms`)));
      const fail = (error: Error): void => {
        limit.cancel();
        reject(error);
      };
      outgoing.on('error', fail);
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        let sizeBytes = 0;
        incoming.on('data', (chunk: Buffer) => {
          sizeBytes += chunk.length;
          if (sizeBytes > replyBytesMax) outgoing.destroy(new Error(`reply larger than ${replyBytesMax} bytes`));
          else chunks.push(chunk);
        });
        incoming.on('error', fail);
        incoming.on('end', () => {
          limit.cancel();
          resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
        });
      });
      outgoing.end(body);
    });

  const call = async (method: string, path: string, headers: Record<string, string>, body: string, signal?: AbortSignal): Promise<Answer> => {
    if (callsUnderWay >= callsMax) throw overloaded(`${callsMax} calls to the payment provider are under way already`);
    callsUnderWay++;
    try {
      let trouble = '';
      for (let tries = 1; tries <= triesMax; tries++) {
        try {
          const answer = await attempt(method, path, headers, body, signal);
          if (answer.status < 500 && answer.status !== 429) return answer;
          trouble = `status ${answer.status}`;
        } catch (error) {
          if (signal?.aborted) throw error;
          trouble = messageOf(error);
        }
      }
      throw unavailable(`it failed ${triesMax} times, the last time with: ${trouble}`);
    } finally {
      callsUnderWay--;
    }
  };

  return {
    async charge(request, signal) {
      const answer = await call('POST', '/v1/payment_intents', chargeHeaders(request), JSON.stringify(request), signal);
      // 402 carries the declined payment.
      if (answer.status === 200 || answer.status === 201 || answer.status === 402) return paymentOf(answer);
      throw unavailable(`it answered ${answer.status} to a charge`);
    },
    async find(reference, signal) {
      const answer = await call('GET', `/v1/payment_intents?reference=${encodeURIComponent(reference)}`, {}, '', signal);
      if (answer.status === 404) return undefined;
      if (answer.status === 200) return paymentOf(answer);
      throw unavailable(`it answered ${answer.status} to a look-up`);
    },
    close: () => agent.destroy(),
  };
}

function chargeHeaders(request: ChargeRequest): Record<string, string> {
  return { 'content-type': 'application/json', 'idempotency-key': request.reference };
}

function paymentOf(answer: Answer): ProviderPayment {
  try {
    return paymentSchema.parse(JSON.parse(answer.body));
  } catch (error) {
    throw unavailable(`its reply is no payment: ${messageOf(error).slice(0, 200)}`);
  }
}

function unavailable(detail: string): Problem {
  return new Problem(503, 'payment_provider_unavailable', `the payment provider cannot be asked just now (${detail}); retry with the same Idempotency-Key`, { retryAfterS: 1 });
}
