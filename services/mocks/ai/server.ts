import { z } from 'zod';
import type { Host } from '../../../ops/core/host.ts';
import type { PlainRequest, Responder } from '../http/connection.ts';
import { PlainServer } from '../http/server.ts';
import { Ticks } from '../http/ticks.ts';
import { controlSchema, defaultControl, type Control } from './control.ts';
import { composeReply, countTokens, moderate } from './text.ts';

const completionSchema = z.object({
  model: z.string().max(100),
  messages: z.array(z.object({ role: z.string(), content: z.string() })).min(1).max(100),
  max_tokens: z.int().min(1).max(100_000).default(512),
  stream: z.boolean().default(false),
  /** Moderate the last message in the same call. */
  moderation: z.boolean().default(false),
});
const moderationSchema = z.object({ input: z.string() });

/** Requests in flight beyond which the answer is 429, as real providers do. */
const inFlightMax = 2_000;
const bodyBytesMax = 256 * 1024;
/** Replies and tokens leave together in ticks of this length, so that one wake of the process serves several. */
const tickMs = 20;

class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A stand-in for a provider of language models: chat completions, moderations, and switches for its faults. */
export class MockAi {
  readonly #host: Host;
  readonly #ticks: Ticks;
  readonly #counts = { completions: 0, moderations: 0, failures: 0, refused: 0 };
  #inFlight = 0;
  control: Control = { ...defaultControl };

  /** @param isResting whether the process may sleep between ticks (Ticks) */
  constructor(host: Host, isResting = false) {
    this.#host = host;
    this.#ticks = new Ticks(host, { tickMs, isResting });
  }

  createServer(): PlainServer {
    return new PlainServer(this.#host, (request, responder) => void this.#serve(request, responder), { bodyBytesMax, ticks: this.#ticks });
  }

  async #serve(request: PlainRequest, responder: Responder): Promise<void> {
    const route = `${request.method} ${request.path}`;
    try {
      if (route === 'POST /v1/chat/completions') await this.#bounded(() => this.#complete(request, responder));
      else if (route === 'POST /v1/moderations') await this.#bounded(() => this.#moderate(request, responder));
      else if (route === 'GET /control') sendJson(responder, 200, this.control);
      else if (route === 'POST /control') {
        this.control = { ...this.control, ...parse(controlSchema.partial(), request.body) } as Control;
        sendJson(responder, 200, this.control);
      } else if (route === 'GET /livez' || route === 'GET /readyz') sendText(responder, 'ok\n');
      else if (route === 'GET /metrics') sendText(responder, this.#renderMetrics());
      else throw new Refused(404, `no ${route} here`);
    } catch (error) {
      const status = error instanceof Refused ? error.status : 500;
      if (responder.isStream || responder.isGone) responder.destroy();
      else sendJson(responder, status, { error: { message: error instanceof Error ? error.message : String(error) } });
    }
  }

  async #bounded(work: () => Promise<void>): Promise<void> {
    if (this.#inFlight >= inFlightMax) {
      this.#counts.refused++;
      throw new Refused(429, `${inFlightMax} requests are in flight`);
    }
    this.#inFlight++;
    try {
      await work();
    } finally {
      this.#inFlight--;
    }
  }

