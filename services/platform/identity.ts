import type { Role } from './route.ts';

/** Who a valid access token speaks for. */
export interface Identity {
  /** 0 for an admin session that belongs to no account. */
  readonly userId: number;
  readonly role: Role;
  /** Session (refresh family) the token came from. */
  readonly sessionId: string;
  /** End of its validity, in seconds since the Unix epoch. */
  readonly expiresAtS: number;
}

/** Checks access tokens without a database round trip; `accounts` implements it, the api injects it. */
export interface TokenVerifier {
  /** @throws Problem 401 `token_invalid` or `token_expired` */
  verify(token: string): Identity;
}
