import type { Host } from '../../ops/core/host.ts';
import { Problem } from '../platform/problem.ts';
import type { AiMetrics } from './metrics.ts';
import type { AiProvider, CompletionRequest, CompletionStream, ModerationVerdict, TokenCounts } from './provider.ts';
import { contentBlocked, estimateTokens, findCompanion, replyTokensMax, requireBudget, requireSameMessage } from './rules.ts';
import type { AiStore, StoredAiMessage } from './store.ts';

export interface ChatRequest {
  readonly userId: number;
  readonly companionId: number;
  readonly writeId: string;
  readonly text: string;
}

/** A reply, and whether an earlier try with the same write id got it first. */
export interface Answered {
  readonly stored: StoredAiMessage;
  readonly replayed: boolean;
}

/** A reply that is still being written. */
export interface StreamedReply {
  /** Whether it is the stored one of an earlier try. */
  readonly replayed: boolean;
  readonly pieces: AsyncIterable<string>;
  /** Stores the reply once its pieces have ended. */
  finish(text: string): Promise<StoredAiMessage>;
  /** Ends the reply early and counts the tokens it took; resolves when they are stored. Does nothing after `finish`. */
  cancel(): Promise<void>;
}

/** Sends of one process under way by user and write id: a second try waits for the first. */
const underWayMax = 5_000;

/** Asks the model, moderates, stores and counts. */
export class CompanionChat {
  readonly #host: Host;
  readonly #store: AiStore;
  readonly #provider: AiProvider;
  readonly #metrics: AiMetrics;
  readonly #underWay = new Map<string, Promise<Answered>>();

  constructor(host: Host, store: AiStore, provider: AiProvider, metrics: AiMetrics) {
    this.#host = host;
    this.#store = store;
    this.#provider = provider;
    this.#metrics = metrics;
  }

