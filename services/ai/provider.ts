import { Problem, overloaded } from '../platform/problem.ts';

export interface ModerationVerdict {
  readonly flagged: boolean;
  /** What it was flagged for; empty when it was not. */
  readonly categories: readonly string[];
}

export interface CompletionRequest {
  readonly model: string;
  readonly system: string;
  readonly prompt: string;
  readonly tokensMax: number;
  /** Gives the call up when it aborts. Without one the call runs to its end or its timeout. */
  readonly signal?: AbortSignal | undefined;
}

export interface TokenCounts {
  readonly prompt: number;
  readonly completion: number;
}

/** The model's answer. One call also moderates the prompt: a second call would double cost and wait. */
export interface Completion {
  /** Undefined when the provider's moderation gave no verdict. */
  readonly moderation: ModerationVerdict | undefined;
  /** '' when the prompt was flagged. */
  readonly text: string;
  readonly tokens: TokenCounts;
}

/** A streamed answer; the verdict is known before the first piece. */
export interface CompletionStream {
  readonly moderation: ModerationVerdict | undefined;
  readonly pieces: AsyncIterable<string>;
  /** Known once `pieces` has ended. */
  tokens(): TokenCounts;
  /** Ends the call early. */
  cancel(): void;
}

/** A provider of language models. Failures are Problems: 502 when it fails, 503 when it is not asked. */
export interface AiProvider {
  complete(request: CompletionRequest): Promise<Completion>;
  stream(request: CompletionRequest): Promise<CompletionStream>;
  moderate(text: string, signal: AbortSignal): Promise<ModerationVerdict>;
  close(): void;
}

export const providerFailed = (detail: string): Problem => new Problem(502, 'ai_provider_failed', `the AI provider ${detail}`);
export const providerTimedOut = (timeoutMs: number): Problem =>
  new Problem(502, 'ai_provider_timeout', `the AI provider did not answer within ${timeoutMs} ms`);
export const providerBusy = (callsMax: number): Problem => overloaded(`${callsMax} calls to the AI provider are in flight already`);
export const providerDown = (retryAfterS: number): Problem =>
  new Problem(503, 'ai_unavailable', 'the AI provider has been failing and is given a pause', { retryAfterS });
