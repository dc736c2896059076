import { z } from 'zod';
import { messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { Problem } from '../platform/problem.ts';
import { ProviderClient, ProviderTimeout, type ProviderStream } from '../platform/provider-client/client.ts';
import { CircuitBreaker, type BreakerOptions } from './breaker.ts';
import {
  providerBusy, providerDown, providerFailed, providerTimedOut,
  type AiProvider, type Completion, type CompletionRequest, type CompletionStream, type ModerationVerdict,
} from './provider.ts';
import { readEvents } from './sse.ts';

export interface HttpProviderOptions {
  /** Base URL, such as `http://127.0.0.1:4100`. */
  readonly url: string;
  /** Longest wait for a whole reply, or between two pieces of a stream. Default 10 s. */
  readonly timeoutMs?: number;
  /** Calls in flight beyond which new ones get 503. Default 512. */
  readonly callsMax?: number;
  /** Most bytes of a reply. Default 256 kB. */
  readonly replyBytesMax?: number;
  readonly breaker?: BreakerOptions;
}

const verdictSchema = z.object({ flagged: z.boolean(), categories: z.array(z.string().max(50)).max(20) });
/** `moderation` is null where the provider's moderation failed. */
const filterSchema = verdictSchema.nullable();
const usageSchema = z.object({ prompt_tokens: z.int().min(0).max(1e7), completion_tokens: z.int().min(0).max(1e7) });
const completionSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
  usage: usageSchema,
  moderation: filterSchema,
});
const chunkSchema = z.object({
  choices: z.array(z.object({ delta: z.object({ content: z.string().optional() }) })).optional(),
  usage: usageSchema.optional(),
  moderation: filterSchema.optional(),
});

/** Speaks chat completions over HTTP/1.1 on kept connections, bounded, with a breaker before it. */
export function createHttpAiProvider(host: Host, options: HttpProviderOptions): AiProvider {
  return new HttpAiProvider(host, options);
}

class HttpAiProvider implements AiProvider {
  readonly #host: Host;
  readonly #client: ProviderClient;
  readonly #breaker: CircuitBreaker;
  readonly #timeoutMs: number;
  readonly #callsMax: number;
  readonly #replyBytesMax: number;
  #calls = 0;

