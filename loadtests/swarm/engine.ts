import { messageOf } from '../../ops/core/error.ts';
import type { Carrier, Exchange } from './exchange.ts';
import { Itinerary } from './itinerary.ts';
import { resolveJourneys } from './journeys.ts';
import type { HistoryStep } from './measurement.ts';
import { type Partition, shareOf, userAt } from './partition.ts';
import { headerLines, namesHeader } from './request-text.ts';
import type { Distribution, HttpReply, HttpRequest, Scenario } from './scenario.ts';
import { StepExchange } from './step-exchange.ts';
import { type StepHost, StepUser } from './step-user.ts';
import { type OperationTimes, type Outcome, Tally } from './tally.ts';
import { UserTable } from './users.ts';
import { TimingWheel } from './wheel.ts';
import { WriteLedger } from './write-ledger.ts';

/** What a run does, the same for every worker. */
export interface RunPlan {
  /** The first 8 hex digits of every write's id. */
  readonly run: string;
  readonly seed: number;
  readonly users: number;
  readonly rampMs: number;
  readonly holdMs: number;
  /** How long late work may go on after the hold. */
  readonly drainMs: number;
  readonly thinkTimeMs: Distribution;
  readonly pace: 'due' | 'after-reply';
}

export interface EngineOptions {
  readonly scenario: Scenario<never>;
  readonly plan: RunPlan;
  readonly partition: Partition;
  readonly shared: unknown;
  readonly carrier: Carrier;
  /** Milliseconds since the run began. */
  readonly now: () => number;
  /** Users whose steps are recorded with their requests; default none. */
  readonly traced?: (user: number) => boolean;
  readonly onTraced?: (user: StepUser, record: HistoryStep) => void;
}

/** Longest usual pause in ms that the schedule's slots cover; longer ones are passed over now and then. */
const wheelSlots = 1 << 17;

/**
 * Runs the journeys of one share of the users. It has no timer: `tick` says what time it is, and
 * starts the steps that are due. A user has at most one step in flight.
 */
export class Engine implements StepHost {
  readonly seed: number;
  readonly run: string;
  readonly shared: unknown;
  readonly tally: Tally;
  readonly writes: WriteLedger;
  readonly users: UserTable;
  readonly #options: EngineOptions;
  readonly #itinerary: Itinerary;
  readonly #wheel: TimingWheel;
  readonly #running = new Set<StepUser>();
  readonly #endMs: number;
  #remaining: number;
  #started = 0;
  #unsent = 0;
  #stopped = false;

  constructor(options: EngineOptions) {
    const { plan, partition } = options;
    this.#options = options;
    this.seed = plan.seed;
    this.run = plan.run;
    this.shared = options.shared;
    const journeys = resolveJourneys(options.scenario, plan.thinkTimeMs);
    this.tally = new Tally(journeys.ops);
    const size = shareOf(partition, plan.users);
    this.users = new UserTable(size);
    this.writes = new WriteLedger(size);
    this.#wheel = new TimingWheel(size, wheelSlots);
    this.#itinerary = new Itinerary(journeys, this.users, partition, plan.seed);
    this.#endMs = plan.rampMs + plan.holdMs;
    this.#remaining = size;
    for (let place = 0; place < size; place++) this.#admit(place);
  }

  /** Users that have begun a step. */
  get usersStarted(): number {
    return this.#started;
  }

  /** Operations that were due and never sent. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Steps in flight. */
  get inFlight(): number {
    return this.#running.size;
  }

  /** Nothing is due any more and nothing in flight. */
  get finished(): boolean {
    return this.#stopped ? this.#running.size === 0 : this.#remaining === 0;
  }

