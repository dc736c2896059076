import type { Books } from '../books.ts';
import { neverEnded } from '../error-kinds.ts';
import type { HttpReply, HttpRequest } from '../scenario.ts';
import type { PlannedStep } from '../journeys.ts';
import type { CheckPlace, Frame, Rememberer, StepHost, StepUser } from '../step-user.ts';
import type { UserTable } from '../users.ts';
import type { TimingWheel } from '../wheel.ts';
import { type FunctionHost, FunctionUser } from './function-user.ts';
import type { OperationNames } from './operation-names.ts';

/** What functions need of the engine. */
export interface FunctionGround extends StepHost {
  readonly users: UserTable;
  readonly wheel: TimingWheel;
  readonly names: OperationNames;
  readonly books: Books;
  readonly pace: 'due' | 'after-reply';
  /** Nothing begins from here on, ms since the run began. */
  readonly endMs: number;
  /** All that is under way ends here. */
  readonly overMs: number;
  /** Nothing begins any more. */
  readonly stopped: boolean;
  now(): number;
  indexOf(place: number): number;
  keyOf(place: number): number;
  begin(place: number, planned: PlannedStep, frame: Frame): StepUser;
  close(operation: StepUser): void;
  /** Takes an operation out that did not come to its end. */
  cut(operation: StepUser): void;
  blame(operation: StepUser, error: unknown): void;
  /** When a user acts that is due then; infinite when it has left by then. */
  presentAt(place: number, dueMs: number, thinkMs: number): number;
  /** The user acts no more. */
  cutShort(place: number): void;
  /** Puts the user on its way to its next iteration. */
  proceed(place: number, nowMs: number): void;
}

/** Runs journeys that are functions: a suspended one waits in the engine's wheel, and has no timer of its own. */
export class FunctionStage implements FunctionHost {
  readonly #ground: FunctionGround;
  readonly #iterations: (FunctionUser | undefined)[];
  readonly #counts: Uint32Array;
  readonly #pauseRatio: number;
  #awake = 0;
  #groupsPaused = 0;

  /** @param pauseRatio what pauses are multiplied by */
  constructor(ground: FunctionGround, pauseRatio: number) {
    this.#ground = ground;
    this.#pauseRatio = pauseRatio;
    this.#iterations = Array.from({ length: ground.users.size });
    this.#counts = new Uint32Array(ground.users.size);
  }

  /** Iterations that are not pausing. */
  get awake(): number {
    return this.#awake;
  }

  /** Groups that are pausing: begun, and waiting for nothing but time. */
  get groupsPaused(): number {
    return this.#groupsPaused;
  }

  /** A user is due: goes on after its pause, or begins an iteration. */
  act(place: number, planned: PlannedStep): void {
    this.#awake++;
    const suspended = this.#iterations[place];
    if (suspended !== undefined) {
      this.#countPause(suspended, false);
      this.#noteWaking(suspended);
      suspended.wake();
      return;
    }
    const ground = this.#ground;
    const key = ground.keyOf(place);
    // Users that arrive take turns, and do one iteration each time.
    const iteration = ground.openly ? Math.floor(key / ground.usersTotal) : this.#counts[place]!++;
    const user = new FunctionUser(this, place, ground.indexOf(place), key, iteration, planned);
    this.#iterations[place] = user;
    let running: Promise<void> | undefined;
    try {
      running = planned.whole?.(user);
    } catch (error) {
      // A function that is not async; it ends like one that rejects.
      running = Promise.reject(error as Error);
    }
    Promise.resolve(running).then(
      () => this.#end(user),
      (error: unknown) => {
        user.blame(error);
        this.#end(user);
      },
    );
  }

  /** A pause in a group lasts until it is ended; what it lasts too long is the operation's lateness, and no response time. */
  #noteWaking({ place, grouped }: FunctionUser): void {
    if (grouped?.frame === undefined) return;
    const lateMs = Math.max(0, this.#ground.now() - this.#ground.users.readyMs[place]!);
    grouped.frame.idleMs += lateMs;
    grouped.frame.wokenLateMs = Math.max(grouped.frame.wokenLateMs, lateMs);
  }

