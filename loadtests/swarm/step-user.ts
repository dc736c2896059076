import { SoraError } from '../../ops/core/error.ts';
import type { Exchange } from './exchange.ts';
import type { PlannedStep } from './journeys.ts';
import { KeyedRandom } from './random.ts';
import type { Http, HttpReply, HttpRequest, UserRandom, VirtualUser } from './scenario.ts';
import { type OpenSocket, openSocket } from './transport/ws/user-socket.ts';
import { writeIdOf } from './write-id.ts';

/** Whose memory is asked for. */
export interface Rememberer {
  readonly index: number;
  /** Place in the engine's arrays. */
  readonly place: number;
}

/** What a step's user needs of the engine that runs it. */
export interface StepHost {
  readonly seed: number;
  readonly run: string;
  readonly shared: unknown;
  /** Users of the whole run. */
  readonly usersTotal: number;
  readonly openly: boolean;
  /** Rejects what cannot be written, which then has failed the operation. */
  send(user: StepUser, request: HttpRequest): Promise<HttpReply>;
  stateOf(user: Rememberer): unknown;
  setStateOf(user: Rememberer, state: unknown): void;
  dropWrite(user: StepUser, id: string): void;
  /** Hears of every check, and what it belongs to; default nothing. */
  onCheck?(ok: boolean, name: string, place: CheckPlace | undefined): void;
}

/** A request of a step that is recorded, for the sampled user and for plans. */
export interface TracedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: string;
  readonly body: string;
  readonly status: number;
  readonly serviceUs: number;
  readonly correlationId: string;
}

export interface Failure {
  readonly kind: string;
  readonly message: string;
  readonly stack?: string;
  /** Of the request that failed. */
  readonly correlationId?: string;
}

/** A request on its way that knows how it is found in the logs. */
export type FoundExchange = Exchange & { readonly foundBy: string };

/** When an operation of a journey that is a function was due; a step's times lie in the table of users. */
export interface Frame {
  readonly dueMs: number;
  readonly readyMs: number;
  /** The pause before it. */
  readonly thinkMs: number;
  /** Pauses in it, each until the generator came to end it. */
  idleMs: number;
  /** The latest that one of its pauses was ended, ms after it was due to: the generator's doing. */
  wokenLateMs: number;
  /** A request of its own has its reply. */
  settled: boolean;
  /** Ids of the tags that the journey has set. */
  readonly tags: readonly number[] | undefined;
}

/** What a check belongs to: an operation, or a journey between two of them, which has no phase of its own. */
export interface CheckPlace {
  readonly planned: PlannedStep;
  readonly phase?: number;
  readonly closed?: boolean;
  readonly frame: Pick<Frame, 'tags'> | undefined;
}

/** A write of this step that the server acknowledged. */
export interface AcknowledgedWrite {
  readonly id: string;
  readonly kind: string;
}

/**
 * One user while one step is in flight, the only per-user object there is. It is new for each step,
 * so a reference that a journey keeps by mistake can never act for another user.
 */
export class StepUser implements VirtualUser<unknown>, Http {
  readonly #host: StepHost;
  readonly index: number;
  readonly key: number;
  readonly step: number;
  /** Place in the engine's arrays. */
  readonly place: number;
  readonly planned: PlannedStep;
  readonly phase: number;
  readonly startedMs: number;
  readonly frame: Frame | undefined;

  /** When the first request was handed to the transport; -1 without one. */
  handedMs = -1;
  lastByteMs = -1;
  poolWaitMs = 0;
  serviceMs = 0;
  /** Whether any byte of a request left. */
  written = false;
  /** The request sent last. */
  latest: FoundExchange | undefined = undefined;
  failure: Failure | undefined = undefined;
  refused = false;
  /** The last reply, for the list of slow operations. */
  lastReply: HttpReply | undefined = undefined;
  /** The step has ended; nothing more may be sent. */
  closed = false;
  /** Cut off by an early end of the run: neither it nor what it has under way counts. */
  forgotten = false;
  /** Kept by the engine's list of operations in flight. */
  rosterAt = -1;
  headers: string | undefined = undefined;
  /** The scenario's own headers hold a correlation id. */
  namesCorrelation = false;
  writes: AcknowledgedWrite[] | undefined = undefined;
  dropped: string[] | undefined = undefined;
  trace: TracedRequest[] | undefined = undefined;
  #random: KeyedRandom | undefined = undefined;
  #writeIds = 0;
  #servedFromMs = 0;
  #servedUntilMs = Number.NEGATIVE_INFINITY;
  #waitedFromMs = 0;
  #waitedUntilMs = Number.NEGATIVE_INFINITY;
  #requests = 0;

