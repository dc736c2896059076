import type { Host } from '../../ops/core/host.ts';
import { SoraError } from '../../ops/core/error.ts';
import type { SdkReply, SdkRequest, SdkTransport } from './transport.ts';

/**
 * What an application wants around its transport and a load generator must not have: each policy
 * wraps a transport, so a client given a bare transport puts exactly one request on the wire a call.
 */

export interface RetryOptions {
  /** Tries in all. Default 3. */
  readonly triesMax?: number;
  /** First pause; doubles, with full jitter. Default 100. */
  readonly pauseMs?: number;
  /** A `Retry-After` beyond this is not waited for: the reply goes to the caller. Default 30,000. */
  readonly retryAfterMaxMs?: number;
}

/** Whether sending it twice does no harm: a read, an idempotent method, or one that carries a key. */
export function isRepeatable(request: SdkRequest): boolean {
  return request.method !== 'POST' && request.method !== 'PATCH'
    ? true
    : request.headers?.['idempotency-key'] !== undefined;
}

const retriedStatuses = new Set([429, 502, 503, 504]);

/** Repeats what is safe to repeat, after the pause that `Retry-After` asks for if it is longer. */
export function withRetries(host: Host, inner: SdkTransport, options: RetryOptions = {}): SdkTransport {
  const triesMax = options.triesMax ?? 3;
  const pauseMs = options.pauseMs ?? 100;
  const retryAfterMaxMs = options.retryAfterMaxMs ?? 30_000;
  const attempt = async (request: SdkRequest, tries: number): Promise<SdkReply> => {
    const last = tries >= triesMax || !isRepeatable(request);
    let reply: SdkReply | undefined;
    try {
      reply = await inner.request(request);
    } catch (error) {
      if (last) throw error;
    }
    if (reply !== undefined && (last || !retriedStatuses.has(reply.status))) return reply;
    const asked = Number(reply?.headers['retry-after'] ?? 0) * 1_000;
    const askedMs = Number.isFinite(asked) ? asked : 0;
    if (reply !== undefined && askedMs > retryAfterMaxMs) return reply;
    const jitteredMs = host.random.float() * pauseMs * 2 ** (tries - 1);
    await host.timers.sleep(Math.max(askedMs, jitteredMs));
    return attempt(request, tries + 1);
  };
  return { request: (request) => attempt(request, 1) };
}

/** Joins equal reads that are in flight at the same time. */
export function withDeduplication(inner: SdkTransport): SdkTransport {
  const inFlight = new Map<string, Promise<SdkReply>>();
  return {
    request(request) {
      if (request.method !== 'GET') return inner.request(request);
      const key = `${request.path} ${JSON.stringify(request.headers ?? {})}`;
      const running = inFlight.get(key);
      if (running !== undefined) return running;
      const started = inner.request(request).finally(() => inFlight.delete(key));
      inFlight.set(key, started);
      return started;
    },
  };
}

/**
 * Lets `inFlightMax` requests run and `queueMax` wait; refuses more.
 * @throws SoraError `client_limit` when the queue is full
 */
export function withLimit(inner: SdkTransport, inFlightMax: number, queueMax: number): SdkTransport {
  const waiting: (() => void)[] = [];
  let inFlight = 0;
  const enter = (): Promise<void> => {
    if (inFlight < inFlightMax) {
      inFlight++;
      return Promise.resolve();
    }
    if (waiting.length >= queueMax) {
      return Promise.reject(
        new SoraError('client_limit', `${inFlightMax} requests run and ${queueMax} wait already`, {
          hint: 'slow down, or raise the limits of the client',
        }),
      );
    }
    return new Promise((resolve) => waiting.push(resolve));
  };
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) inFlight--;
    else next();
  };
  return {
    async request(request) {
      await enter();
      try {
        return await inner.request(request);
      } finally {
        leave();
      }
    },
  };
}
