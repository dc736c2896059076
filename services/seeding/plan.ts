import { invalidConfig } from '../../ops/core/error.ts';

/** Grows when the same seed begins to give other data; part of a template's name. */
export const seederVersion = 1;
/** Password of every seeded account. */
export const seededPassword = 'correct horse battery staple';
/** Authors with more followers are not fanned out; the feed's own default. */
export const largeFollowersMin = 10_000;
/** Every time in the data is at or before this: 2026-01-01T00:00:00Z. */
export const baseMs = Date.UTC(2026, 0, 1);

export const usersMax = 5_000_000;

export interface SeedOptions {
  /** Accounts, with ids 1 to `users`; the admin is the one after. */
  readonly users: number;
  readonly seed: number;
  /** Default 10 a user, at most 1,000,000. */
  readonly posts?: number | undefined;
  /** Accounts a user follows on average. Default 20, less when that made more than 8,000,000 follows. */
  readonly following?: number | undefined;
  /** Rows of each home timeline at most. Default 64, less when that made more than 16,000,000 rows. */
  readonly timeline?: number | undefined;
  /** Tokens in each wallet. Default 10,000. */
  readonly tokens?: number | undefined;
}

/** Everything that decides what the data is. */
export interface SeedPlan {
  readonly users: number;
  readonly seed: number;
  readonly posts: number;
  readonly following: number;
  readonly timeline: number;
  readonly tokens: number;
  readonly adminId: number;
  readonly conversations: number;
}

/** @throws SoraError `invalid_config` for a number out of its range */
export function planSeed(options: SeedOptions): SeedPlan {
  const users = within('users', options.users, 1, usersMax);
  const perUser = (wanted: number, totalMax: number): number => Math.max(1, Math.min(wanted, Math.floor(totalMax / users)));
  return {
    users,
    seed: within('seed', options.seed, 0, Number.MAX_SAFE_INTEGER),
    posts: within('posts', options.posts ?? Math.min(users * 10, 1_000_000), 1, 50_000_000),
    following: within('following', options.following ?? perUser(20, 8_000_000), 0, 200),
    timeline: within('timeline', options.timeline ?? perUser(64, 16_000_000), 1, 800),
    tokens: within('tokens', options.tokens ?? 10_000, 1, 1_000_000_000),
    adminId: users + 1,
    conversations: pairOffsets(users).length * users,
  };
}

function within(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalidConfig(`--${name} is ${value}, which is not a whole number from ${min} to ${max}`, `give --${name} within these limits`);
}

/**
 * Who talks to whom: for the k-th offset d, conversation k × users + u joins user u and the user d
 * further on, counted in a ring. An offset that would join a pair twice is left out (few users).
 */
export function pairOffsets(users: number): readonly number[] {
  return [1, 3].filter((offset) => 2 * offset < users);
}

/** The two members of a conversation; `first` began it. */
export function membersOf(users: number, conversationId: number): { first: number; second: number } {
  const offset = pairOffsets(users)[Math.floor((conversationId - 1) / users)] ?? 0;
  const first = ((conversationId - 1) % users) + 1;
  return { first, second: ((first - 1 + offset) % users) + 1 };
}

/** The conversations of a user with the other member of each. */
export function conversationsOf(users: number, userId: number): { id: number; peerId: number }[] {
  return pairOffsets(users).flatMap((offset, index) => {
    const before = ((userId - 1 - offset + users) % users) + 1;
    const after = ((userId - 1 + offset) % users) + 1;
    return [{ id: index * users + userId, peerId: after }, { id: index * users + before, peerId: before }];
  });
}

/** Messages each member has sent: 1 to 4, all free. Where it is 4, the next one costs. */
export function sentByEach(conversationId: number): number {
  return 1 + (conversationId % 4);
}

/** Messages in conversations 1 to `count`. */
export function messagesUpTo(count: number): number {
  let total = 0;
  for (let id = Math.floor(count / 4) * 4 + 1; id <= count; id++) total += 2 * sentByEach(id);
  // Four in a row have 1, 2, 3 and 4 from each side: 20 messages.
  return total + Math.floor(count / 4) * 20;
}
