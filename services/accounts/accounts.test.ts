import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import type { Queryable } from '../platform/database.ts';
import { conflict } from '../platform/problem.ts';
import type { RequestContext, Route } from '../platform/route.ts';
import { createAccounts } from './domain.ts';
import { Bounded, hashPassword, verifyPassword } from './password.ts';
import { createTokens } from './token.ts';

const host = createNodeHost();
const tokens = createTokens({ clock: host.clock, secret: 'a secret of at least thirty-two characters' });
/** A profile port that keeps handles in a table of its own. */
const profiles = {
  async create(tx: Queryable, profile: { userId: number; handle: string }): Promise<void> {
    const rows = await tx.query({ name: 'port', text: 'insert into handles values ($1) on conflict do nothing returning 1' }, [profile.handle]);
    if (rows.length === 0) throw conflict('handle_taken', 'taken');
  },
};
let test: TestDatabase;
let routes: readonly Route[];
beforeAll(async () => {
  test = await createTestDatabase();
  await test.db.query({ name: 'handles', text: 'create table handles (handle text primary key)' });
  const platform = { host, db: test.db, log: pino({ level: 'silent' }), metrics: new Registry() };
  ({ routes } = createAccounts(platform, { tokens, profiles, adminSecret: 'an admin secret', loginsPerMinute: 1, accountLoginsPerMinute: 20 }));
});
afterAll(() => test[Symbol.asyncDispose]());

interface Session { userId: number; accessToken: string; refreshToken: string }
async function call<Body = Session>(operationId: string, body: unknown, context: Partial<RequestContext<unknown, unknown, unknown>> = {}): Promise<Body> {
  const route = routes.find((each) => each.operationId === operationId) as Route;
  const request = { body: route.body?.parse(body), headers: {}, clientAddress: '127.0.0.1', ...context };
  const reply = await route.handle(request as RequestContext<unknown, unknown, unknown>);
  return ('body' in reply ? reply.body : undefined) as Body;
}
const person = (name: string) => ({ email: `${name}@example.org`, password: 'correct horse', handle: name, displayName: name });
const unauthorized = (code: string) => ({ status: 401, code });

