/** What an author of load writes: who the users are, how they arrive and what they do. */

import type { RequestLinks, ScenarioLinks } from './transport/scenario-links.ts';
import type { OpenSocket } from './transport/ws/user-socket.ts';

/** A distribution that think times and choices are drawn from; `mean` in milliseconds for times. */
export type Distribution =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'uniform'; readonly from: number; readonly to: number }
  /** Memoryless; cut at 10 times the mean so that no user sleeps through a run. */
  | { readonly kind: 'exponential'; readonly mean: number };

export interface HttpRequest extends RequestLinks {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query below the target. */
  readonly path: string;
  /** Name that groups requests in reports; default the step's operation. Never put ids in it. */
  readonly name?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON unless it is a string or bytes. */
  readonly body?: unknown;
  /** Default the scenario's `timeouts.replyMs`, which is 30,000. */
  readonly timeoutMs?: number;
  /** Statuses that count as success besides 200 to 399; others of 4xx count as failed. */
  readonly expect?: readonly number[];
  /** Statuses that count as an expected refusal, such as 402 for a declined card. */
  readonly refuse?: readonly number[];
  /** The id of the write this request makes, for the audit; from `user.writeId()`. */
  readonly write?: { readonly id: string; readonly kind: string };
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Parses the body once. @throws SyntaxError when it is no JSON */
  json<T>(): T;
}

/** Sends one request; the SDK takes it as its transport. Rejects on transport errors and timeouts. */
export interface Http {
  request(request: HttpRequest): Promise<HttpReply>;
}

/** Random numbers keyed by (seed, user, step): the same whatever worker runs the user. */
export interface UserRandom {
  /** Uniform in [0, 1). */
  float(): number;
  /** Uniform whole number in [0, below). */
  int(below: number): number;
  /** Rank in [0, below) with probability proportional to 1 / (rank + 1)^exponent. */
  zipf(below: number, exponent: number): number;
}

/** One simulated user during one step. */
export interface VirtualUser<State> {
  /** 0-based, the same whatever worker runs it; where work arrives openly, the number of the arrival modulo the users. */
  readonly index: number;
  /** What random numbers and ids are keyed by: the index, or the number of the arrival where work arrives openly. */
  readonly key: number;
  /** Work arrives: at a rate, in sessions, or as shared iterations. */
  readonly openly: boolean;
  /** 0-based count of the steps begun under this key. */
  readonly step: number;
  readonly seed: number;
  /** Users of the whole run, over all workers. */
  readonly users: number;
  readonly random: UserRandom;
  readonly http: Http;
  /** Opens a WebSocket below the target; see `UserSocket`. */
  readonly ws: OpenSocket;
  /** What the journey remembers between steps; made by `scenario.state`. Its size is the author's. */
  state: State;
  /** What `setup` answered; one copy per worker. */
  readonly shared: unknown;
  /** A new id for a write of this step: run (8), user (10), step (6), hash (8) hex digits as a UUID. */
  readonly writeId: () => string;
  /** Fails the operation, with this name, unless `ok`; returns `ok`. */
  readonly check: (ok: boolean, name: string) => boolean;
  /** Says that the acknowledged write left no row of its own (an idempotent repeat). */
  readonly dropWrite: (id: string) => void;
}

export interface Step<State> {
  /** The operation's name in reports: `op:feed`. */
  readonly op: string;
  readonly run: (user: VirtualUser<State>) => Promise<void>;
  /** Pause before the step; default the scenario's. */
  readonly thinkTimeMs?: Distribution;
}

export interface Journey<State> {
  readonly name: string;
  /** Share of all journeys begun. */
  readonly weight: number;
  /**
   * These users take this journey and no other, whatever its weight; all others never do when its
   * weight is 0. Users beyond the run's are left out.
   */
  readonly users?: readonly number[];
  readonly steps: readonly Step<State>[];
  readonly run?: undefined;
}

/**
 * One user during one iteration of a journey that is a function. An operation is a group, or a request outside
 * of groups; the latter ends when the next begins, so that checks of its reply are its own.
 */
