import type { Database, Queryable } from '../platform/database.ts';
import { settleInParts } from '../platform/idempotency.ts';
import { conflict } from '../platform/problem.ts';
import type { Profile, ProfileChange } from './schemas.ts';

/** `replayed`: followed by an earlier try with the same write id; `reused`: the write id has followed another user. */
export type FollowOutcome = 'followed' | 'replayed' | 'unfollowed' | 'unchanged' | 'missing' | 'reused';

export interface FollowChange {
  readonly followerId: number;
  readonly followeeId: number;
  /** True to follow, false to unfollow. */
  readonly wanted: boolean;
  /** Stored with a follow; null for an unfollow, which leaves no row. */
  readonly writeId: string | null;
}

/** What routes see; batching and caching lie behind it with the same results. */
export interface ProfilesStore {
  /** The profile as JSON, ready to send; undefined when there is none. */
  readJson(userId: number): Promise<Buffer | undefined>;
  /** The profile after the change; undefined when there is none. */
  update(userId: number, change: ProfileChange): Promise<Profile | undefined>;
  follow(change: FollowChange): Promise<FollowOutcome>;
}

/** The same by many at once, one round trip a call. */
export interface ProfilesSql {
  /** Those that exist, by id. */
  readMany(userIds: readonly number[]): Promise<Map<number, Profile>>;
  update(userId: number, change: ProfileChange): Promise<Profile | undefined>;
  /** Outcomes in order. Changes of one pair take effect one after the other. */
  settleFollows(changes: readonly FollowChange[]): Promise<FollowOutcome[]>;
}

const columns = `user_id as "userId", handle, display_name as "displayName", bio, chat_price as "chatPrice",
  followers_count as "followersCount", following_count as "followingCount"`;

const sql = {
  readMany: { name: 'profiles_read_many', text: `select ${columns} from profiles where user_id = any($1::bigint[])`, repeatable: true },
  update: {
    name: 'profiles_update',
    text: `update profiles set display_name = coalesce($2, display_name), bio = coalesce($3, bio), chat_price = coalesce($4, chat_price)
           where user_id = $1 returning ${columns}`,
    repeatable: true,
  },
  settle: {
    name: 'profiles_settle_follows',
    text: 'select outcome from profiles_settle_follows($1::bigint[], $2::bigint[], $3::uuid[], $4::boolean[]) order by ord',
  },
  create: {
    name: 'profiles_create',
    text: 'insert into profiles (user_id, handle, display_name) values ($1, $2, $3) on conflict (handle) do nothing returning user_id',
  },
} as const;

/** All SQL of the domain. */
export function createProfilesSql(db: Database): ProfilesSql {
  return {
    async readMany(userIds) {
      const rows = await db.query<Profile>(sql.readMany, [userIds]);
      return new Map(rows.map((row) => [row.userId, row]));
    },
    update: async (userId, change) =>
      (await db.query<Profile>(sql.update, [userId, change.displayName ?? null, change.bio ?? null, change.chatPrice ?? null]))[0],
    settleFollows: (changes) =>
      settleInParts(changes, followKeysOf, async (part) => {
        const rows = await db.query<{ outcome: FollowOutcome }>(sql.settle, [
          part.map((each) => each.followerId),
          part.map((each) => each.followeeId),
          part.map((each) => each.writeId),
          part.map((each) => each.wanted),
        ]);
        return rows.map((row) => row.outcome);
      }),
  };
}

/** What must not repeat within a call: the pair, and the write id of a user. */
export function followKeysOf({ followerId, followeeId, writeId }: FollowChange): string[] {
  const pair = `${followerId} ${followeeId}`;
  return writeId === null ? [pair] : [pair, `${followerId} ${writeId}`];
}

/** The plain path: one statement a call, nothing kept. */
export function createPlainProfilesStore(db: Database): ProfilesStore {
  const many = createProfilesSql(db);
  return {
    async readJson(userId) {
      const profile = (await many.readMany([userId])).get(userId);
      return profile === undefined ? undefined : Buffer.from(JSON.stringify(profile));
    },
    update: (userId, change) => many.update(userId, change),
    follow: async (change) => (await many.settleFollows([change]))[0] ?? 'missing',
  };
}

/** Makes the profile of a new account, in the transaction that makes the account. */
export const profileMaker = {
  async create(tx: Queryable, profile: { userId: number; handle: string; displayName: string }): Promise<void> {
    const [made] = await tx.query<{ user_id: number }>(sql.create, [profile.userId, profile.handle, profile.displayName]);
    if (made === undefined) throw conflict('handle_taken', `the handle ${profile.handle} is taken; choose another`);
  },
};
