import { createHash } from 'node:crypto';
import type { Random } from '../../ops/core/host.ts';
import { conflict, tooManyRequests, unauthorized } from '../platform/problem.ts';
import type { RateLimiter } from '../platform/http/limiter.ts';
import type { Role } from '../platform/route.ts';
import { hashPassword, verifyPassword, type Bounded } from './password.ts';
import type { AccountsStore, NewAccount, ProfileMaker } from './store.ts';
import type { Tokens } from './token.ts';

export interface Session {
  readonly userId: number;
  readonly accessToken: string;
  readonly expiresInS: number;
  readonly refreshToken: string;
}

export interface SessionParts {
  readonly random: Random;
  readonly store: AccountsStore;
  readonly tokens: Tokens;
  readonly profiles: ProfileMaker;
  readonly hashing: Bounded;
  /** By address and account. */
  readonly loginLimiter: RateLimiter<string>;
  /** By account, whatever the address. */
  readonly accountLoginLimiter: RateLimiter<string>;
  readonly refreshTtlS: number;
}

/** Registration, login, rotation and logout. */
export interface Sessions {
  register(account: Omit<NewAccount, 'passwordHash'> & { password: string }): Promise<Session>;
  login(email: string, password: string, clientAddress: string): Promise<Session>;
  refresh(refreshToken: string): Promise<Session>;
  logout(refreshToken: string): Promise<void>;
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

export function createSessions(parts: SessionParts): Sessions {
  const { random, store, tokens } = parts;
  const newRefreshToken = (): string => random.bytes(32).toString('base64url');
  const answer = (userId: number, role: Role, sessionId: string, refreshToken: string): Session => ({
    userId,
    accessToken: tokens.issue({ userId, role, sessionId }),
    expiresInS: tokens.ttlS,
    refreshToken,
  });
  const open = async (userId: number, role: Role): Promise<Session> => {
    const sessionId = random.uuid();
    const refreshToken = newRefreshToken();
    await store.openSession(sessionId, userId, hashOf(refreshToken), parts.refreshTtlS);
    return answer(userId, role, sessionId, refreshToken);
  };
  // Made once, so that an unknown e-mail costs the same check as a known one.
  let decoy: Promise<string> | undefined;

  return {
    async register({ password, ...account }) {
      const passwordHash = await parts.hashing.run(() => hashPassword(random, password));
      const userId = await store.register({ ...account, passwordHash }, parts.profiles);
      if (userId === undefined) throw conflict('email_taken', 'an account with this e-mail exists; log in instead');
      return open(userId, 'user');
    },
    async login(email, password, clientAddress) {
      const waitMs = parts.loginLimiter.spend(`${clientAddress} ${email}`);
      if (waitMs > 0) throw tooManyRequests('too many logins to this account from here', Math.ceil(waitMs / 1_000));
      const accountWaitMs = parts.accountLoginLimiter.spend(email);
      if (accountWaitMs > 0) throw tooManyRequests('too many logins to this account', Math.ceil(accountWaitMs / 1_000));
      const found = await store.credentials(email);
      const hash = found?.passwordHash ?? (await (decoy ??= hashPassword(random, random.uuid())));
      const matches = await parts.hashing.run(() => verifyPassword(hash, password));
      if (found === undefined || !matches) throw unauthorized('bad_credentials', 'e-mail or password is wrong', 'Password');
      return open(found.id, found.role);
    },
    async refresh(refreshToken) {
      const next = newRefreshToken();
      const rotation = await store.rotate(hashOf(refreshToken), hashOf(next), parts.refreshTtlS);
      if (rotation.outcome === 'rotated') return answer(rotation.userId, rotation.role, rotation.sessionId, next);
      const detail = {
        unknown: 'the refresh token is not known',
        expired: 'the refresh token has expired',
        revoked: 'the session has ended',
        reused: 'the refresh token was used before; its session is revoked',
      }[rotation.outcome];
      throw unauthorized(`refresh_${rotation.outcome}`, `${detail}; log in again`, 'Refresh-Token');
    },
    logout: (refreshToken) => store.revoke(hashOf(refreshToken)),
  };
}
