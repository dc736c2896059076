import { SoraError } from '../../../ops/core/error.ts';
import { notAwaited } from '../error-kinds.ts';
import type { PlannedStep } from '../journeys.ts';
import { draw, KeyedRandom, streams } from '../random.ts';
import { faultOf } from '../request-shape.ts';
import type { Distribution, Http, HttpReply, HttpRequest, JourneyUser, UserRandom } from '../scenario.ts';
import type { Failure, StepHost, StepUser } from '../step-user.ts';
import { type OpenSocket, openSocket } from '../transport/ws/user-socket.ts';
import { writeIdOf } from '../write-id.ts';
import { nameOfRequest } from './operation-names.ts';

/** What a journey that is a function needs of what runs it. */
export interface FunctionHost extends StepHost {
  /** Begins an operation; undefined when the user has left, as nothing may begin any more. */
  open(user: FunctionUser, name: string): StepUser | undefined;
  close(operation: StepUser): void;
  /** Takes what was thrown into the operation's outcome. */
  blame(operation: StepUser, error: unknown): void;
  /** Calls `user.wake` after the pause, or never when the user leaves. */
  suspend(user: FunctionUser, pauseMs: number): void;
  /** The number of the next operation. */
  stepOf(user: FunctionUser): number;
  /** A user's tags with one more. */
  tagged(tags: readonly number[] | undefined, name: string, value: string): readonly number[];
}

/** Requests outside of groups that one iteration may have under way at once. */
const looseMax = 100;
const nameLength = 64;
/** Longest pause: as long as a run can be. */
const pauseMaxMs = 7 * 86_400_000;
const never = new Promise<never>(() => undefined);
const unawaited: Failure = { kind: notAwaited, message: 'the journey did not wait for a reply: await each request, or all of them with Promise.all' };

/**
 * One user during one iteration of a function. It is new for each iteration, so that a reference kept by
 * mistake can never act for a later one.
 */
export class FunctionUser implements JourneyUser<unknown>, Http {
  readonly #host: FunctionHost;
  readonly index: number;
  readonly key: number;
  readonly place: number;
  readonly iteration: number;
  readonly planned: PlannedStep;
  /** The iteration has ended, or the user has left in it. */
  over = false;
  /** The next operation is the first since its due time; one that follows without a pause is due when it comes. */
  fresh = true;
  operations = 0;
  /** It is pausing, and within a group. */
  pausesInGroup = false;
  tags: readonly number[] | undefined = undefined;
  /** The group under way. */
  grouped: StepUser | undefined = undefined;
  #loose: StepUser[] | undefined = undefined;
  #resume: (() => void) | undefined = undefined;
  #random: KeyedRandom | undefined = undefined;
  #randomStep = -1;
  #writeStep = -1;
  #writeIds = 0;
  #pauses = 0;
  #accounted: unknown = undefined;

  constructor(host: FunctionHost, place: number, index: number, key: number, iteration: number, planned: PlannedStep) {
    this.#host = host;
    this.place = place;
    this.index = index;
    this.key = key;
    this.iteration = iteration;
    this.planned = planned;
  }

  get http(): Http {
    return this;
  }

