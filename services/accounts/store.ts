import type { Database, Queryable } from '../platform/database.ts';
import type { Role } from '../platform/route.ts';

export interface Credentials {
  readonly id: number;
  readonly role: Role;
  readonly passwordHash: string;
}

export interface NewAccount {
  readonly email: string;
  readonly passwordHash: string;
  readonly handle: string;
  readonly displayName: string;
}

/** What accounts needs of profiles: to make one in the transaction that makes the account. */
export interface ProfileMaker {
  /** @throws Problem 409 `handle_taken` */
  create(tx: Queryable, profile: { userId: number; handle: string; displayName: string }): Promise<void>;
}

export type Rotation =
  | { readonly outcome: 'rotated'; readonly userId: number; readonly role: Role; readonly sessionId: string }
  | { readonly outcome: 'unknown' | 'expired' | 'revoked' | 'reused' };

export interface AccountsStore {
  /** The new account's id; undefined when the e-mail is taken. */
  register(account: NewAccount, profiles: ProfileMaker): Promise<number | undefined>;
  credentials(email: string): Promise<Credentials | undefined>;
  openSession(sessionId: string, accountId: number, tokenHash: Buffer, ttlS: number): Promise<void>;
  /** Spends a refresh token for a new one; a token spent before revokes its session. */
  rotate(tokenHash: Buffer, nextHash: Buffer, ttlS: number): Promise<Rotation>;
  /** Revokes the session a refresh token belongs to; unknown tokens are fine. */
  revoke(tokenHash: Buffer): Promise<void>;
  /** Ids of the seeder's accounts from `fromId` on, in order. */
  idsFrom(fromId: number, count: number): Promise<number[]>;
  summary(): Promise<{ total: number; seeded: number }>;
}

const sql = {
  insert: {
    name: 'accounts_insert',
    text: 'insert into accounts (email, password_hash) values ($1, $2) on conflict (email) do nothing returning id',
  },
  credentials: {
    name: 'accounts_credentials',
    text: 'select id, role, password_hash as "passwordHash" from accounts where email = $1',
    repeatable: true,
  },
  openSession: {
    name: 'accounts_open_session',
    text: `with session as (insert into account_sessions (id, account_id) values ($1, $2) returning id)
           insert into account_refresh_tokens (token_hash, session_id, expires_at)
           select $3, id, now() + make_interval(secs => $4) from session`,
  },
  lockSession: {
    // Locking the session orders all uses of its tokens, so that two at once cannot both win.
    name: 'accounts_lock_session',
    text: `select s.id as "sessionId", a.id as "userId", a.role, s.revoked_at is not null as revoked
           from account_sessions s join accounts a on a.id = s.account_id
           where s.id = (select session_id from account_refresh_tokens where token_hash = $1) for update of s`,
  },
  token: {
    name: 'accounts_token',
    text: 'select used_at is not null as used, expires_at <= now() as expired from account_refresh_tokens where token_hash = $1',
  },
  spend: {
    name: 'accounts_spend_token',
    text: `with spent as (update account_refresh_tokens set used_at = now() where token_hash = $1 returning session_id)
           insert into account_refresh_tokens (token_hash, session_id, expires_at)
           select $2, session_id, now() + make_interval(secs => $3) from spent`,
  },
  revokeSession: {
    name: 'accounts_revoke_session',
    text: 'update account_sessions set revoked_at = now(), revoked_for = $2 where id = $1 and revoked_at is null',
  },
  logout: {
    name: 'accounts_logout',
    text: `update account_sessions set revoked_at = now(), revoked_for = 'logout'
           where id = (select session_id from account_refresh_tokens where token_hash = $1) and revoked_at is null`,
    repeatable: true,
  },
  idsFrom: { name: 'accounts_ids_from', text: 'select id from accounts where seeded and id >= $1 order by id limit $2', repeatable: true },
  summary: {
    name: 'accounts_summary',
    text: 'select count(*) as total, count(*) filter (where seeded) as seeded from accounts',
    repeatable: true,
  },
} as const;

/** All SQL of the domain. */
export function createAccountsStore(db: Database): AccountsStore {
  return {
    register: (account, profiles) =>
      db.transaction(async (tx) => {
        const [made] = await tx.query<{ id: number }>(sql.insert, [account.email, account.passwordHash]);
        if (made === undefined) return undefined;
        await profiles.create(tx, { userId: made.id, handle: account.handle, displayName: account.displayName });
        return made.id;
      }),
    credentials: async (email) => (await db.query<Credentials>(sql.credentials, [email]))[0],
    openSession: async (sessionId, accountId, tokenHash, ttlS) => {
      await db.query(sql.openSession, [sessionId, accountId, tokenHash, ttlS]);
    },
    rotate: (tokenHash, nextHash, ttlS) => db.transaction((tx) => rotate(tx, tokenHash, nextHash, ttlS)),
    revoke: async (tokenHash) => {
      await db.query(sql.logout, [tokenHash]);
    },
    idsFrom: async (fromId, count) => (await db.query<{ id: number }>(sql.idsFrom, [fromId, count])).map((row) => row.id),
    summary: async () => (await db.query<{ total: number; seeded: number }>(sql.summary))[0] ?? { total: 0, seeded: 0 },
  };
}

async function rotate(tx: Queryable, tokenHash: Buffer, nextHash: Buffer, ttlS: number): Promise<Rotation> {
  const [session] = await tx.query<{ sessionId: string; userId: number; role: Role; revoked: boolean }>(sql.lockSession, [tokenHash]);
  if (session === undefined) return { outcome: 'unknown' };
  if (session.revoked) return { outcome: 'revoked' };
  const [token] = await tx.query<{ used: boolean; expired: boolean }>(sql.token, [tokenHash]);
  if (token === undefined) return { outcome: 'unknown' };
  if (token.used) {
    await tx.query(sql.revokeSession, [session.sessionId, 'reuse']);
    return { outcome: 'reused' };
  }
  if (token.expired) return { outcome: 'expired' };
  await tx.query(sql.spend, [tokenHash, nextHash, ttlS]);
  return { outcome: 'rotated', userId: session.userId, role: session.role, sessionId: session.sessionId };
}