  /** @param key what random numbers and ids are keyed by */
  constructor(
    host: StepHost, place: number, index: number, step: number, planned: PlannedStep, phase: number, startedMs: number, key = index, frame?: Frame,
  ) {
    this.#host = host;
    this.place = place;
    this.index = index;
    this.key = key;
    this.step = step;
    this.planned = planned;
    this.phase = phase;
    this.startedMs = startedMs;
    this.frame = frame;
  }

  get seed(): number {
    return this.#host.seed;
  }

  get users(): number {
    return this.#host.usersTotal;
  }

  get openly(): boolean {
    return this.#host.openly;
  }

  get http(): Http {
    return this;
  }

  get ws(): OpenSocket {
    return (path, options) => openSocket(this, path, options);
  }

  get random(): UserRandom {
    return (this.#random ??= new KeyedRandom(this.#host.seed, this.key, this.step));
  }

  get state(): unknown {
    return this.#host.stateOf(this);
  }

  set state(state: unknown) {
    this.#host.setStateOf(this, state);
  }

  get shared(): unknown {
    return this.#host.shared;
  }

  request(request: HttpRequest): Promise<HttpReply> {
    if (this.closed) {
      return Promise.reject(
        new SoraError('step_over', `${request.method} ${request.path} after its step ended`, {
          hint: 'await every request within its step',
        }),
      );
    }
    return this.#host.send(this, request);
  }

  // Getters, so that a journey may take these apart: `async ({ http, check }) => …`.

  get writeId(): () => string {
    return () => writeIdOf(this.#host.run, this.key, this.step, this.#writeIds++);
  }

  get check(): (ok: boolean, name: string) => boolean {
    return (ok, name) => {
      this.#host.onCheck?.(ok, name, this);
      if (!ok) this.fail({ kind: `check: ${name}`, message: `the check "${name}" failed` });
      return ok;
    };
  }

  get dropWrite(): (id: string) => void {
    return (id) => this.#host.dropWrite(this, id);
  }

  /** `7f3a0001-41-3-0`: run, user, step and request, so that a run sends the same ids each time; '' where the scenario's headers hold one. */
  nextCorrelationId(): string {
    if (this.namesCorrelation) return '';
    return `${this.#host.run}-${this.key}-${this.step}-${this.#requests++}`;
  }

  /** What finds the step in the logs: the failed request, else the last one. */
  get foundBy(): string {
    const { latest } = this;
    if (this.failure?.correlationId !== undefined) return this.failure.correlationId;
    if (latest?.reply === undefined) return latest?.foundBy ?? '';
    return this.lastReply?.headers['x-correlation-id'] ?? latest.foundBy;
  }

  /** Takes the time that one request was out; requests at the same time count once, or an operation would serve longer than it takes. */
  countService(fromMs: number, untilMs: number): void {
    const joins = fromMs < this.#servedUntilMs;
    const beginMs = joins ? Math.min(this.#servedFromMs, fromMs) : fromMs;
    this.serviceMs += joins ? this.#servedFromMs - beginMs + Math.max(0, untilMs - this.#servedUntilMs) : untilMs - fromMs;
    this.#servedFromMs = beginMs;
    this.#servedUntilMs = Math.max(this.#servedUntilMs, untilMs);
  }

  /** Takes the time that one request waited for a connection; those that waited at the same time count once. */
  countWait(fromMs: number, untilMs: number): void {
    const joins = fromMs < this.#waitedUntilMs;
    const beginMs = joins ? Math.min(this.#waitedFromMs, fromMs) : fromMs;
    this.poolWaitMs += joins ? this.#waitedFromMs - beginMs + Math.max(0, untilMs - this.#waitedUntilMs) : untilMs - fromMs;
    this.#waitedFromMs = beginMs;
    this.#waitedUntilMs = Math.max(this.#waitedUntilMs, untilMs);
  }

  /** Takes a request that has no reply yet into the times, as far as it came. */
  countPending(nowMs: number): void {
    const { latest } = this;
    if (latest === undefined || latest.settled) return;
    const sent = latest.writtenMs >= 0;
    this.written ||= sent;
    this.countWait(latest.enqueuedMs, sent ? latest.writtenMs : nowMs);
    if (sent) this.countService(latest.writtenMs, nowMs);
  }

  /** Ends it uncounted. */
  forget(): void {
    this.closed = true;
    this.forgotten = true;
  }

  /** Keeps the first reason; what follows is usually its consequence. */
  fail(failure: Failure): void {
    this.failure ??= failure;
  }
}