export interface JourneyUser<State> extends VirtualUser<State> {
  /** 0-based count of the iterations this user has begun; where work arrives openly, of its turns. */
  readonly iteration: number;
  /**
   * Pauses, in ms or as drawn. With pace `due` the next operation is due this long after the due time before it,
   * else this long after the call. A user whose pause goes beyond the end of the load leaves there: the promise
   * then never settles. Rejects on a negative or unbounded pause, and while another pause runs.
   */
  readonly think: (pause: Distribution | number) => Promise<void>;
  /**
   * Runs `work` as one operation of this name, of 1 to 64 characters; 100 names a run, further ones count as `(other)`.
   * Pauses in it do not count as response time. Groups neither nest nor overlap: one within another rejects.
   */
  readonly group: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  /** Marks the operations that follow in this iteration; 20 names of 100 values each, beyond them `(other)`. */
  readonly tag: (name: string, value: string | number) => void;
}

/** A journey as a plain async function; one call is one iteration. What it keeps while it is suspended is its author's. */
export interface FunctionJourney<State> {
  readonly name: string;
  /** As in `Journey`. */
  readonly weight: number;
  /** As in `Journey`. */
  readonly users?: readonly number[];
  /**
   * Requests outside of groups are operations by their `name`, default `GET /posts/:id`. What it throws fails the
   * operation under way, and the user begins its next iteration.
   */
  readonly run: (user: JourneyUser<State>) => Promise<void>;
  /** Pause before each iteration; default the scenario's. */
  readonly thinkTimeMs?: Distribution;
  readonly steps?: undefined;
}

/** A threshold as k6 writes it: an expression, or one that also ends the run when it is missed. */
export type ThresholdRule =
  | string
  | {
      readonly threshold: string;
      /** Ends the run as failed as soon as the hold so far misses the threshold. Default false. */
      readonly abortOnFail?: boolean | undefined;
      /** How long the hold must last before that is looked at: `10s`, `1m30s`, or a number of ms. Default 0. */
      readonly delayAbortEval?: string | number | undefined;
    };

/** One stage of an arrival: goes in a straight line from the level before it to its own, at once when it has no length. */
interface Stage {
  readonly durationMs: number;
  /** Thresholds judge this stage, and what is judged adjoins; default the longest constant stage, without one all of them. */
  readonly judged?: boolean;
}

/** Levels are arrivals a second; the first stage begins at `from`, default 0. */
interface OpenArrival {
  /** Default `poisson`. */
  readonly spacing?: 'poisson' | 'even';
  readonly from?: number;
  readonly stages: readonly (Stage & { readonly perS: number })[];
  /** Users at most, default the scenario's `users`; arrivals beyond keep their due time and wait for one of them. */
  readonly usersMax?: number;
}

/** How work arrives. Arrival times depend on the seed and the arrival's number alone, not on the number of workers. */
export type Arrival =
  /** Closed: as many users as the stages say, beginning at `from` (default 0); each acts until the level falls below its place. */
  | { readonly kind: 'users'; readonly from?: number; readonly stages: readonly (Stage & { readonly users: number })[] }
  /** Open: each arrival is one iteration of a journey by the next user, who remembers earlier ones. */
  | ({ readonly kind: 'rate' } & OpenArrival)
  /** Partly open: each arrival is a new person, with the next user's account, who takes one journey at the pace of its replies. */
  | ({ readonly kind: 'sessions' } & OpenArrival)
  /** Users share this many iterations and begin the next when they have ended one and paused; `holdMs` bounds their time. */
  | { readonly kind: 'iterations'; readonly users: number; readonly iterations: number };

export interface SetupContext {
  readonly target: string;
  readonly users: number;
  readonly seed: number;
  readonly runId: string;
  readonly http: Http;
  /** The admin's bearer secret of the stack; undefined against a foreign target. */
  readonly adminSecret: string | undefined;
  /** The stack's admin endpoints, with the secret in place; undefined against a foreign target. */
  readonly admin?: Http | undefined;
  /** Aborts when the run is interrupted or the time is up: what is still under way is left, and `http` answers no more. */
  readonly signal: AbortSignal;
}

