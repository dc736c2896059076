import { invalidConfig } from '../../../ops/core/error.ts';
import { type Partition, placeOf } from '../partition.ts';
import { endOfLoadMs, type RunPlan } from '../plan.ts';
import type { Rememberer } from '../step-user.ts';
import { type Arrivals, RateArrivals, SharedIterations } from './arrival-stream.ts';

/**
 * Hands arrivals to free places. Who acts there is the arrival's affair alone: arrival n is user n modulo all users, so it is
 * the same whatever is free. Those that find none wait as what they are, numbers yet to be drawn, so the queue
 * takes no memory however long it gets; they keep their due time.
 */
export class OpenRoster {
  /** Number of the arrival that a user is at, by place. */
  readonly keys: Float64Array;
  /** A new arrival is a new person: it remembers nothing. */
  readonly forgets: boolean;
  readonly #arrivals: Arrivals;
  readonly #users: number;
  readonly #partition: Partition;
  readonly #freedMs: Float64Array;
  readonly #free: Int32Array;
  readonly #dueWhenFree: boolean;
  readonly #endMs: number;
  #freeCount: number;
  #queued = 0;
  /** Arrivals that have begun, and those of them that paused beyond the end. */
  begun = 0;
  cut = 0;
  /** Of the arrival that `take` answered last. */
  dueMs = 0;
  readyMs = 0;

  /**
   * @param plan its users are those of the whole run
   * @param size places of this share
   * @throws SoraError `invalid_config` when a share has no user to take its arrivals
   */
  constructor(arrivals: Arrivals, kind: 'rate' | 'sessions' | 'iterations', plan: RunPlan, partition: Partition, size: number) {
    this.#endMs = endOfLoadMs(plan);
    if (size === 0) throw invalidConfig('a share of the run has no user to take its arrivals', 'raise usersMax to at least the number of workers and partitions');
    this.keys = new Float64Array(size);
    this.forgets = kind === 'sessions';
    this.#dueWhenFree = kind === 'iterations';
    this.#arrivals = arrivals;
    this.#users = plan.users;
    this.#partition = partition;
    this.#freedMs = new Float64Array(size);
    // The last freed is taken first, so a new place is used only when no other is free.
    this.#free = Int32Array.from({ length: size }, (_, n) => size - 1 - n);
    this.#freeCount = size;
  }

  /** Arrivals that found no free user and began later. */
  get queued(): number {
    return this.#queued;
  }

  /** The user of the whole run that acts at a place. */
  userAt(place: number): number {
    return this.keys[place]! % this.#users;
  }

  /** Where what a user remembers lies: with the user, wherever it acts; a new person's is where it is. */
  memoryOf({ index, place }: Rememberer): number {
    return this.forgets ? place : (placeOf(this.#partition, index) ?? place);
  }

  get exhausted(): boolean {
    return this.#arrivals.dueMs === Number.POSITIVE_INFINITY;
  }

  /** The place of a free user for the next arrival that is due; -1 without either. */
  take(nowMs: number): number {
    if (this.#freeCount === 0 || !(this.#arrivals.dueMs <= nowMs) || (this.#dueWhenFree && nowMs >= this.#endMs)) return -1;
    // The one at the bottom has been free longest, so the arrival waited for no longer than that.
    const freeSinceMs = this.#freedMs[this.#free[0]!]!;
    const place = this.#free[--this.#freeCount]!;
    this.keys[place] = this.#arrivals.index;
    this.dueMs = this.#dueWhenFree ? nowMs : this.#arrivals.dueMs;
    this.readyMs = Math.max(this.dueMs, freeSinceMs);
    if (freeSinceMs > this.dueMs) this.#queued++;
    this.begun++;
    this.#arrivals.advance();
    return place;
  }

  free(place: number, nowMs: number): void {
    this.#freedMs[place] = nowMs;
    this.#free[this.#freeCount++] = place;
  }

  /** Takes every arrival that has begun nowhere; a shared iteration was never due. */
  *drain(): Generator<{ readonly index: number; readonly dueMs: number | undefined }> {
    for (; !this.exhausted; this.#arrivals.advance()) {
      yield { index: this.#arrivals.index, dueMs: this.#dueWhenFree ? undefined : this.#arrivals.dueMs };
    }
  }
}

/** The roster of a plan whose work arrives openly or is shared; undefined for a population. */
export function rosterOf(plan: RunPlan, partition: Partition, size: number): OpenRoster | undefined {
  const { arrival, seed, users } = plan;
  if (arrival === undefined || arrival.kind === 'users') return undefined;
  const { kind } = arrival;
  const arrivals = kind === 'iterations' ? new SharedIterations(arrival.iterations, partition, users) : new RateArrivals(arrival.segments, arrival.spacing, seed, partition, users);
  return new OpenRoster(arrivals, kind, plan, partition, size);
}
