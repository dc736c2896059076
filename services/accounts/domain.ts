import type { Domain, Platform } from '../platform/domain.ts';
import { RateLimiter } from '../platform/http/limiter.ts';
import { Bounded } from './password.ts';
import { createAccountRoutes, createAdminRoutes } from './routes.ts';
import { createSessions } from './sessions.ts';
import { createAccountsStore, type ProfileMaker } from './store.ts';
import type { Tokens } from './token.ts';

export interface AccountsOptions {
  readonly tokens: Tokens;
  readonly profiles: ProfileMaker;
  /** Opens `/admin/sessions`; off when absent. */
  readonly adminSecret?: string;
  /** Default 30 days. */
  readonly refreshTtlS?: number;
  /** Logins a minute by address and account. Default 10, 10 at once. */
  readonly loginsPerMinute?: number;
  /** Logins a minute to one account from all addresses, as many at once. Default 60: guesses spread over addresses end here, and a stranger cannot easily lock the owner out. */
  readonly accountLoginsPerMinute?: number;
}

/** Two hashes at once leave a core to the API; 64 waiting take 1 s. */
const hashesAtOnce = 2;
const hashesWaitingMax = 64;

/** Registration, login and sessions; the admin's bulk sessions. */
export function createAccounts(platform: Platform, options: AccountsOptions): Domain {
  const accountLoginsPerMinute = options.accountLoginsPerMinute ?? 60;
  const store = createAccountsStore(platform.db);
  const sessions = createSessions({
    random: platform.host.random,
    store,
    tokens: options.tokens,
    profiles: options.profiles,
    hashing: new Bounded(hashesAtOnce, hashesWaitingMax),
    loginLimiter: new RateLimiter<string>(platform.host.clock, { pointsPerMinute: options.loginsPerMinute ?? 10, burst: 10, keysMax: 50_000 }),
    accountLoginLimiter: new RateLimiter<string>(platform.host.clock, { pointsPerMinute: accountLoginsPerMinute, burst: accountLoginsPerMinute, keysMax: 50_000 }),
    refreshTtlS: options.refreshTtlS ?? 30 * 86_400,
  });
  return {
    name: 'accounts',
    routes: [...createAccountRoutes(sessions), ...createAdminRoutes(store, options.tokens, options.adminSecret)],
  };
}