export interface Scenario<State = undefined> extends ScenarioLinks {
  readonly name: string;
  readonly description: string;
  readonly users: number;
  /** Users start evenly over `rampMs`; thresholds judge `holdMs`. */
  readonly rampMs: number;
  readonly holdMs: number;
  readonly thinkTimeMs: Distribution;
  /** How work arrives; replaces `rampMs` and `holdMs`. Default: `users` arrive over the ramp and stay for the hold. */
  readonly arrival?: Arrival;
  /** Sessions that begin each second, reached over the ramp and kept for the hold, by `users` at most; for scenarios without `arrival`. */
  readonly sessionsPerS?: number;
  /**
   * `due`: the next step is due one think time after the previous due time, and waits for a late reply.
   * `after-reply`: one think time after the reply (closed). Default `due`, for sessions and shared iterations `after-reply`.
   */
  readonly pace?: 'due' | 'after-reply';
  /** `avalo` needs the stack with seeded users; `any` needs only a target. Default `any`. */
  readonly system?: 'avalo' | 'any';
  readonly journeys: readonly (Journey<State> | FunctionJourney<State>)[];
  /** Expressions by metric, k6's syntax: `{'response_time{op:feed}': ['p(95)<500']}`. */
  readonly thresholds: Readonly<Record<string, readonly ThresholdRule[]>>;
  /** Operations a second below which a threshold, named by its metric, cannot be met whatever the system does; a run below is warned of. */
  readonly leastPerS?: Readonly<Record<string, number>>;
  /** Operations a second that the stack of one small machine carries. More users than that think longer, unless a run gives its think time. Default no limit. */
  readonly ratePerSMax?: number;
  /** Runs once before the first request of a user, for at most `timeouts.setupMs`; its result must survive structured clone. */
  setup?(context: SetupContext): Promise<unknown>;
  /** Runs once at the end, also of a run that was interrupted, for at most `timeouts.teardownMs`. */
  teardown?(context: SetupContext): Promise<void>;
  /** A user's memory at its first step. */
  state?(userIndex: number, shared: unknown): State;
  /** Headers of every request of a user: token, client address. */
  headers?(userIndex: number, shared: unknown): Readonly<Record<string, string>>;
}

/** A scenario whose arrival says how many users there are and when. */
export type ArrivingScenario<State> = Omit<Scenario<State>, 'arrival' | 'users' | 'rampMs' | 'holdMs'> & {
  readonly arrival: Arrival;
  /** Users at most where work arrives at a rate or in sessions; default 1,000. */
  readonly users?: number;
  /** Longest duration of shared iterations; default 10 minutes. */
  readonly holdMs?: number;
};

/** A scenario that says what people do and not how many they are: they come in sessions, of 1,000 at a time at most unless a run says `users`. */
export type VisitedScenario<State> = Omit<Scenario<State>, 'arrival' | 'users' | 'rampMs' | 'holdMs'> & {
  /** Default 10. */
  readonly sessionsPerS?: number;
  /** Default 10 s. */
  readonly rampMs?: number;
  /** Default a minute. */
  readonly holdMs?: number;
};

const usersDefault = 1_000;
const iterationsMs = 600_000;
/** A rate that any system carries, for long enough to see percentiles. */
const visits = { sessionsPerS: 10, rampMs: 10_000, holdMs: 60_000 };

/** Declares a scenario; infers the type of its users' memory. */
export function scenario<State>(spec: Scenario<State>): Scenario<State>;
export function scenario<State>(spec: ArrivingScenario<State>): Scenario<State>;
export function scenario<State>(spec: VisitedScenario<State>): Scenario<State>;
export function scenario<State>(spec: Scenario<State> | ArrivingScenario<State> | VisitedScenario<State>): Scenario<State> {
  if (!('arrival' in spec) || spec.arrival === undefined) {
    if ('users' in spec && spec.users !== undefined) return spec as Scenario<State>;
    const { sessionsPerS = visits.sessionsPerS, rampMs = visits.rampMs, holdMs = visits.holdMs } = spec as VisitedScenario<State>;
    return { ...spec, users: usersDefault, sessionsPerS, rampMs, holdMs };
  }
  if ('rampMs' in spec) return spec;
  const { arrival } = spec;
  const users = arrival.kind === 'iterations' ? arrival.users : (spec.users ?? usersDefault);
  return { ...spec, users, rampMs: 0, holdMs: spec.holdMs ?? iterationsMs };
}
