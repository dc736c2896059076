import { jwtVerify, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { createTokens } from './token.ts';

const secret = 'the first secret of at least 32 characters';
const nextSecret = 'the second secret of at least 32 characters';
const identity = { userId: 42, role: 'user', sessionId: 'family-1' } as const;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const headerOf = (token: string): { kid: string } => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string };
const code = (run: () => unknown): unknown => {
  try {
    run();
    return 'accepted';
  } catch (error) {
    return (error as { code: unknown }).code;
  }
};

describe('createTokens', () => {
  const host = createTestHost();
  const tokens = createTokens({ clock: host.clock, secret });
  const kid = headerOf(tokens.issue(identity)).kid;
  const nowS = host.clock.nowMs() / 1_000;
  const claims = { role: 'user', sid: 'family-1' };
  const signed = (header: object, payload: object = claims, expS = nowS + 60): Promise<string> =>
    new SignJWT({ ...payload }).setProtectedHeader({ alg: 'HS256', ...header }).setSubject('42').setIssuedAt(nowS).setExpirationTime(expS).sign(bytes(secret));

  it('makes none that outlive a logout by more than 10 minutes', () => {
    const issued = tokens.issue(identity);
    expect(code(() => createTokens({ clock: { ...host.clock, nowMs: () => nowS * 1_000 + 600_000 }, secret }).verify(issued))).toBe('token_expired');
    expect(code(() => createTokens({ clock: host.clock, secret, ttlS: 595 }))).toBe('accepted');
    expect(code(() => createTokens({ clock: host.clock, secret, ttlS: 596 }))).toBe('invalid_config');
  });

  it('makes tokens that jose verifies', async () => {
    const { payload, protectedHeader } = await jwtVerify(tokens.issue(identity), bytes(secret), { currentDate: new Date(host.clock.nowMs()) });
    expect(payload).toEqual({ sub: '42', role: 'user', sid: 'family-1', iat: nowS, exp: nowS + 590 });
    expect(protectedHeader.alg).toBe('HS256');
  });

  it('verifies tokens that jose makes, first and from memory', async () => {
    const token = await signed({ kid });
    for (const _turn of [1, 2]) expect(tokens.verify(token)).toEqual({ ...identity, expiresAtS: nowS + 60 });
  });

  it('refuses other algorithms, keys, claims and forgeries', async () => {
    const good = tokens.issue(identity);
    const [header, body, signature] = good.split('.') as [string, string, string];
    const none = Buffer.from(JSON.stringify({ alg: 'none', kid })).toString('base64url');
    const other = Buffer.from(JSON.stringify({ ...claims, sub: '1', exp: nowS + 60 })).toString('base64url');
    const refused = [
      '', 'a.b', 'a.b.c', `${none}.${body}.`, `${none}.${body}.${signature}`, `${header}.${other}.${signature}`, `${header}.${body}.`,
      `${header}.${body}.${signature.slice(0, -4)}`, `${good}.x`, 'x'.repeat(5_000),
      await new SignJWT(claims).setProtectedHeader({ alg: 'HS512', kid }).setSubject('42').setExpirationTime(nowS + 60).sign(bytes(secret)),
      await signed({}), await signed({ kid: 'unknown' }), await signed({ kid }, { ...claims, role: 'root' }), await signed({ kid }, { role: 'user' }),
      createTokens({ clock: host.clock, secret: nextSecret }).issue(identity),
      tokens.issue({ ...identity, userId: 0 }),
    ];
    expect(refused.map((token) => code(() => tokens.verify(token)))).toEqual(refused.map(() => 'token_invalid'));
    expect(tokens.verify(tokens.issue({ ...identity, userId: 0, role: 'admin' })).userId).toBe(0);
  });

  it('refuses a token after its end, also one it has verified before', async () => {
    const token = tokens.issue(identity, 30);
    expect(tokens.verify(token).userId).toBe(42);
    await host.advance(36_000);
    expect(code(() => tokens.verify(token))).toBe('token_expired');
  });

  it('signs with the new secret and takes the old one during a rotation', () => {
    const before = tokens.issue(identity);
    const rotating = createTokens({ clock: host.clock, secret: nextSecret, previousSecret: secret });
    expect(rotating.verify(before).userId).toBe(42);
    expect(code(() => tokens.verify(rotating.issue(identity)))).toBe('token_invalid');
    expect(code(() => createTokens({ clock: host.clock, secret: nextSecret }).verify(before))).toBe('token_invalid');
  });

  it('remembers a bounded number and still verifies all', () => {
    const small = createTokens({ clock: host.clock, secret, cacheMax: 3 });
    const all = Array.from({ length: 20 }, (_, index) => small.issue({ ...identity, userId: index + 1 }));
    for (const _turn of [1, 2]) expect(all.map((token) => small.verify(token).userId)).toEqual(all.map((_, index) => index + 1));
  });

  it('refuses a short secret', () => {
    expect(() => createTokens({ clock: host.clock, secret: 'short' })).toThrow('5 characters');
  });
});
