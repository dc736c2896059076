import { messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { authorFrames } from './author-frames.ts';
import type { HopListener, HopOutcome, SentHop } from './debug-hops.ts';
import type { PlannedStep } from './journeys.ts';
import { maskBody, maskHeaders, maskText, maskValue } from './mask.ts';
import { failureOfReply, judgeReply } from './replies.ts';
import { checkFields } from './request-shape.ts';
import type { Http, HttpReply, HttpRequest, Scenario } from './scenario.ts';
import { type Rememberer, type StepHost, StepUser } from './step-user.ts';

/** What one journey of one user did; secrets are masked, long texts cut. */
export type DebugEvent =
  | { readonly kind: 'step'; readonly step: number; readonly op: string; readonly thinkTimeMs: number }
  | {
      /** As it went out, with all its headers; each redirect that is followed and each further try is one of its own. */
      readonly kind: 'request';
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | {
      readonly kind: 'reply';
      readonly status: number;
      /** `followed`: a redirect, or a reply that was reason to try again; the next request comes of it. */
      readonly verdict: 'ok' | 'failed' | 'refused' | 'followed';
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly durationMs: number;
    }
  | { readonly kind: 'no-reply'; readonly error: string; readonly durationMs: number }
  | { readonly kind: 'check'; readonly name: string; readonly ok: boolean }
  /** A value of the user's memory that the step changed. */
  | { readonly kind: 'carried'; readonly name: string; readonly value: string }
  /** `stack` has the author's own frames, one a line; empty where there are none. */
  | { readonly kind: 'threw'; readonly message: string; readonly stack: string }
  /** A pause that a function made; it is not waited for. */
  | { readonly kind: 'pause'; readonly pauseMs: number }
  | { readonly kind: 'end'; readonly op: string; readonly outcome: 'ok' | 'failed' | 'refused'; readonly reason: string };

export interface DebugStageOptions {
  readonly host: Host;
  readonly scenario: Scenario<never>;
  readonly http: Http;
  readonly seed: number;
  readonly run: string;
  readonly shared: unknown;
  readonly usersTotal: number;
}

/** Plays the engine's part for one user, and tells what it sees. */
export class DebugStage implements StepHost, HopListener {
  readonly seed: number;
  readonly run: string;
  readonly shared: unknown;
  readonly usersTotal: number;
  readonly openly = false;
  readonly #options: DebugStageOptions;
  #events: DebugEvent[] = [];
  #wake: () => void = () => undefined;
  #state: unknown;
  #begun = false;
  #over = true;

  constructor(options: DebugStageOptions) {
    this.#options = options;
    this.seed = options.seed;
    this.run = options.run;
    this.shared = options.shared;
    this.usersTotal = options.usersTotal;
  }

  /** Runs one step; ends when it does. */
  async *play(planned: PlannedStep, index: number, step: number): AsyncGenerator<DebugEvent> {
    const user = new StepUser(this, 0, index, step, planned, 0, 0);
    yield* this.watch(user, async () => {
      try {
        await planned.run(user);
      } catch (error) {
        this.tellThrown(user, error);
      }
      user.closed = true;
    });
    yield endOf(user);
  }

  /** Yields what `work` tells while it runs, then what it changed in the user's memory. */
  async *watch(user: Rememberer, work: () => Promise<void>): AsyncGenerator<DebugEvent> {
    const before = snapshot(this.stateOf(user));
    this.#over = false;
    const running = work().finally(() => {
      this.#over = true;
      this.#wake();
    });
    while (!this.#over || this.#events.length > 0) {
      const events = this.#events;
      this.#events = [];
      yield* events;
      if (!this.#over && this.#events.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    await running;
    for (const [name, { text, value }] of snapshot(this.#state)) {
      if (before.get(name)?.text !== text) yield { kind: 'carried', name, value: maskValue(name, value) };
    }
  }

  /** Takes an event to be yielded. */
  tell(event: DebugEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  tellThrown(user: StepUser, error: unknown): void {
    const threw = { message: maskText(messageOf(error)), stack: maskText(authorFrames(error)) };
    this.tell({ kind: 'threw', ...threw });
    if (!user.refused) user.fail({ kind: 'throw', message: threw.message });
  }

  async send(user: StepUser, request: HttpRequest): Promise<HttpReply> {
    const { clock } = this.#options.host;
    const startMs = clock.monotonicMs();
    try {
      checkFields(request);
      const headers = { ...this.#options.scenario.headers?.(user.index, this.shared), ...request.headers };
      const body = typeof request.body === 'string' || request.body === undefined ? (request.body ?? '') : JSON.stringify(request.body);
      // All others are told of as they go out.
      if (request.socket !== undefined) this.onSent({ method: request.method, path: request.path, headers, body });
      const reply = await this.#options.http.request({ ...request, headers });
      const verdict = judgeReply(reply, request);
      if (verdict === 'refused') user.refused = true;
      if (verdict === 'failed') user.fail(failureOfReply(reply, request));
      this.#tellReply(reply, verdict, clock.monotonicMs() - startMs);
      return reply;
    } catch (error) {
      user.fail({ kind: 'no reply', message: messageOf(error) });
      this.tell({ kind: 'no-reply', error: maskText(messageOf(error)), durationMs: clock.monotonicMs() - startMs });
      throw error;
    }
  }

  onSent({ method, path, headers, body }: SentHop): void {
    this.tell({ kind: 'request', method, path: maskText(path), headers: maskHeaders(headers), body: maskBody(body) });
  }

  onFollowed({ reply, error, durationMs }: HopOutcome): void {
    if (reply === undefined) this.tell({ kind: 'no-reply', error: maskText(error), durationMs });
    else this.#tellReply(reply, 'followed', durationMs);
  }

  #tellReply(reply: HttpReply, verdict: Extract<DebugEvent, { kind: 'reply' }>['verdict'], durationMs: number): void {
    const { status, headers, body } = reply;
    this.tell({ kind: 'reply', status, verdict, headers: maskHeaders(headers), body: maskBody(body.toString('utf8')), durationMs });
  }

  stateOf(user: Rememberer): unknown {
    if (!this.#begun) {
      this.#begun = true;
      this.#state = this.#options.scenario.state?.(user.index, this.shared);
    }
    return this.#state;
  }

  setStateOf(_user: Rememberer, state: unknown): void {
    this.#begun = true;
    this.#state = state;
  }

  dropWrite(): void {
    // Nothing is audited here.
  }

  onCheck(ok: boolean, name: string): void {
    this.tell({ kind: 'check', name, ok });
  }
}

/** How an operation ended. */
export function endOf(user: StepUser): DebugEvent {
  const outcome = user.failure !== undefined ? 'failed' : user.refused ? 'refused' : 'ok';
  return { kind: 'end', op: user.planned.op, outcome, reason: maskText(user.failure?.message ?? '') };
}

/** The fields of a user's memory, with their text to see which a step changed. */
function snapshot(state: unknown): Map<string, { readonly text: string; readonly value: unknown }> {
  if (state === undefined) return new Map();
  const fields = typeof state === 'object' && state !== null ? Object.entries(state) : [['state', state] as const];
  return new Map(fields.map(([name, value]) => [name, { text: JSON.stringify(value) ?? '', value }]));
}
