import { createHash, timingSafeEqual } from 'node:crypto';
import { forbidden, notFound, unauthorized } from '../platform/problem.ts';
import { bearerToken } from '../platform/http/endpoint.ts';
import { route, type Route } from '../platform/route.ts';
import { adminSessionsBody, adminSessionsReply, loginBody, refreshBody, registerBody, sessionReply, summaryReply } from './schemas.ts';
import type { Sessions } from './sessions.ts';
import type { AccountsStore } from './store.ts';
import type { Tokens } from './token.ts';

export function createAccountRoutes(sessions: Sessions): Route[] {
  return [
    route({
      method: 'post', path: '/accounts/register', operationId: 'register', summary: 'Create an account and its profile', auth: 'none', cost: 5,
      body: registerBody,
      responses: { 201: sessionReply },
      handle: async ({ body }) => ({ status: 201, body: await sessions.register(body) }),
    }),
    route({
      method: 'post', path: '/accounts/login', operationId: 'login', summary: 'Exchange e-mail and password for tokens', auth: 'none', cost: 5,
      body: loginBody,
      responses: { 200: sessionReply },
      handle: async ({ body, clientAddress }) => ({ status: 200, body: await sessions.login(body.email, body.password, clientAddress) }),
    }),
    route({
      method: 'post', path: '/accounts/refresh', operationId: 'refresh', auth: 'none', cost: 2,
      summary: 'Exchange a refresh token for new tokens; using one twice ends its session',
      body: refreshBody,
      responses: { 200: sessionReply },
      handle: async ({ body }) => ({ status: 200, body: await sessions.refresh(body.refreshToken) }),
    }),
    route({
      method: 'post', path: '/accounts/logout', operationId: 'logout', auth: 'none', cost: 2,
      summary: 'End the session of a refresh token; its access tokens run out within their lifetime',
      body: refreshBody,
      responses: { 204: null },
      handle: async ({ body }) => {
        await sessions.logout(body.refreshToken);
        return { status: 204 };
      },
    }),
  ];
}

const loopback = /^(?:127\.|::1$|::ffff:127\.)/;
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Sessions of seeded accounts in bulk for load tests, and counts of accounts. Off without a secret: the path then
 * answers 404. Only for loopback TCP peers that did not come through a proxy.
 */
export function createAdminRoutes(store: AccountsStore, tokens: Tokens, adminSecret: string | undefined): Route[] {
  const expected = adminSecret === undefined ? undefined : digest(adminSecret);
  return [
    route({
      method: 'post', path: '/admin/sessions', operationId: 'adminSessions', auth: 'none', cost: 0,
      summary: 'Access tokens for many seeded accounts at once; off without a secret, loopback only',
      body: adminSessionsBody,
      responses: { 200: adminSessionsReply },
      async handle({ body, headers, clientAddress }) {
        if (expected === undefined) throw notFound('route_not_found', 'there is nothing at /admin/sessions');
        // Without X-Forwarded-For the client address is the peer's own.
        if (headers['x-forwarded-for'] !== undefined || !loopback.test(clientAddress)) {
          throw forbidden('loopback_only', 'this is answered only to direct connections from this machine');
        }
        if (!timingSafeEqual(digest(bearerToken({ headers })), expected)) throw unauthorized('bad_secret', 'the admin secret is wrong');
        const isLone = body.role === 'admin' && body.fromUserId === 0 && body.count === 1;
        const ids = isLone ? [0] : await store.idsFrom(body.fromUserId, body.count);
        const issue = (userId: number): string => tokens.issue({ userId, role: body.role, sessionId: 'admin' }, body.ttlS);
        return { status: 200, body: { sessions: ids.map((userId) => ({ userId, accessToken: issue(userId) })) } };
      },
    }),
    route({
      method: 'get', path: '/admin/accounts/summary', operationId: 'accountsSummary', summary: 'How many accounts there are, and how many the seeder made',
      auth: 'admin', cost: 0,
      responses: { 200: summaryReply },
      handle: async () => ({ status: 200, body: await store.summary() }),
    }),
  ];
}
