import { Agent, request as send, type ClientRequest, type IncomingMessage } from 'node:http';
import { z } from 'zod';
import { invalidConfig, messageOf } from '../../ops/core/error.ts';
import type { Host, Timer } from '../../ops/core/host.ts';
import { Problem } from '../platform/problem.ts';
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

/** One call under way. An AbortController a call costs more than the rest of its bookkeeping. */
class Call {
  readonly #timeoutMs: number;
  readonly #host: Host;
  #timer: Timer;
  outgoing: ClientRequest | undefined;
  timedOut = false;
  /** Told when the call is given up. */
  onAbort: ((reason: Error) => void) | undefined;

  constructor(host: Host, timeoutMs: number) {
    this.#host = host;
    this.#timeoutMs = timeoutMs;
    this.#timer = this.#limit();
  }

  #limit(): Timer {
    return this.#host.timers.after(this.#timeoutMs, () => {
      this.timedOut = true;
      this.abort(new Error(`no reply within ${this.#timeoutMs} ms`));
    });
  }

  /** The provider showed life: the time starts again. */
  extend(): void {
    this.#timer.cancel();
    this.#timer = this.#limit();
  }

  abort(reason: Error): void {
    this.outgoing?.destroy(reason);
    this.onAbort?.(reason);
  }

  end(): void {
    this.#timer.cancel();
  }
}

/** Speaks chat completions over HTTP/1.1 on kept connections, bounded, with a breaker before it. */
export function createHttpAiProvider(host: Host, options: HttpProviderOptions): AiProvider {
  return new HttpAiProvider(host, options);
}

class HttpAiProvider implements AiProvider {
  readonly #host: Host;
  readonly #base: URL;
  readonly #agent: Agent;
  readonly #breaker: CircuitBreaker;
  readonly #timeoutMs: number;
  readonly #callsMax: number;
  readonly #replyBytesMax: number;
  #calls = 0;

  constructor(host: Host, options: HttpProviderOptions) {
    this.#host = host;
    if (!URL.canParse(options.url)) throw invalidConfig(`the AI provider's URL is "${options.url}"`, 'write for example http://127.0.0.1:4100');
    this.#base = new URL(options.url);
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#callsMax = options.callsMax ?? 512;
    this.#replyBytesMax = options.replyBytesMax ?? 256 * 1024;
    this.#breaker = new CircuitBreaker(options.breaker);
    this.#agent = new Agent({ keepAlive: true, maxSockets: this.#callsMax, maxFreeSockets: 64, scheduling: 'lifo' });
  }

  complete(request: CompletionRequest): Promise<Completion> {
    return this.#guarded(request.signal, async (call) => {
      const reply = await this.#post('/v1/chat/completions', { ...bodyOf(request), stream: false }, call);
      const { choices, usage, moderation } = parse(completionSchema, await this.#read(reply));
      return {
        moderation: moderation ?? undefined,
        text: choices[0]?.message.content ?? '',
        tokens: { prompt: usage.prompt_tokens, completion: usage.completion_tokens },
      };
    });
  }

  moderate(text: string, signal: AbortSignal): Promise<ModerationVerdict> {
    return this.#guarded(signal, async (call) => parse(verdictSchema, await this.#read(await this.#post('/v1/moderations', { input: text }, call))));
  }

  async stream(request: CompletionRequest): Promise<CompletionStream> {
    const ended = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<CompletionStream>();
    // The guard holds its place and watches for failure until the stream's last piece.
    this.#guarded(request.signal, async (call) => {
      call.onAbort = (reason) => ended.reject(reason);
      const reply = await this.#post('/v1/chat/completions', { ...bodyOf(request), stream: true }, call);
      if (reply.statusCode !== 200) await this.#read(reply);
      opened.resolve(await openStream(reply, this.#replyBytesMax, () => call.extend(), ended));
      await ended.promise;
    }).catch((error: unknown) => {
      opened.reject(error);
      ended.reject(error);
    });
    ended.promise.catch(() => {});
    return await opened.promise;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Bounds calls, their time, and stops at the breaker; turns every failure into a Problem. */
  async #guarded<Result>(outer: AbortSignal, work: (call: Call) => Promise<Result>): Promise<Result> {
    const { clock } = this.#host;
    if (this.#calls >= this.#callsMax) throw providerBusy(this.#callsMax);
    if (outer.aborted) throw providerFailed('was not asked: the client has gone');
    const refusedForMs = this.#breaker.refusedForMs(clock.monotonicMs());
    if (refusedForMs !== undefined) throw providerDown(Math.max(1, Math.ceil(refusedForMs / 1_000)));
    const call = new Call(this.#host, this.#timeoutMs);
    const onOuter = (): void => call.abort(new Error('the client has gone'));
    outer.addEventListener('abort', onOuter);
    this.#calls++;
    try {
      const result = await work(call);
      this.#breaker.succeeded(clock.monotonicMs());
      return result;
    } catch (error) {
      if (outer.aborted && !call.timedOut) this.#breaker.dropped();
      else this.#breaker.failed(clock.monotonicMs());
      if (call.timedOut) throw providerTimedOut(this.#timeoutMs);
      throw error instanceof Problem ? error : providerFailed(`failed: ${messageOf(error)}`);
    } finally {
      this.#calls--;
      call.end();
      outer.removeEventListener('abort', onOuter);
    }
  }

  #post(path: string, body: unknown, call: Call): Promise<IncomingMessage> {
    const text = JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = send({
        agent: this.#agent,
        method: 'POST',
        hostname: this.#base.hostname,
        port: this.#base.port,
        path: `${this.#base.pathname.replace(/\/$/, '')}${path}`,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
      });
      call.outgoing = outgoing;
      outgoing.on('error', reject);
      outgoing.on('response', resolve);
      // As text it leaves in one write with the head.
      outgoing.end(text);
    });
  }

  /** The whole body as text. @throws Problem 502 unless the status is 200 */
  #read(reply: IncomingMessage): Promise<string> {
    return new Promise((resolve, reject) => {
      const pieces: Buffer[] = [];
      let sizeBytes = 0;
      reply.on('data', (piece: Buffer) => {
        sizeBytes += piece.length;
        if (sizeBytes > this.#replyBytesMax) reply.destroy(providerFailed(`sent more than ${this.#replyBytesMax} bytes`));
        else pieces.push(piece);
      });
      reply.on('error', reject);
      reply.on('end', () => {
        if (reply.statusCode === 200) resolve(Buffer.concat(pieces).toString('utf8'));
        else reject(providerFailed(`answered ${reply.statusCode}`));
      });
    });
  }
}

const bodyOf = ({ model, system, prompt, tokensMax }: CompletionRequest): object => ({
  model,
  max_tokens: tokensMax,
  moderation: true,
  messages: [{ role: 'system', content: system }, { role: 'user', content: prompt }],
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
async function openStream(
  reply: IncomingMessage, bytesMax: number, extend: () => void, ended: PromiseWithResolvers<void>,
): Promise<CompletionStream> {
  const events = readEvents(reply as AsyncIterable<Buffer>, bytesMax);
  const first = await events.next();
  if (first.done === true) throw providerFailed('ended its stream before the first event');
  const opening = parse(chunkSchema, first.value);
  let tokens = { prompt: 0, completion: 0 };

  async function* pieces(): AsyncGenerator<string> {
    try {
      let finished = false;
      for await (const event of events) {
        extend();
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
    reply.destroy();
    ended.resolve();
  };
  return { moderation: opening.moderation ?? undefined, pieces: pieces(), tokens: () => tokens, cancel };
}
