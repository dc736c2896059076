import { invalidConfig } from '../../ops/core/error.ts';

/** One share of the users: `index` of `count`, 0-based. Users are dealt round: i, i + N, i + 2N, … */
export interface Partition {
  readonly index: number;
  readonly count: number;
}

/** All users in one share. */
export const everyone: Partition = { index: 0, count: 1 };

/** @throws SoraError `invalid_config` unless 0 <= index < count */
export function partitionOf(index: number, count: number): Partition {
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(index) || index < 0 || index >= count) {
    throw invalidConfig(`partition ${index} of ${count} does not exist`, 'the index runs from 0 to the count less one');
  }
  return { index, count };
}

/**
 * The part that worker `index` of `count` takes of a share: again users at a regular distance, so workers
 * within shares deal the same users as that many shares would.
 * @throws SoraError `invalid_config` unless 0 <= index < count
 */
export function partWithin(share: Partition, index: number, count: number): Partition {
  const part = partitionOf(index, count);
  return partitionOf(share.index + share.count * part.index, share.count * part.count);
}

/** How many of `users` belong to a share. */
export function shareOf(partition: Partition, users: number): number {
  return Math.max(0, Math.ceil((users - partition.index) / partition.count));
}

/**
 * The arrival after one, of those that fall to a share. Arrival n acts as user n modulo `users`, and falls to the share that
 * this user belongs to: whoever it is, one worker alone acts as it.
 * @param arrival of this share
 * @param users of the whole run; infinite: no user has a second turn
 */
export function arrivalAfter(arrival: number, users: number, { index, count }: Partition): number {
  const user = arrival % users;
  return user + count < users ? arrival + count : arrival - user + users + index;
}

/** The user at a place of a share. */
export function userAt(partition: Partition, place: number): number {
  return partition.index + place * partition.count;
}

/** The place of a user in its share; undefined when the user belongs to another. */
export function placeOf(partition: Partition, user: number): number | undefined {
  const place = (user - partition.index) / partition.count;
  return Number.isSafeInteger(place) && place >= 0 ? place : undefined;
}
