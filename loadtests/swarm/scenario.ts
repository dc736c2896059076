/** What an author of load writes: who the users are, how they arrive and what they do. */

import type { RequestLinks, ScenarioLinks } from './transport/scenario-links.ts';

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
  /** 0-based, unique over all workers. */
  readonly index: number;
  /** 0-based count of the steps this user has begun. */
  readonly step: number;
  readonly random: UserRandom;
  readonly http: Http;
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
}

export interface Scenario<State = undefined> extends ScenarioLinks {
  readonly name: string;
  readonly description: string;
  readonly users: number;
  /** Users start evenly over `rampMs`; thresholds judge `holdMs`. */
  readonly rampMs: number;
  readonly holdMs: number;
  readonly thinkTimeMs: Distribution;
  /**
   * `due`: the next step is due one think time after the previous due time, and waits for a late reply.
   * `after-reply`: one think time after the reply (closed). Default `due`.
   */
  readonly pace?: 'due' | 'after-reply';
  /** `avalo` needs the stack with seeded users; `any` needs only a target. Default `any`. */
  readonly system?: 'avalo' | 'any';
  readonly journeys: readonly Journey<State>[];
  /** Expressions by metric, k6's syntax: `{'response_time{op:feed}': ['p(95)<500']}`. */
  readonly thresholds: Readonly<Record<string, readonly ThresholdRule[]>>;
  /** Runs once before the first request of a user; its result must survive structured clone. */
  setup?(context: SetupContext): Promise<unknown>;
  teardown?(context: SetupContext): Promise<void>;
  /** A user's memory at its first step. */
  state?(userIndex: number, shared: unknown): State;
  /** Headers of every request of a user: token, client address. */
  headers?(userIndex: number, shared: unknown): Readonly<Record<string, string>>;
}

/** Declares a scenario; infers the type of its users' memory. */
export function scenario<State>(spec: Scenario<State>): Scenario<State> {
  return spec;
}