  /** Users that have arrived and not left. @param nowMs since the run began */
  usersActive(nowMs: number): number {
    if (nowMs >= this.#endMs || this.#stopped) return Math.min(this.#remaining, this.#running.size + this.#wheel.size);
    const { rampMs } = this.#options.plan;
    const share = rampMs <= 0 ? 1 : Math.min(1, Math.max(0, nowMs / rampMs));
    return Math.floor(this.users.size * share);
  }

  /** Starts what is due; ends the drain when its time is up. @param nowMs since the run began */
  tick(nowMs: number): void {
    if (!this.#stopped) this.#wheel.advance(Math.floor(nowMs), this.#begin);
    if (nowMs >= this.#endMs + this.#options.plan.drainMs && !this.finished) this.#giveUp(nowMs);
  }

  /** Begins no further step; those in flight may end. */
  stop(): void {
    this.#stopped = true;
  }

  /** Ends steps in flight as they are, uncounted: for a run that was interrupted. */
  abandon(): void {
    for (const user of this.#running) user.closed = true;
    this.#running.clear();
    this.#stopped = true;
  }

  /** A newcomer's first step comes after what is left of a pause under way, so the rate is steady at once. */
  #admit(place: number): void {
    const { plan, partition } = this.#options;
    const residualMs = this.#itinerary.begin(place);
    const arrivalMs = (plan.rampMs * (userAt(partition, place) + 0.5)) / plan.users;
    this.#schedule(place, arrivalMs + residualMs, residualMs, 0);
  }

  #schedule(place: number, dueMs: number, thinkMs: number, notBeforeMs: number): void {
    if (dueMs >= this.#endMs) {
      this.users.retire(place);
      this.#remaining--;
      return;
    }
    const readyMs = Math.max(dueMs, notBeforeMs);
    this.users.dueMs[place] = dueMs;
    this.users.readyMs[place] = readyMs;
    this.users.thinkMs[place] = thinkMs;
    this.#wheel.schedule(place, Math.ceil(readyMs));
  }

  readonly #begin = (place: number): void => {
    const { users } = this;
    const step = users.steps[place]!;
    if (step === 0) this.#started++;
    users.steps[place] = step + 1;
    const index = userAt(this.#options.partition, place);
    const phase = users.dueMs[place]! < this.#options.plan.rampMs ? 0 : 1;
    const user = new StepUser(this, place, index, step, this.#itinerary.stepAt(place), phase, this.#options.now());
    if (this.#options.traced?.(index) === true) user.trace = [];
    this.#running.add(user);
    let running: Promise<void>;
    try {
      running = user.planned.run(user);
    } catch (error) {
      // A step that is no async function; it ends like one that rejects.
      running = Promise.reject(error as Error);
    }
    running.then(
      () => this.#end(user),
      (error: unknown) => {
        this.#thrown(user, error);
        this.#end(user);
      },
    );
  };

  #thrown(user: StepUser, error: unknown): void {
    const status = (error as { status?: unknown } | null | undefined)?.status;
    // A client library that throws on a refusal the request had named.
    if (user.refused && status === user.lastReply?.status) return;
    const name = error instanceof Error ? error.constructor.name : typeof error;
    const stack = error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {};
    user.fail({ kind: `throw: ${name}`, message: messageOf(error), ...stack });
  }

  /** Takes one ended step into the books and schedules the next. */
  #end(user: StepUser): void {
    if (user.closed) return;
    const nowMs = this.#options.now();
    this.#close(user, user.lastByteMs >= 0 && user.failure === undefined ? user.lastByteMs : nowMs);
    const { place } = user;
    if (user.failure === undefined) this.users.completed[place]!++;
    if (this.#stopped) return;
    const thinkMs = this.#itinerary.proceed(place);
    const fromMs = this.#options.plan.pace === 'due' ? this.users.dueMs[place]! : nowMs;
    this.#schedule(place, fromMs + thinkMs, thinkMs, nowMs);
  }

  #close(user: StepUser, endMs: number): void {
    user.closed = true;
    this.#running.delete(user);
    for (const write of user.writes ?? []) this.writes.acknowledge(user.place, write.id, write.kind);
    const dueMs = this.users.dueMs[user.place]!;
    const handedMs = user.handedMs >= 0 ? user.handedMs : user.startedMs;
    const times = {
      response: toUs(endMs - dueMs),
      service: toUs(user.serviceMs),
      poolWait: toUs(user.poolWaitMs),
      // The wait for the user's own late reply is the system's doing, so it counts from there.
      lateness: toUs(handedMs - this.users.readyMs[user.place]!),
    };
    const outcome: Outcome = user.failure !== undefined ? 'failed' : user.refused ? 'refused' : 'ok';
    const { op, opIndex } = user.planned;
    this.tally.operation(opIndex, user.phase, outcome, times);
    const { failure } = user;
    if (failure !== undefined) {
      this.tally.error(opIndex, failure.kind, () => ({
        firstAtMs: endMs,
        firstMessage: failure.message,
        ...(failure.stack === undefined ? {} : { firstStack: failure.stack }),
        ...(user.foundBy === '' ? {} : { firstCorrelationId: user.foundBy }),
      }));
    }
    if (this.tally.isSlow(times.response)) {
      const status = user.lastReply?.status ?? 0;
      this.tally.slow({
        op,
        user: user.index,
        step: user.step,
        atMs: dueMs,
        responseUs: times.response,
        serviceUs: times.service,
        status,
        correlationId: user.foundBy,
      });
    }
    if (user.trace !== undefined) this.#record(user, outcome, times);
  }

  #record(user: StepUser, outcome: Outcome, times: OperationTimes): void {
    this.#options.onTraced?.(user, {
      user: user.index,
      step: user.step,
      op: user.planned.op,
      dueMs: this.users.dueMs[user.place]!,
      thinkTimeMs: this.users.thinkMs[user.place]!,
      outcome,
      ...(user.failure === undefined ? {} : { errorKind: user.failure.kind }),
      responseUs: times.response,
      serviceUs: times.service,
      poolWaitUs: times.poolWait,
      latenessUs: times.lateness,
      requests: (user.trace ?? []).map(({ method, path, status, serviceUs, correlationId }) => ({
        method,
        path,
        status,
        serviceUs,
        correlationId,
      })),
    });
  }

  /** The drain is over: what is in flight has failed, and so has all that was due and never sent. */
  #giveUp(nowMs: number): void {
    const { drainMs } = this.#options.plan;
    for (const user of this.#running) {
      user.countPending(nowMs);
      const kind = user.written ? 'timeout' : 'unsent';
      user.fail({ kind, message: `${user.written ? 'no reply' : 'still unsent'} when the drain of ${drainMs} ms ended` });
      if (!user.written) this.#unsent++;
      this.#close(user, nowMs);
      this.#skip(user.place, nowMs);
    }
    for (let place = 0; place < this.users.size; place++) {
      if (this.users.isRetired(place)) continue;
      this.users.retire(place);
      if (!this.#wheel.cancel(place)) continue;
      this.#countUnsent(place, this.users.dueMs[place]!, nowMs);
      this.users.steps[place]!++;
      this.#skip(place, nowMs);
    }
    this.#remaining = 0;
  }

  /** Counts the steps that a user would have begun before the end, after the one it stands at. */
  #skip(place: number, nowMs: number): void {
    // In the closed form the next step is due only after a reply, so nothing is owed.
    if (this.#options.plan.pace !== 'due') return;
    let dueMs = this.users.dueMs[place]!;
    for (;;) {
      // Never less than a µs, so that steps without a pause come to an end too.
      dueMs += Math.max(this.#itinerary.proceed(place), 0.001);
      if (dueMs >= this.#endMs) return;
      this.#countUnsent(place, dueMs, nowMs);
      this.users.steps[place]!++;
    }
  }

  #countUnsent(place: number, dueMs: number, nowMs: number): void {
    this.#unsent++;
    const { opIndex } = this.#itinerary.stepAt(place);
    const phase = dueMs < this.#options.plan.rampMs ? 0 : 1;
    // Only the response time is known, and it is at least this long; the other times never began.
    this.tally.unsent(opIndex, phase, toUs(nowMs - dueMs));
    this.tally.error(opIndex, 'unsent', () => ({
      firstAtMs: nowMs,
      firstMessage: `due ${Math.round(nowMs - dueMs)} ms ago and still unsent when the drain ended`,
    }));
  }

  // What a step's user asks for.

  stateOf(user: StepUser): unknown {
    const { scenario } = this.#options;
    if (scenario.state === undefined) return this.users.state(user.place, undefined);
    return this.users.state(user.place, () => scenario.state?.(user.index, this.shared));
  }

  setStateOf(user: StepUser, state: unknown): void {
    this.users.setState(user.place, state);
  }

  dropWrite(user: StepUser, id: string): void {
    (user.dropped ??= []).push(id);
    if (user.writes !== undefined) user.writes = user.writes.filter((write) => write.id !== id);
  }

  send(user: StepUser, request: HttpRequest): Promise<HttpReply> {
    let exchange: StepExchange;
    try {
      if (user.headers === undefined) this.#takeHeaders(user);
      exchange = new StepExchange(user, request, user.headers ?? '', this.#onDone);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    const replied = new Promise<HttpReply>((resolve, reject) => {
      exchange.resolve = resolve;
      exchange.reject = reject;
    });
    if (user.handedMs < 0) user.handedMs = this.#options.now();
    user.latest = exchange;
    this.#options.carrier.send(exchange);
    return replied;
  }

  #takeHeaders(user: StepUser): void {
    const headers = this.#options.scenario.headers?.(user.index, this.shared);
    user.namesCorrelation = namesHeader(headers, 'x-correlation-id');
    user.headers = headerLines(headers);
  }

  readonly #onDone = (done: Exchange): void => (done as StepExchange).settle(this.tally, this.writes);
}

function toUs(durationMs: number): number {
  return durationMs > 0 ? durationMs * 1_000 : 0;
}
