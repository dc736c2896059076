import { Roster } from '../../ops/core/roster.ts';
import { type OpenRoster, rosterOf } from './arrival/open-roster.ts';
import { Population } from './arrival/population.ts';
import { blame, Books, endsWithItsReply } from './books.ts';
import type { EngineOptions } from './engine-options.ts';
import { Itinerary } from './itinerary.ts';
import { type FunctionGround, FunctionStage } from './journey/function-stage.ts';
import { OperationNames } from './journey/operation-names.ts';
import { type PlannedStep, resolveJourneys } from './journeys.ts';
import { shareOf, userAt } from './partition.ts';
import { endOfLoadMs, phaseOf, type RunPlan } from './plan.ts';
import type { HttpReply, HttpRequest } from './scenario.ts';
import { Sender } from './sender.ts';
import { type CheckPlace, type Frame, type Rememberer, StepUser } from './step-user.ts';
import type { Tally } from './tally.ts';
import { Unsent, whyUnfinished } from './unsent.ts';
import { UserTable } from './users.ts';
import { TimingWheel } from './wheel.ts';
import { WriteLedger } from './write-ledger.ts';

export type { RunPlan } from './plan.ts';

/**
 * Steps that are due at once and begin together. More of them push each other out of the processor's cache: with 1,000
 * connections a request then cost a tenth more.
 */
const togetherMax = 64;
/** Longest usual pause in ms that the schedule's slots cover; longer ones are passed over now and then. */
const wheelSlots = 1 << 17;

/**
 * Runs the journeys of one share of the users. It has no timer: `tick` says what time it is, and
 * starts the steps that are due. A user has at most one step in flight.
 */
export class Engine implements FunctionGround {
  readonly seed: number;
  readonly run: string;
  readonly shared: unknown;
  readonly usersTotal: number;
  readonly writes: WriteLedger;
  readonly users: UserTable;
  readonly wheel: TimingWheel;
  readonly names: OperationNames;
  readonly tally: Tally;
  readonly books: Books;
  readonly pace: RunPlan['pace'];
  readonly endMs: number;
  readonly overMs: number;
  readonly #options: EngineOptions;
  readonly #sender: Sender;
  readonly #unsent: Unsent;
  readonly #itinerary: Itinerary;
  readonly #functions: FunctionStage | undefined;
  readonly #roster: OpenRoster | undefined;
  readonly #population: Population;
  /** Where users that share iterations pause before their next one. */
  readonly #resting: TimingWheel | undefined;
  readonly #running = new Roster<StepUser>();
  /** Users that have not left; where work arrives openly, those at work. */
  #remaining = 0;
  #started = 0;
  #dueNow: number[] = [];
  #stopped = false;

