import { z } from 'zod';
import { messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { overloaded, Problem } from '../platform/problem.ts';
import { ProviderClient, type ProviderReply, type ProviderRequest } from '../platform/provider-client/client.ts';
import type { PaymentProvider, ProviderPayment } from './provider.ts';

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

/** Most bytes of a reply; the processor's are below 1 kB. */
const replyBytesMax = 65_536;

/** Tries of one call: the reference is the processor's idempotency key, so one repeat cannot charge twice. */
const triesMax = 2;

/** Speaks to the processor over a pool of kept connections. */
export function createHttpProvider(host: Host, options: HttpProviderOptions): PaymentProvider {
  const { url, timeoutMs, socketsMax, callsMax } = { timeoutMs: 3_000, socketsMax: 64, callsMax: 1_000, ...options };
  // The bound on calls is the one below: fewer wait than may be under way.
  const client = new ProviderClient(host, { url, timeoutMs, socketsMax, waitingMax: callsMax, replyBytesMax });
  let callsUnderWay = 0;

  const call = async (request: ProviderRequest): Promise<ProviderReply> => {
    if (callsUnderWay >= callsMax) throw overloaded(`${callsMax} calls to the payment provider are under way already`);
    callsUnderWay++;
    try {
      let trouble = '';
      for (let tries = 1; tries <= triesMax; tries++) {
        try {
          const reply = await client.request(request);
          if (reply.status < 500 && reply.status !== 429) return reply;
          trouble = `status ${reply.status}`;
        } catch (error) {
          if (request.signal?.aborted) throw error;
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
      const reply = await call({
        method: 'POST', path: '/v1/payment_intents', headers: { 'idempotency-key': request.reference }, body: JSON.stringify(request), ...given(signal),
      });
      // 402 carries the declined payment.
      if (reply.status === 200 || reply.status === 201 || reply.status === 402) return paymentOf(reply);
      throw unavailable(`it answered ${reply.status} to a charge`);
    },
    async find(reference, signal) {
      const reply = await call({ method: 'GET', path: `/v1/payment_intents?reference=${encodeURIComponent(reference)}`, ...given(signal) });
      if (reply.status === 404) return undefined;
      if (reply.status === 200) return paymentOf(reply);
      throw unavailable(`it answered ${reply.status} to a look-up`);
    },
    close: () => client.close(),
  };
}

const given = (signal: AbortSignal | undefined): { signal?: AbortSignal } => (signal === undefined ? {} : { signal });

function paymentOf(reply: ProviderReply): ProviderPayment {
  try {
    return paymentSchema.parse(JSON.parse(reply.body));
  } catch (error) {
    throw unavailable(`its reply is no payment: ${messageOf(error).slice(0, 200)}`);
  }
}

function unavailable(detail: string): Problem {
  return new Problem(503, 'payment_provider_unavailable', `the payment provider cannot be asked just now (${detail}); retry with the same Idempotency-Key`, { retryAfterS: 1 });
}