  #countPause(user: FunctionUser, inGroup: boolean): void {
    if (user.pausesInGroup !== inGroup) this.#groupsPaused += inGroup ? 1 : -1;
    user.pausesInGroup = inGroup;
  }

  #end(user: FunctionUser): void {
    if (user.over) return;
    const { place, suspended } = user;
    user.end();
    this.#countPause(user, false);
    if (!suspended) this.#awake--;
    // A pause that nobody awaited.
    else this.#ground.wheel.cancel(place);
    this.#iterations[place] = undefined;
    // Numbers are drawn by step, so an iteration without an operation takes one too.
    if (user.operations === 0) this.#ground.users.steps[place]!++;
    if (!this.#ground.stopped) this.#ground.proceed(place, this.#ground.now());
  }

  open(user: FunctionUser, name: string): StepUser | undefined {
    const ground = this.#ground;
    const nowMs = ground.now();
    if (ground.stopped || (!user.fresh && nowMs >= ground.endMs)) {
      this.#leave(user);
      return undefined;
    }
    const { place, fresh } = user;
    const { users } = ground;
    user.fresh = false;
    user.operations++;
    const frame: Frame = {
      dueMs: fresh ? users.dueMs[place]! : nowMs,
      readyMs: fresh ? users.readyMs[place]! : nowMs,
      thinkMs: fresh ? users.thinkMs[place]! : 0,
      idleMs: 0,
      wokenLateMs: 0,
      settled: false,
      tags: user.tags,
    };
    return ground.begin(place, ground.names.find(name), frame);
  }

  suspend(user: FunctionUser, askedMs: number): void {
    const pauseMs = askedMs * this.#pauseRatio;
    const ground = this.#ground;
    const { users, wheel } = ground;
    const { place, grouped } = user;
    const nowMs = ground.now();
    const fromMs = ground.pace === 'due' ? users.dueMs[place]! : nowMs;
    // What has begun is finished after the end, so a pause within a group is.
    const dueMs = grouped === undefined ? ground.presentAt(place, fromMs + pauseMs, pauseMs) : fromMs + pauseMs;
    const readyMs = Math.max(dueMs, nowMs);
    if (ground.stopped || readyMs >= ground.overMs) {
      this.#leave(user);
      return;
    }
    users.dueMs[place] = dueMs;
    users.readyMs[place] = readyMs;
    users.thinkMs[place] = pauseMs;
    if (grouped?.frame !== undefined) grouped.frame.idleMs += readyMs - nowMs;
    this.#countPause(user, grouped !== undefined);
    this.#awake--;
    wheel.schedule(place, Math.ceil(readyMs));
  }

  #leave(user: FunctionUser): void {
    const { place, grouped } = user;
    if (grouped !== undefined) this.#ground.cut(grouped);
    user.finish();
    this.#awake--;
    this.#iterations[place] = undefined;
    if (!this.#ground.stopped) this.#ground.cutShort(place);
  }

  /** Nothing begins any more: who pauses has left, and its group with it. */
  stop(): void {
    for (const [place, user] of this.#iterations.entries()) {
      if (user?.suspended !== true) continue;
      this.#ground.wheel.cancel(place);
      if (user.grouped !== undefined) this.#ground.cut(user.grouped);
      user.finish();
      this.#countPause(user, false);
      this.#iterations[place] = undefined;
    }
  }

  /** Before the run gives up: ends the requests that have their reply, and counts the iterations that wait for nothing known. */
  settle(): void {
    for (const user of this.#iterations) {
      user?.closeSettled();
      if (user?.hangs === true) this.#countHanging(user);
    }
  }

  /** No operation of its own is open, so nothing else would tell of it. */
  #countHanging({ planned }: FunctionUser): void {
    const firstAtMs = this.#ground.now();
    const firstMessage = `an iteration of ${planned.op} had not ended when the drain did, and waited for neither a request nor a pause`;
    this.#ground.books.tally.error(planned.opIndex, neverEnded, () => ({ firstAtMs, firstMessage }));
  }

  /** Forgets all iterations; none of them goes on. */
  abandon(): void {
    for (const [place, user] of this.#iterations.entries()) {
      if (user === undefined) continue;
      // Its group has been counted; the pause in it is no further operation.
      if (user.grouped !== undefined) this.#ground.wheel.cancel(place);
      user.over = true;
    }
    this.#iterations.fill(undefined);
    this.#awake = 0;
    this.#groupsPaused = 0;
  }

  stepOf(user: FunctionUser): number {
    return this.#ground.users.steps[user.place]!;
  }

  onCheck(ok: boolean, name: string, place: CheckPlace | undefined): void {
    this.#ground.onCheck?.(ok, name, place);
  }

  tagged(tags: readonly number[] | undefined, name: string, value: string): readonly number[] {
    return this.#ground.books.tags.add(tags, name, value);
  }

  // What is the same for steps.

  get seed(): number {
    return this.#ground.seed;
  }

  get run(): string {
    return this.#ground.run;
  }

  get shared(): unknown {
    return this.#ground.shared;
  }

  get openly(): boolean {
    return this.#ground.openly;
  }

  get usersTotal(): number {
    return this.#ground.usersTotal;
  }

  close(operation: StepUser): void {
    this.#ground.close(operation);
  }

  blame(operation: StepUser, error: unknown): void {
    this.#ground.blame(operation, error);
  }

  send(operation: StepUser, request: HttpRequest): Promise<HttpReply> {
    return this.#ground.send(operation, request);
  }

  stateOf(user: Rememberer): unknown {
    return this.#ground.stateOf(user);
  }

  setStateOf(user: Rememberer, state: unknown): void {
    this.#ground.setStateOf(user, state);
  }

  dropWrite(operation: StepUser, id: string): void {
    this.#ground.dropWrite(operation, id);
  }
}
