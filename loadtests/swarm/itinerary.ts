import { journeyOf, type Journeys, type PlannedStep } from './journeys.ts';
import { type Partition, userAt } from './partition.ts';
import { draw, drawResidual, KeyedRandom, streams } from './random.ts';
import type { UserTable } from './users.ts';

/**
 * Which step each user takes next, and after what pause: a function of seed, user and step alone,
 * so it is the same whoever runs the user and whatever the server answers.
 */
export class Itinerary {
  readonly #journeys: Journeys;
  readonly #users: UserTable;
  readonly #partition: Partition;
  readonly #random: KeyedRandom;
  readonly #keys: Float64Array | undefined;

  /** @param keys what to draw by in place of the user's index, by place: the numbers of arrivals */
  constructor(journeys: Journeys, users: UserTable, partition: Partition, seed: number, keys?: Float64Array) {
    this.#keys = keys;
    this.#journeys = journeys;
    this.#users = users;
    this.#partition = partition;
    this.#random = new KeyedRandom(seed, 0, 0);
  }

  /** Puts a user at the first step of its first journey; answers what is left of its pause, ms. */
  begin(place: number): number {
    const user = this.keyOf(place);
    this.#choose(place, user, 0);
    return drawResidual(this.stepAt(place).thinkTimeMs, this.#random.rekey(user, 0, streams.arrival));
  }

  /** What a user's numbers are drawn by: its index, or the number of its arrival. */
  keyOf(place: number): number {
    return this.#keys === undefined ? userAt(this.#partition, place) : this.#keys[place]!;
  }

  /** The first step of what an arrival would have done. */
  firstOf(arrival: number): PlannedStep {
    return this.#journeys.steps[journeyOf(this.#journeys, arrival, this.#random.rekey(arrival, 0, streams.journey).float())]![0]!;
  }

  stepAt(place: number): PlannedStep {
    return this.#journeys.steps[this.#users.journey[place]!]![this.#users.position[place]!]!;
  }

  /** Moves a user to its next step, of the same journey or the first of a new one; answers the pause before it, ms. */
  proceed(place: number): number {
    const user = this.keyOf(place);
    const step = this.#users.steps[place]!;
    const position = this.#users.position[place]! + 1;
    if (position < this.#journeys.steps[this.#users.journey[place]!]!.length) this.#users.position[place] = position;
    else this.#choose(place, user, step);
    return draw(this.stepAt(place).thinkTimeMs, this.#random.rekey(user, step, streams.thinkTime));
  }

  /** Whether a user stands at the first step of a journey. */
  atBeginning(place: number): boolean {
    return this.#users.position[place] === 0;
  }

  #choose(place: number, user: number, step: number): void {
    this.#users.journey[place] = journeyOf(this.#journeys, user, this.#random.rekey(user, step, streams.journey).float());
    this.#users.position[place] = 0;
  }
}