  constructor(options: EngineOptions) {
    const { plan, partition } = options;
    this.#options = options;
    this.seed = plan.seed;
    this.run = plan.run;
    this.shared = options.shared;
    this.usersTotal = plan.users;
    this.pace = plan.pace;
    this.endMs = endOfLoadMs(plan);
    this.overMs = plan.rampMs + plan.holdMs + plan.drainMs;
    const journeys = resolveJourneys(options.scenario, plan.thinkTimeMs, plan.paced);
    this.names = new OperationNames(journeys.ops, options.judged?.operations);
    const size = shareOf(partition, plan.users);
    this.users = new UserTable(size);
    this.writes = new WriteLedger(size, partition);
    this.wheel = new TimingWheel(size, wheelSlots);
    this.books = new Books(this.names.list, this.writes, options.onTraced, options.judged);
    this.tally = this.books.tally;
    this.#sender = new Sender({ ...options, memoryOf: this.memoryOf }, this.books, this.writes);
    this.#roster = rosterOf(plan, partition, size);
    this.#population = new Population(plan);
    this.#resting = plan.arrival?.kind === 'iterations' ? new TimingWheel(size, wheelSlots) : undefined;
    this.#itinerary = new Itinerary(journeys, this.users, partition, plan.seed, this.#roster?.keys);
    this.#functions = journeys.steps.some(([first]) => first?.whole !== undefined) ? new FunctionStage(this, journeys.pauseRatio) : undefined;
    this.#unsent = new Unsent({ plan, itinerary: this.#itinerary, users: this.users, tally: this.tally, openly: this.openly, presentAt: (place, dueMs) => this.presentAt(place, dueMs, 0) });
    if (this.#roster !== undefined) return;
    this.#remaining = size;
    for (let place = 0; place < size; place++) this.#admit(place);
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  get openly(): boolean {
    return this.#roster !== undefined;
  }

  /** Users that have begun a step. */
  get usersStarted(): number {
    return this.#started;
  }

  /** Operations that were due and never sent. */
  get unsent(): number {
    return this.#unsent.total;
  }

  /** What became of arrivals and of shared iterations; undefined for a population. */
  get roster(): Pick<OpenRoster, 'queued' | 'begun' | 'cut'> | undefined {
    return this.#roster;
  }

  /** Steps in flight, and functions that are not pausing. */
  get inFlight(): number {
    return this.#running.size + (this.#functions?.awake ?? 0);
  }

  /** What is in flight and does not merely pause. */
  get acting(): number {
    return this.inFlight - (this.#functions?.groupsPaused ?? 0);
  }

  /** Nothing is due any more and nothing in flight. */
  get finished(): boolean {
    if (this.#stopped) return this.inFlight === 0;
    return this.#remaining === 0 && (this.#roster?.exhausted ?? true);
  }

  /** The work is done, and no time is left to wait for: shared iterations end when the last has. */
  get complete(): boolean {
    return this.finished && this.#options.plan.arrival?.kind === 'iterations';
  }

  now(): number {
    return this.#options.now();
  }

  indexOf(place: number): number {
    return this.#roster?.userAt(place) ?? userAt(this.#options.partition, place);
  }

  keyOf(place: number): number {
    return this.#itinerary.keyOf(place);
  }

  /** Users that have arrived and not left. @param nowMs since the run began */
  usersActive(nowMs: number): number {
    if (this.#roster !== undefined) return this.#stopped ? this.inFlight : this.#remaining + (nowMs < this.endMs ? this.#roster.cut : 0);
    if (nowMs >= this.endMs || this.#stopped) return Math.min(this.#remaining, this.inFlight + this.wheel.size);
    return Math.floor(this.users.size * this.#population.shareAt(nowMs));
  }

  /** Starts what is due; ends the drain when its time is up. @param nowMs since the run began */
  tick(nowMs: number): void {
    if (!this.#stopped) {
      this.wheel.advance(Math.floor(nowMs), this.#begin);
      this.#resting?.advance(Math.floor(nowMs), this.#returnRested);
      if (this.#roster !== undefined) this.#welcome(this.#roster, nowMs);
    }
    // After the end nobody comes back from a pause, so nothing is left to wait for once nobody acts.
    const isOver = nowMs >= this.overMs || (this.#roster !== undefined && nowMs >= this.endMs && this.#remaining === 0);
    if (isOver && !this.finished) this.#giveUp(nowMs);
  }

  /** Begins no further step; those in flight may end. */
  stop(): void {
    this.#stopped = true;
    this.#functions?.stop();
  }

  /** Ends steps in flight as they are, uncounted with their requests: for a run that was interrupted. */
  abandon(): void {
    for (const user of this.#running.list()) user.forget();
    this.#running.clear();
    this.#functions?.abandon();
    this.#stopped = true;
  }

  /** A newcomer's first step comes after what is left of a pause under way, so the rate is steady at once. */
  #admit(place: number): void {
    const residualMs = this.#itinerary.begin(place);
    // The schedule says when the run begins; what is due in its first moment must not begin before, while workers get ready.
    this.#schedule(place, this.#population.arrivalMs(this.indexOf(place)) + residualMs, residualMs, -1);
  }

  /** Gives free users the arrivals that are due. */
  #welcome(roster: OpenRoster, nowMs: number): void {
    for (let place = roster.take(nowMs); place >= 0; place = roster.take(nowMs)) {
      this.#remaining++;
      this.users.steps[place] = 0;
      if (roster.forgets) {
        this.users.setState(place, undefined);
        this.#options.carrier.forget?.(place);
      }
      this.#itinerary.begin(place);
      this.users.dueMs[place] = roster.dueMs;
      this.users.readyMs[place] = roster.readyMs;
      this.users.thinkMs[place] = 0;
      this.#begin(place);
    }
  }

  #schedule(place: number, dueMs: number, thinkMs: number, notBeforeMs: number): void {
    const presentMs = this.presentAt(place, dueMs, thinkMs);
    if (presentMs === Number.POSITIVE_INFINITY) return this.cutShort(place);
    const readyMs = Math.max(presentMs, notBeforeMs);
    this.users.dueMs[place] = presentMs;
    this.users.readyMs[place] = readyMs;
    this.users.thinkMs[place] = thinkMs;
    if (readyMs <= notBeforeMs && this.#options.soon !== undefined) this.#beginSoon(place, this.#options.soon);
    else this.wheel.schedule(place, Math.ceil(readyMs));
  }

  /** Due already: it need not wait for the tick, only for the replies that are there, so that requests leave together. */
  #beginSoon(place: number, soon: (run: () => void) => void): void {
    this.#dueNow.push(place);
    if (this.#dueNow.length === 1) soon(this.#beginDue);
    else if (this.#dueNow.length >= togetherMax) this.#beginDue();
  }

  readonly #beginDue = (): void => {
    if (this.#stopped) return this.#shelveDue();
    const places = this.#dueNow;
    this.#dueNow = [];
    for (const place of places) this.#begin(place);
  };

  /** Gives back to the schedule what was to begin at once. */
  #shelveDue(): void {
    for (const place of this.#dueNow) this.wheel.schedule(place, Math.ceil(this.users.readyMs[place]!));
    this.#dueNow = [];
  }

  presentAt(place: number, dueMs: number, thinkMs: number): number {
    return this.#population.presentAt(this.indexOf(place), dueMs, thinkMs);
  }

  leave(place: number): void {
    this.#remaining--;
    if (this.#roster === undefined) return this.users.retire(place);
    const nowMs = this.now();
    this.#roster.free(place, nowMs);
    if (!this.#stopped) this.#welcome(this.#roster, nowMs);
  }

  /** What comes after its pause is beyond the end. Where work arrives openly it is busy until then, and nobody takes its place. */
  cutShort(place: number): void {
    if (this.#roster === undefined) return this.leave(place);
    this.#remaining--;
    this.#roster.cut++;
  }

  /** Its work is done for now, and it takes the next that is shared once it has paused. */
  #rest(resting: TimingWheel, place: number, untilMs: number): void {
    this.#remaining--;
    resting.schedule(place, Math.ceil(untilMs));
  }

  readonly #returnRested = (place: number): void => this.#roster?.free(place, this.now());

  readonly #begin = (place: number): void => {
    const step = this.users.steps[place]!;
    if (step === 0 && this.users.enter(place)) this.#started++;
    const planned = this.#itinerary.stepAt(place);
    if (planned.whole !== undefined) {
      this.#functions?.act(place, planned);
      return;
    }
    const user = this.begin(place, planned, undefined);
    let running: Promise<void>;
    try {
      running = planned.run(user);
    } catch (error) {
      // A step that is no async function; it ends like one that rejects.
      running = Promise.reject(error as Error);
    }
    running.then(
      () => this.#end(user),
      (error: unknown) => {
        blame(user, error);
        this.#end(user);
      },
    );
  };

  begin(place: number, planned: PlannedStep, frame: Frame | undefined): StepUser {
    const { users } = this;
    const step = users.steps[place]!;
    users.steps[place] = step + 1;
    const index = this.indexOf(place);
    const phase = phaseOf(this.#options.plan, frame === undefined ? users.dueMs[place]! : frame.dueMs);
    const user = new StepUser(this, place, index, step, planned, phase, this.now(), this.keyOf(place), frame);
    if (this.#options.traced?.(index) === true) user.trace = [];
    this.#running.add(user);
    return user;
  }

  blame(operation: StepUser, error: unknown): void {
    blame(operation, error);
  }

  /** Takes one ended step into the books and schedules the next. */
  #end(user: StepUser): void {
    if (user.closed) return;
    this.close(user);
    if (this.#stopped) return;
    const nowMs = this.now();
    this.proceed(user.place, nowMs);
    this.#options.onEnd?.(nowMs);
  }

  proceed(place: number, nowMs: number): void {
    const thinkMs = this.#itinerary.proceed(place);
    if (this.#roster !== undefined && this.#itinerary.atBeginning(place)) {
      if (this.#resting === undefined || thinkMs <= 0) this.leave(place);
      else this.#rest(this.#resting, place, nowMs + thinkMs);
      return;
    }
    // A function may be without any pause, and must not fall due at the same time for ever.
    const closed = this.pace !== 'due' || (thinkMs <= 0 && this.#itinerary.stepAt(place).whole !== undefined);
    this.#schedule(place, (closed ? nowMs : this.users.dueMs[place]!) + thinkMs, thinkMs, nowMs);
  }

  close(user: StepUser): void {
    if (user.closed) return;
    this.#close(user, user.lastByteMs >= 0 && endsWithItsReply(user) ? user.lastByteMs : this.now());
    if (user.failure === undefined) this.users.completed[user.place]!++;
  }

  cut(operation: StepUser): void {
    operation.closed = true;
    this.#running.delete(operation);
    this.books.acknowledge(operation);
  }

  #close(user: StepUser, endMs: number): void {
    user.closed = true;
    this.#running.delete(user);
    this.books.take(user, this.users, endMs);
  }

  /** The drain is over: what is in flight has failed, and so has all that was due and never sent. */
  #giveUp(nowMs: number): void {
    this.#shelveDue();
    this.#functions?.settle();
    for (const user of this.#running.list()) {
      user.countPending(nowMs);
      const reason = whyUnfinished(user, this.#options.plan.drainMs);
      user.fail(reason);
      if (reason.kind === 'unsent') this.#unsent.total++;
      this.#close(user, nowMs);
      this.#unsent.skip(user.place, nowMs);
    }
    this.#functions?.abandon();
    for (let place = 0; place < this.users.size; place++) {
      if (this.users.isRetired(place)) continue;
      this.users.retire(place);
      if (!this.wheel.cancel(place)) continue;
      this.#unsent.count(this.#itinerary.stepAt(place), this.users.dueMs[place]!, nowMs);
      this.users.steps[place]!++;
      this.#unsent.skip(place, nowMs);
    }
    for (const { index, dueMs } of this.#roster?.drain() ?? []) this.#unsent.count(this.#itinerary.firstOf(index), dueMs, nowMs);
    this.#remaining = 0;
  }

  // What a step's user asks for.

  stateOf(user: Rememberer): unknown {
    const { scenario } = this.#options;
    const make = scenario.state === undefined ? undefined : (): unknown => scenario.state?.(user.index, this.shared);
    return this.users.state(this.memoryOf(user), make);
  }

  setStateOf(user: Rememberer, state: unknown): void {
    this.users.setState(this.memoryOf(user), state);
  }

  readonly memoryOf = (user: Rememberer): number => this.#roster?.memoryOf(user) ?? user.place;

  onCheck(ok: boolean, name: string, place: CheckPlace | undefined): void {
    this.books.check(ok, name, place, place?.phase ?? phaseOf(this.#options.plan, this.now()));
  }

  dropWrite(user: StepUser, id: string): void {
    (user.dropped ??= []).push(id);
    if (user.writes !== undefined) user.writes = user.writes.filter((write) => write.id !== id);
  }

  send(user: StepUser, request: HttpRequest): Promise<HttpReply> {
    return this.#sender.send(user, request);
  }
}