  #wait(): Promise<void> {
    const { latencyMs, jitterMs } = this.control;
    const delayMs = latencyMs + jitterMs * this.#host.random.float();
    // On average a request waits half a tick until it is read, and its reply half a tick until it leaves.
    return delayMs <= tickMs ? Promise.resolve() : this.#ticks.wait(delayMs - tickMs);
  }

  #falls(ratio: number): boolean {
    if (ratio === 0 || this.#host.random.float() >= ratio) return false;
    this.#counts.failures++;
    return true;
  }

  async #complete(request: PlainRequest, responder: Responder): Promise<void> {
    const asked = parse(completionSchema, request.body);
    this.#counts.completions++;
    await this.#wait();
    const { failRatio, moderationFailRatio, usageFactor, seed } = this.control;
    if (this.#falls(failRatio)) throw new Refused(500, 'the model failed, as it was told to');
    const prompt = asked.messages.at(-1)?.content ?? '';
    const verdict = asked.moderation ? (this.#falls(moderationFailRatio) ? null : moderate(prompt)) : undefined;
    const pieces = verdict?.flagged === true ? [] : composeReply(prompt, seed, asked.max_tokens);
    const promptTokens = countTokens(asked.messages.map((message) => message.content).join('\n'));
    const replyTokens = pieces.length === 0 ? 0 : countTokens(pieces.join(''));
    const usage = { prompt_tokens: Math.round(promptTokens * usageFactor), completion_tokens: Math.round(replyTokens * usageFactor) };
    const finish = verdict?.flagged === true ? 'content_filter' : 'stop';
    if (asked.stream) return await this.#stream(responder, asked.model, pieces, usage, finish, verdict);
    sendJson(responder, 200, {
      object: 'chat.completion',
      model: asked.model,
      choices: [{ index: 0, message: { role: 'assistant', content: pieces.join('') }, finish_reason: finish }],
      usage,
      ...(verdict === undefined ? {} : { moderation: verdict }),
    });
  }

  /** Sends the pieces at the pace asked for; those due in one tick leave in one write. */
  async #stream(
    responder: Responder, model: string, pieces: readonly string[], usage: object, finish: string, verdict: object | null | undefined,
  ): Promise<void> {
    const { clock } = this.#host;
    const event = (choice: object, extra: object = {}): string =>
      `data: ${JSON.stringify({ object: 'chat.completion.chunk', model, choices: [{ index: 0, ...choice }], ...extra })}\n\n`;
    responder.open(200, 'text/event-stream');
    responder.write(event({ delta: { role: 'assistant' } }, verdict === undefined ? {} : { moderation: verdict }));
    let text = '';
    let dueMs = clock.monotonicMs();
    for (const piece of pieces) {
      text += event({ delta: { content: piece } });
      dueMs += (countTokens(piece) * 1_000) / this.control.tokensPerS;
      const earlyMs = dueMs - clock.monotonicMs();
      if (earlyMs <= 0) continue;
      if (responder.isGone) return;
      responder.write(text);
      text = '';
      await this.#ticks.wait(earlyMs);
    }
    responder.end(`${text}${event({ delta: {}, finish_reason: finish }, { usage })}data: [DONE]\n\n`);
  }

  async #moderate(request: PlainRequest, responder: Responder): Promise<void> {
    const { input } = parse(moderationSchema, request.body);
    this.#counts.moderations++;
    await this.#wait();
    if (this.#falls(this.control.moderationFailRatio)) throw new Refused(500, 'moderation failed, as it was told to');
    sendJson(responder, 200, moderate(input));
  }

  #renderMetrics(): string {
    const { completions, moderations, failures, refused } = this.#counts;
    const { process } = this.#host;
    const samples: readonly (readonly [string, string, number])[] = [
      ['mock_ai_completions_total', 'counter', completions],
      ['mock_ai_moderations_total', 'counter', moderations],
      ['mock_ai_failures_total', 'counter', failures],
      ['mock_ai_refused_total', 'counter', refused],
      ['mock_ai_in_flight', 'gauge', this.#inFlight],
      ['process_cpu_seconds_total', 'counter', process.cpuUs() / 1e6],
      ['process_resident_memory_bytes', 'gauge', process.rssBytes()],
    ];
    return samples.map(([name, type, value]) => `# TYPE ${name} ${type}\n${name} ${value}\n`).join('');
  }
}

function parse<Value>(schema: z.ZodType<Value>, text: string): Value {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refused(400, 'the body is no JSON');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new Refused(400, parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
  return parsed.data;
}

function sendJson(responder: Responder, status: number, value: unknown): void {
  responder.send(status, 'application/json', JSON.stringify(value));
}

function sendText(responder: Responder, text: string): void {
  responder.send(200, 'text/plain; charset=utf-8', text);
}