  constructor(host: Host, options: HttpProviderOptions) {
    this.#host = host;
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#callsMax = options.callsMax ?? 512;
    this.#replyBytesMax = options.replyBytesMax ?? 256 * 1024;
    this.#breaker = new CircuitBreaker(options.breaker);
    this.#client = new ProviderClient(host, {
      url: options.url, timeoutMs: this.#timeoutMs, socketsMax: this.#callsMax, replyBytesMax: this.#replyBytesMax,
    });
  }

  complete(request: CompletionRequest): Promise<Completion> {
    return this.#guarded(request.signal, async () => {
      const { choices, usage, moderation } = parse(completionSchema, await this.#post('/v1/chat/completions', bodyOf(request, false), request.signal));
      return {
        moderation: moderation ?? undefined,
        text: choices[0]?.message.content ?? '',
        tokens: { prompt: usage.prompt_tokens, completion: usage.completion_tokens },
      };
    });
  }

  moderate(text: string, signal: AbortSignal): Promise<ModerationVerdict> {
    return this.#guarded(signal, async () => parse(verdictSchema, await this.#post('/v1/moderations', { input: text }, signal)));
  }

  async stream(request: CompletionRequest): Promise<CompletionStream> {
    const ended = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<CompletionStream>();
    // The guard holds its place and watches for failure until the stream's last piece.
    this.#guarded(request.signal, async () => {
      const { signal } = request;
      const body = JSON.stringify(bodyOf(request, true));
      const reply = await this.#client.stream({ method: 'POST', path: '/v1/chat/completions', body, signal }, (error) => ended.reject(error));
      try {
        if (reply.status !== 200) throw providerFailed(`answered ${reply.status}`);
        opened.resolve(await openStream(reply, this.#replyBytesMax, ended));
        await ended.promise;
      } catch (error) {
        reply.cancel();
        throw error;
      }
    }).catch((error: unknown) => {
      opened.reject(error);
      ended.reject(error);
    });
    ended.promise.catch(() => {});
    return await opened.promise;
  }

  close(): void {
    this.#client.close();
  }

  /** Bounds calls and stops at the breaker; turns every failure into a Problem. */
  async #guarded<Result>(outer: AbortSignal | undefined, work: () => Promise<Result>): Promise<Result> {
    const { clock } = this.#host;
    if (this.#calls >= this.#callsMax) throw providerBusy(this.#callsMax);
    const isGone = (): boolean => outer?.aborted === true;
    if (isGone()) throw providerFailed('was not asked: the client has gone');
    const refusedForMs = this.#breaker.refusedForMs(clock.monotonicMs());
    if (refusedForMs !== undefined) throw providerDown(Math.max(1, Math.ceil(refusedForMs / 1_000)));
    this.#calls++;
    try {
      const result = await work();
      this.#breaker.succeeded(clock.monotonicMs());
      return result;
    } catch (error) {
      const isTimeout = error instanceof ProviderTimeout;
      if (isGone() && !isTimeout) this.#breaker.dropped();
      else this.#breaker.failed(clock.monotonicMs());
      if (isTimeout) throw providerTimedOut(this.#timeoutMs);
      throw error instanceof Problem ? error : providerFailed(`failed: ${messageOf(error)}`);
    } finally {
      this.#calls--;
    }
  }

  /** The body of the reply. @throws Problem 502 unless the status is 200 */
  async #post(path: string, body: unknown, signal: AbortSignal | undefined): Promise<string> {
    const reply = await this.#client.request({ method: 'POST', path, body: JSON.stringify(body), signal });
    if (reply.status !== 200) throw providerFailed(`answered ${reply.status}`);
    return reply.body;
  }
}

const bodyOf = ({ model, system, prompt, tokensMax }: CompletionRequest, stream: boolean): object => ({
  model,
  max_tokens: tokensMax,
  moderation: true,
  messages: [{ role: 'system', content: system }, { role: 'user', content: prompt }],
  stream,
});

function parse<Value>(schema: z.ZodType<Value>, text: string): Value {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw providerFailed('sent something that is no JSON');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw providerFailed(`sent a reply of an unknown form: ${parsed.error.issues[0]?.path.join('.') ?? ''}`);
  return parsed.data;
}

/** Reads up to the first event, which carries the verdict, and hands over the rest. */
async function openStream(reply: ProviderStream, bytesMax: number, ended: PromiseWithResolvers<void>): Promise<CompletionStream> {
  const events = readEvents(reply.pieces, bytesMax);
  const first = await events.next();
  if (first.done === true) throw providerFailed('ended its stream before the first event');
  const opening = parse(chunkSchema, first.value);
  let tokens = { prompt: 0, completion: 0 };

  async function* pieces(): AsyncGenerator<string> {
    try {
      let finished = false;
      for await (const event of events) {
        reply.extend();
        if (event === '[DONE]') {
          finished = true;
          break;
        }
        const { choices, usage } = parse(chunkSchema, event);
        if (usage !== undefined) tokens = { prompt: usage.prompt_tokens, completion: usage.completion_tokens };
        const text = choices?.[0]?.delta.content;
        if (text !== undefined && text !== '') yield text;
      }
      if (!finished) throw providerFailed('broke its stream off');
      ended.resolve();
    } catch (error) {
      ended.reject(error);
      throw error instanceof Problem ? error : providerFailed(`broke its stream off: ${messageOf(error)}`);
    }
  }
  const cancel = (): void => {
    reply.cancel();
    ended.resolve();
  };
  return { moderation: opening.moderation ?? undefined, pieces: pieces(), tokens: () => tokens, cancel };
}