  /** @throws Problem 404, 409, 422, 429, 502, 503 */
  async send(request: ChatRequest): Promise<Answered> {
    const key = `${request.userId} ${request.writeId}`;
    const earlier = this.#underWay.get(key);
    if (earlier !== undefined) {
      const { stored } = await earlier;
      requireSameMessage(stored, request);
      return { stored, replayed: true };
    }
    if (this.#underWay.size >= underWayMax) throw new Problem(503, 'overloaded', `${underWayMax} messages are being answered already`, { retryAfterS: 1 });
    const sending = this.#sendOnce(request);
    this.#underWay.set(key, sending);
    try {
      return await sending;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #sendOnce(request: ChatRequest): Promise<Answered> {
    const call = this.#callOf(request);
    const stored = await this.#storedReply(request);
    if (stored !== undefined) return { stored, replayed: true };
    const startMs = this.#host.clock.monotonicMs();
    let outcome: 'ok' | 'blocked' | 'error' = 'error';
    try {
      const { moderation, text, tokens } = await this.#provider.complete(call);
      outcome = moderation?.flagged === true ? 'blocked' : 'ok';
      this.#requireAllowed(moderation);
      this.#metrics.tokens(call.model, tokens);
      return { stored: await this.#save(request, call.model, text, tokens), replayed: false };
    } finally {
      this.#metrics.call(call.model, outcome, (this.#host.clock.monotonicMs() - startMs) / 1_000);
    }
  }

  /** Like `send`, but hands out the reply while it is written; a stored reply comes in one piece. */
  async stream(request: ChatRequest, signal: AbortSignal): Promise<StreamedReply> {
    const call = this.#callOf(request, signal);
    const stored = await this.#storedReply(request);
    if (stored !== undefined) return replay(stored);
    const startMs = this.#host.clock.monotonicMs();
    const elapsedS = (): number => (this.#host.clock.monotonicMs() - startMs) / 1_000;
    const stream = await this.#provider.stream(call).catch((error: unknown) => {
      this.#metrics.call(call.model, signal.aborted ? 'cancelled' : 'error', elapsedS());
      throw error;
    });
    try {
      this.#requireAllowed(stream.moderation);
    } catch (error) {
      stream.cancel();
      this.#metrics.call(call.model, stream.moderation?.flagged === true ? 'blocked' : 'error', elapsedS());
      throw error;
    }
    return this.#handOut(request, call, stream, signal, elapsedS);
  }

  /** A reply ends once: finished, failed or cancelled. */
  #handOut(request: ChatRequest, call: CompletionRequest, stream: CompletionStream, signal: AbortSignal, elapsedS: () => number): StreamedReply {
    const { model } = call;
    const metrics = this.#metrics;
    let characters = 0;
    let over = false;
    let cancelling: Promise<void> | undefined;
    const end = (outcome: 'ok' | 'error' | 'cancelled'): void => {
      over = true;
      metrics.call(model, outcome, elapsedS());
    };
    const cancel = (): Promise<void> => {
      if (over) return cancelling ?? Promise.resolve();
      end('cancelled');
      const tokens = tokensOf(stream, call, characters);
      stream.cancel();
      metrics.tokens(model, tokens);
      return (cancelling = this.#store.charge(request.userId, model, tokens.prompt, tokens.completion));
    };
    async function* pieces(): AsyncGenerator<string> {
      try {
        for await (const piece of stream.pieces) {
          if (characters === 0) metrics.firstToken(model, elapsedS());
          characters += piece.length;
          yield piece;
        }
      } catch (error) {
        // A client that left breaks the stream off too; that says nothing of the provider.
        if (signal.aborted) await cancel();
        else if (!over) end('error');
        throw error;
      }
    }
    return {
      replayed: false,
      pieces: pieces(),
      finish: async (text) => {
        end('ok');
        const tokens = stream.tokens();
        metrics.tokens(model, tokens);
        return await this.#save(request, model, text, tokens);
      },
      cancel,
    };
  }

  /** @throws Problem 502 or 503 when the provider gives no verdict; it is counted */
  async moderate(text: string, signal: AbortSignal): Promise<ModerationVerdict> {
    try {
      return await this.#provider.moderate(text, signal);
    } catch (error) {
      this.#metrics.moderationFailed(error instanceof Problem && error.code === 'ai_provider_timeout' ? 'timeout' : 'provider');
      throw error;
    }
  }

  get metrics(): AiMetrics {
    return this.#metrics;
  }

  #callOf({ companionId, text }: ChatRequest, signal?: AbortSignal): CompletionRequest {
    const companion = findCompanion(companionId);
    if (companion === undefined) throw new Problem(404, 'companion_not_found', `there is no companion ${companionId}: GET /ai/companions lists them`);
    return { model: companion.model, system: companion.system, prompt: text, tokensMax: replyTokensMax, signal };
  }

  async #storedReply(request: ChatRequest): Promise<StoredAiMessage | undefined> {
    const { stored, usedToday } = await this.#store.lookUp(request.userId, request.writeId);
    if (stored !== undefined) requireSameMessage(stored, request);
    else requireBudget(usedToday, this.#host.clock.nowMs());
    return stored;
  }

  /** Fails closed: without a verdict the reply is not shown. */
  #requireAllowed(moderation: ModerationVerdict | undefined): void {
    if (moderation === undefined) {
      this.#metrics.moderationFailed('provider');
      throw new Problem(503, 'moderation_unavailable', 'the message could not be checked: try again', { retryAfterS: 1 });
    }
    if (moderation.flagged) throw contentBlocked(moderation.categories);
  }

  async #save(request: ChatRequest, model: string, reply: string, tokens: { prompt: number; completion: number }): Promise<StoredAiMessage> {
    const { userId, companionId, writeId, text: prompt } = request;
    const stored = await this.#store.save({
      userId, companionId, writeId, prompt, reply: reply.replaceAll('\0', ''), model, promptTokens: tokens.prompt, completionTokens: tokens.completion,
    });
    requireSameMessage(stored, request);
    return stored;
  }
}

/** The provider's count, which comes last; before it, an estimate from what was sent and what came. */
function tokensOf(stream: CompletionStream, { system, prompt }: CompletionRequest, characters: number): TokenCounts {
  const counted = stream.tokens();
  if (counted.prompt > 0) return counted;
  return { prompt: estimateTokens(system.length + prompt.length), completion: estimateTokens(characters) };
}

function replay(stored: StoredAiMessage): StreamedReply {
  async function* pieces(): AsyncGenerator<string> {
    yield stored.reply;
  }
  return { replayed: true, pieces: pieces(), finish: async () => stored, cancel: () => Promise.resolve() };
}