describe('accounts', () => {
  it('registers once an e-mail, whatever its case and space, and logs in', async () => {
    const made = await call('register', { ...person('ann'), email: '  Ann@Example.ORG ' });
    expect(tokens.verify(made.accessToken)).toMatchObject({ userId: made.userId, role: 'user' });
    await expect(call('register', { ...person('ann2'), email: 'ANN@example.org' })).rejects.toMatchObject({ status: 409, code: 'email_taken' });
    expect((await call('login', { email: 'aNN@example.org', password: 'correct horse' })).userId).toBe(made.userId);
  });

  it('leaves no account where the profile cannot be made', async () => {
    await call('register', person('bob'));
    await expect(call('register', { ...person('bob'), email: 'other@example.org' })).rejects.toMatchObject({ code: 'handle_taken' });
    expect(await test.db.query({ name: 'none', text: "select 1 from accounts where email = 'other@example.org'" })).toEqual([]);
  });

  it('answers an unknown e-mail and a wrong password alike', async () => {
    await expect(call('login', { email: 'nobody@example.org', password: 'x' })).rejects.toMatchObject(unauthorized('bad_credentials'));
    await expect(call('login', { email: 'bob@example.org', password: 'x' })).rejects.toMatchObject(unauthorized('bad_credentials'));
  });

  it('limits logins by address and account together', async () => {
    const attempt = (clientAddress: string) => call('login', { email: 'victim@example.org', password: 'x' }, { clientAddress }).catch((error: { status: number }) => error.status);
    const statuses: unknown[] = [];
    for (let turn = 0; turn < 11; turn++) statuses.push(await attempt('203.0.113.1'));
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
    expect(await attempt('203.0.113.2')).toBe(401);
  });

  it('limits logins to one account over all addresses', async () => {
    const attempt = (clientAddress: string) => call('login', { email: 'spread@example.org', password: 'x' }, { clientAddress }).catch((error: { status: number }) => error.status);
    const statuses = await Promise.all(Array.from({ length: 21 }, (_, index) => attempt(`203.0.113.${index}`)));
    expect(statuses.filter((status) => status === 429)).toHaveLength(1);
  });

  it('refuses a name that the database cannot hold', async () => {
    const route = routes.find((each) => each.operationId === 'register');
    expect(route?.body?.safeParse({ ...person('nul'), displayName: 'a\0b' }).success).toBe(false);
    expect(route?.body?.safeParse(person('nul')).success).toBe(true);
  });

  it('rotates refresh tokens; reuse ends the session for the thief and the owner', async () => {
    const first = await call('register', person('cleo'));
    const second = await call('refresh', { refreshToken: first.refreshToken });
    const third = await call('refresh', { refreshToken: second.refreshToken });
    expect(third.userId).toBe(first.userId);
    await expect(call('refresh', { refreshToken: first.refreshToken })).rejects.toMatchObject(unauthorized('refresh_reused'));
    await expect(call('refresh', { refreshToken: third.refreshToken })).rejects.toMatchObject(unauthorized('refresh_revoked'));
  });

  it('lets only one of many simultaneous uses of a token win', async () => {
    const { refreshToken } = await call('register', person('dora'));
    const settled = await Promise.allSettled(Array.from({ length: 6 }, () => call('refresh', { refreshToken })));
    expect(settled.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
  });

  it('ends the session at logout, and only that one', async () => {
    const one = await call('register', person('eve'));
    const two = await call('login', { email: 'eve@example.org', password: 'correct horse' });
    await call('logout', { refreshToken: one.refreshToken });
    await expect(call('refresh', { refreshToken: one.refreshToken })).rejects.toMatchObject(unauthorized('refresh_revoked'));
    expect((await call('refresh', { refreshToken: two.refreshToken })).userId).toBe(one.userId);
  });

  it('refuses expired and unknown refresh tokens', async () => {
    const { refreshToken } = await call('register', person('finn'));
    await test.db.query({ name: 'age', text: "update account_refresh_tokens set expires_at = now() - interval '1 s'" });
    await expect(call('refresh', { refreshToken })).rejects.toMatchObject(unauthorized('refresh_expired'));
    await expect(call('refresh', { refreshToken: 'x'.repeat(43) })).rejects.toMatchObject(unauthorized('refresh_unknown'));
  });

  it('issues sessions of seeded accounts in bulk to direct loopback callers with the secret', async () => {
    const headers = { authorization: 'Bearer an admin secret' };
    const own = await call('register', person('gil'));
    expect(await call('adminSessions', { fromUserId: own.userId, count: 1 }, { headers })).toEqual({ sessions: [] });
    await test.db.query({ name: 'seeds', text: "insert into accounts (email, password_hash, seeded) select 'seed' || n || '@example.org', 'x', true from generate_series(1, 3) n" });
    const { sessions } = await call<{ sessions: Session[] }>('adminSessions', { fromUserId: 1, count: 3, ttlS: 3_600 }, { headers });
    expect(sessions.map((session) => tokens.verify(session.accessToken).userId)).toEqual(sessions.map((session) => session.userId));
    expect(sessions).toHaveLength(3);
    const admin = await call<{ sessions: Session[] }>('adminSessions', { role: 'admin', count: 1 }, { headers });
    expect(tokens.verify(admin.sessions[0]?.accessToken ?? '')).toMatchObject({ userId: 0, role: 'admin' });
    await expect(call('adminSessions', { count: 1 }, { headers: { ...headers, 'x-forwarded-for': '127.0.0.1' } })).rejects.toMatchObject({ code: 'loopback_only' });
    await expect(call('adminSessions', { count: 1 }, { headers, clientAddress: 'unix' })).rejects.toMatchObject({ code: 'loopback_only' });
    await expect(call('adminSessions', { count: 1 }, { headers: { authorization: 'Bearer wrong' } })).rejects.toMatchObject(unauthorized('bad_secret'));
  });

  it('counts accounts and those of the seeder', async () => {
    expect(await call('accountsSummary', undefined)).toEqual({ total: 10, seeded: 3 });
  });
});

describe('passwords', () => {
  it('hashes to the PHC form with a salt of its own and verifies', async () => {
    const hash = await hashPassword(host.random, 'pässword');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await hashPassword(host.random, 'pässword')).not.toBe(hash);
    expect([await verifyPassword(hash, 'pässword'), await verifyPassword(hash, 'other'), await verifyPassword('x', 'x')]).toEqual([true, false, false]);
  });

  it('runs a bounded number at once and refuses beyond the queue', async () => {
    const bounded = new Bounded(2, 1);
    let running = 0;
    const releases: (() => void)[] = [];
    const work = (): Promise<void> => {
      expect(++running).toBeLessThanOrEqual(2);
      return new Promise((resolve) => releases.push(() => { running--; resolve(); }));
    };
    const runs = [bounded.run(work), bounded.run(work), bounded.run(work)];
    await expect(bounded.run(work)).rejects.toMatchObject({ status: 503 });
    releases[0]?.();
    await runs[0];
    await Promise.resolve();
    releases.slice(1).forEach((release) => release());
    await Promise.all(runs);
    expect(releases).toHaveLength(3);
  });
});
