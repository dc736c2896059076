import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import { invalidConfig } from '../../ops/core/error.ts';
import type { Clock } from '../../ops/core/host.ts';
import type { Identity, TokenVerifier } from '../platform/identity.ts';
import { unauthorized } from '../platform/problem.ts';
import type { Role } from '../platform/route.ts';

export interface TokenOptions {
  readonly clock: Clock;
  /** Signs; at least 32 characters. */
  readonly secret: string;
  /** The secret before a rotation: still verified, never used to sign. */
  readonly previousSecret?: string;
  /** Default 590 s, at most `accessTtlMaxS`. */
  readonly ttlS?: number;
  /** Verified tokens remembered at least; memory is bounded by twice as many. Default 150,000. */
  readonly cacheMax?: number;
}

/** Makes and checks access tokens. */
export interface Tokens extends TokenVerifier {
  /** @param ttlS default that of the options */
  issue(identity: { userId: number; role: Role; sessionId: string }, ttlS?: number): string;
  readonly ttlS: number;
}

interface Key {
  readonly id: string;
  readonly key: KeyObject;
  /** The encoded header of tokens made with it. */
  readonly header: string;
}

const secretMinLength = 32;
/** A token of ours has about 250 characters; more is refused before any work. */
const tokenMaxLength = 1_024;
/** Issuing clock and verifying clock may differ by this. */
const leewayS = 5;
/** With the leeway no token of a session outlives its logout by more than 10 minutes. */
export const accessTtlMaxS = 600 - leewayS;
export const accessTtlDefaultS = 590;

/**
 * JWTs signed with HMAC-SHA256 by node:crypto over a KeyObject (3 µs here; jose takes 99). Only
 * HS256 is accepted. A token that was verified once is looked up afterwards, up to its end.
 * @throws SoraError `invalid_config` for a short secret or a long life
 */
export function createTokens(options: TokenOptions): Tokens {
  const { clock, ttlS = accessTtlDefaultS, cacheMax = 150_000 } = options;
  if (ttlS > accessTtlMaxS) throw invalidConfig(`access tokens of ${ttlS} s live too long; at most ${accessTtlMaxS} s are allowed`, 'lower SORA_ACCESS_TTL_S');
  const current = keyOf(options.secret);
  const keys = options.previousSecret === undefined ? [current] : [current, keyOf(options.previousSecret)];
  let young = new Map<string, Identity>();
  let old = new Map<string, Identity>();

  const remember = (token: string, identity: Identity): void => {
    if (young.size >= cacheMax) {
      old = young;
      young = new Map();
    }
    young.set(token, identity);
  };

  return {
    ttlS,
    issue({ userId, role, sessionId }, lifetimeS = ttlS) {
      const iat = Math.floor(clock.nowMs() / 1_000);
      const claims = { sub: String(userId), role, sid: sessionId, iat, exp: iat + lifetimeS };
      const signed = `${current.header}.${encode(JSON.stringify(claims))}`;
      return `${signed}.${signatureOf(current.key, signed).toString('base64url')}`;
    },
    verify(token) {
      const known = young.get(token) ?? old.get(token);
      const identity = known ?? verifyOnce(token, keys);
      if (identity.expiresAtS + leewayS <= clock.nowMs() / 1_000) throw unauthorized('token_expired', 'the access token has expired; refresh it');
      if (known === undefined) remember(token, identity);
      return identity;
    },
  };
}

function keyOf(secret: string): Key {
  if (secret.length < secretMinLength) {
    throw invalidConfig(`a token secret has ${secret.length} characters; at least ${secretMinLength} are needed`, 'set SORA_TOKEN_SECRET to a long random text');
  }
  const key = createSecretKey(Buffer.from(secret, 'utf8'));
  // Derived from the secret, so that processes with the same secrets agree without configuration.
  const id = createHmac('sha256', key).update('key id').digest('base64url').slice(0, 8);
  return { id, key, header: encode(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid: id })) };
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}

function signatureOf(key: KeyObject, signed: string): Buffer {
  return createHmac('sha256', key).update(signed).digest();
}

const invalid = (): Error => unauthorized('token_invalid', 'the access token is not valid');

function verifyOnce(token: string, keys: readonly Key[]): Identity {
  const last = token.lastIndexOf('.');
  const first = token.indexOf('.');
  if (token.length > tokenMaxLength || first <= 0 || last <= first) throw invalid();
  const key = keyFor(token.slice(0, first), keys);
  const signature = Buffer.from(token.slice(last + 1), 'base64url');
  const expected = signatureOf(key.key, token.slice(0, last));
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) throw invalid();
  return identityOf(token.slice(first + 1, last));
}

/** The key a header names; headers of ours are compared as text, others (made by a library) are parsed. */
function keyFor(header: string, keys: readonly Key[]): Key {
  const ours = keys.find((key) => key.header === header);
  if (ours !== undefined) return ours;
  const { alg, kid, crit } = parse(header);
  const named = keys.find((key) => key.id === kid);
  if (alg !== 'HS256' || crit !== undefined || named === undefined) throw invalid();
  return named;
}

function identityOf(encodedClaims: string): Identity {
  const { sub, role, sid, exp } = parse(encodedClaims);
  const userId = Number(sub);
  if (typeof sub !== 'string' || !/^\d{1,16}$/.test(sub) || (role !== 'user' && role !== 'admin')) throw invalid();
  if (typeof sid !== 'string' || typeof exp !== 'number' || (userId === 0 && role !== 'admin')) throw invalid();
  return { userId, role, sessionId: sid, expiresAtS: exp };
}

function parse(encoded: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Not JSON: falls through to the one answer for every malformed token.
  }
  throw invalid();
}