  get ws(): OpenSocket {
    return (path, options) => openSocket(this, path, options);
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

  get shared(): unknown {
    return this.#host.shared;
  }

  get state(): unknown {
    return this.#host.stateOf(this);
  }

  set state(state: unknown) {
    this.#host.setStateOf(this, state);
  }

  /** The operation under way where it is a group, else the next. */
  get step(): number {
    return this.grouped?.step ?? this.#host.stepOf(this);
  }

  get random(): UserRandom {
    const { step } = this;
    if (this.#random !== undefined && this.#randomStep === step) return this.#random;
    this.#randomStep = step;
    return (this.#random = new KeyedRandom(this.seed, this.key, step));
  }

  /** Waiting for the end of a pause. */
  get suspended(): boolean {
    return this.#resume !== undefined;
  }

  /** It has begun, and waits for no pause and for no request: nothing of ours will wake it. */
  get hangs(): boolean {
    return !this.over && !this.suspended && this.grouped === undefined && this.#loose === undefined;
  }

  request(request: HttpRequest): Promise<HttpReply> {
    if (this.over) return Promise.reject(iterationOver(`${request.method} ${request.path}`));
    if (this.grouped !== undefined) return this.#host.send(this.grouped, request);
    // Before an operation is named after it.
    const fault = faultOf(request);
    if (fault !== undefined) return this.#refuse(fault);
    this.closeSettled();
    if ((this.#loose?.length ?? 0) >= looseMax) {
      return Promise.reject(
        new SoraError('too_many_requests', `${request.method} ${request.path} would be request ${looseMax + 1} under way at once; the limit is ${looseMax}`, {
          hint: 'await some of them first, or send them within user.group',
        }),
      );
    }
    const operation = this.#host.open(this, request.name ?? nameOfRequest(request.method, request.path));
    if (operation === undefined) return never;
    (this.#loose ??= []).push(operation);
    const replied = this.#host.send(operation, request);
    const settled = (): void => {
      if (operation.frame !== undefined) operation.frame.settled = true;
      // Nobody awaits it: there is no code of the journey to end it.
      if (this.suspended) this.closeSettled();
    };
    replied.then(settled, settled);
    return replied;
  }

  /** Has failed what the journey is doing, whether it catches this or not. */
  #refuse(fault: SoraError): Promise<never> {
    this.blame(fault);
    this.#accounted = fault;
    return Promise.reject(fault);
  }

  // Getters, so that a journey may take these apart: `async ({ http, think, group }) => …`.

  get think(): (pause: Distribution | number) => Promise<void> {
    return (pause) => this.#think(pause);
  }

  get group(): <T>(name: string, work: () => Promise<T>) => Promise<T> {
    return (name, work) => this.#runGroup(name, work);
  }

  get tag(): (name: string, value: string | number) => void {
    return (name, value) => {
      this.tags = this.#host.tagged(this.tags, name, String(value));
    };
  }

  get writeId(): () => string {
    return () => {
      const { step } = this;
      if (this.#writeStep !== step) {
        this.#writeStep = step;
        this.#writeIds = 0;
      }
      return writeIdOf(this.#host.run, this.key, step, this.#writeIds++);
    };
  }

  get check(): (ok: boolean, name: string) => boolean {
    return (ok, name) => {
      const operation = ok ? this.#latest : this.#current();
      this.#host.onCheck?.(ok, name, this.over ? undefined : (operation ?? { planned: this.planned, frame: { tags: this.tags } }));
      if (!ok) operation?.fail({ kind: `check: ${name}`, message: `the check "${name}" failed` });
      return ok;
    };
  }

  get dropWrite(): (id: string) => void {
    return (id) => {
      const open = this.grouped === undefined ? (this.#loose ?? []) : [this.grouped];
      const holder = open.find((operation) => operation.writes?.some((write) => write.id === id) === true) ?? open.at(-1);
      if (holder === undefined) {
        throw new SoraError('operation_over', `dropWrite of ${id} after its operation ended`, { hint: 'call it before the next pause, or within the same user.group' });
      }
      this.#host.dropWrite(holder, id);
    };
  }

  // No async function: a million suspended users would each keep its frame.
  #think(pause: Distribution | number): Promise<void> {
    if (this.over) return Promise.reject(iterationOver('a pause'));
    if (this.#resume !== undefined) {
      return Promise.reject(
        new SoraError('pause_overlap', 'a pause began while another of the same user was running', { hint: 'await user.think before the next' }),
      );
    }
    if (this.grouped === undefined) this.closeSettled();
    const pauseMs = typeof pause === 'number' ? pause : draw(pause, new KeyedRandom(this.seed, this.key, this.step, streams.pause + this.#pauses++));
    if (!(pauseMs >= 0 && pauseMs <= pauseMaxMs)) {
      return Promise.reject(
        new SoraError('invalid_pause', `a pause of ${pauseMs} ms is outside 0 to ${pauseMaxMs} ms`, { hint: 'give user.think milliseconds or a distribution' }),
      );
    }
    // A suspended user keeps no generator either.
    this.#random = undefined;
    return new Promise<void>((resolve) => {
      this.#resume = resolve;
      this.#host.suspend(this, pauseMs);
    });
  }

  /** Ends the pause. */
  wake(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    if (this.grouped === undefined) this.fresh = true;
    resume?.();
  }

  async #runGroup<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (this.over) throw iterationOver(`group "${name}"`);
    if (typeof name !== 'string' || name === '' || name.length > nameLength) {
      throw new SoraError('invalid_group', `group name ${JSON.stringify(name)} is not a text of 1 to ${nameLength} characters`, { hint: 'name what the user does, without ids' });
    }
    if (this.grouped !== undefined) {
      throw new SoraError('group_open', `group "${name}" began within group "${this.grouped.planned.op}"`, { hint: 'groups neither nest nor overlap: end one before the next' });
    }
    this.closeSettled();
    const operation = this.#host.open(this, name);
    if (operation === undefined) return never;
    this.grouped = operation;
    try {
      const result = await work();
      if (operation.latest?.settled === false) operation.fail(unawaited);
      return result;
    } catch (error) {
      this.#host.blame(operation, error);
      this.#accounted = error;
      throw error;
    } finally {
      this.grouped = undefined;
      this.#host.close(operation);
    }
  }

  /** The group under way, else the latest request. */
  get #latest(): StepUser | undefined {
    return this.grouped ?? this.#loose?.at(-1);
  }

  /** The operation that checks and throws belong to: the group, the latest request, or one in the journey's name. */
  #current(): StepUser | undefined {
    if (this.over) return undefined;
    const known = this.#latest;
    if (known !== undefined) return known;
    const opened = this.#host.open(this, this.planned.op);
    if (opened === undefined) return undefined;
    if (opened.frame !== undefined) opened.frame.settled = true;
    this.#loose = [opened];
    return opened;
  }

  /** Takes what the function threw, unless its group has taken it. */
  blame(error: unknown): void {
    if (error === this.#accounted && error !== undefined) return;
    const operation = this.#current();
    if (operation !== undefined) this.#host.blame(operation, error);
  }

  /** Ends the requests that have their reply; what came after each was its own until now. */
  closeSettled(): void {
    if (this.#loose === undefined) return;
    const open = this.#loose.filter((operation) => operation.frame?.settled !== true);
    for (const operation of this.#loose) if (operation.frame?.settled === true) this.#host.close(operation);
    this.#loose = open.length === 0 ? undefined : open;
  }

  /** Ends the iteration, which came to its own end, and what is left of its requests. */
  end(): void {
    for (const operation of this.#loose ?? []) if (operation.frame?.settled !== true) operation.fail(unawaited);
    this.finish();
  }

  /** Ends the iteration and what is left of its requests. */
  finish(): void {
    for (const operation of this.#loose ?? []) this.#host.close(operation);
    this.#loose = undefined;
    this.over = true;
  }
}

function iterationOver(what: string): SoraError {
  return new SoraError('iteration_over', `${what} after its iteration ended`, { hint: 'await everything within the journey' });
}
