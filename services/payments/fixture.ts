import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import pino from 'pino';
import { Registry } from 'prom-client';
import { tracingOff } from '../../ops/telemetry/tracing.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import type { Domain, Platform } from '../platform/domain.ts';
import { Admission } from '../platform/http/admission.ts';
import { createClientAddress } from '../platform/http/client-address.ts';
import { compileEndpoint } from '../platform/http/endpoint.ts';
import { InFlight } from '../platform/http/in-flight.ts';
import { RateLimiter } from '../platform/http/limiter.ts';
import { createHttpMetrics } from '../platform/http/metrics.ts';
import { createRouter } from '../platform/http/router.ts';
import type { Database } from '../platform/database.ts';
import type { NewIntent } from './store.ts';

export const host = createNodeHost();

/** What a process would hand to a domain, with metrics of its own. */
export function platformOf(db: Database): Platform {
  return { host, db, log: pino({ level: 'silent' }), metrics: new Registry() };
}

/** Users 1 to `users` in a database of the test's own. */
export async function createPaymentsDatabase(users: number): Promise<TestDatabase> {
  const test = await createTestDatabase();
  await test.db.query({ name: 'test_users', text: `insert into accounts (id, email, password_hash)
    select n, 'user' || n || '@example.test', 'none' from generate_series(1, $1::int) n` }, [users]);
  return test;
}

/** Tokens in a user's wallet. */
export async function balanceOf(db: Database, userId: number): Promise<number> {
  const rows = await db.query<{ balance: number }>({ name: 'test_balance', text: 'select balance from wallet_accounts where id = $1' }, [userId]);
  return rows[0]?.balance ?? 0;
}

export function newIntent(userId: number, more: Partial<NewIntent> = {}): NewIntent {
  return { intentId: randomUUID(), userId, writeId: randomUUID(), tokens: 100, priceCents: 499, paymentMethod: 'card_ok', ...more };
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
}

/** Serves a domain's routes over a socket, with the platform's own HTTP layer; the bearer token is the user's id. */
export async function serve(platform: Platform, domain: Domain, port = 0): Promise<TestServer> {
  const admission = new Admission(host);
  const inFlight = new InFlight(host, admission);
  const services = {
    host, log: platform.log, inFlight, tracer: tracingOff,
    metrics: createHttpMetrics(platform.metrics, admission),
    tokens: { verify: (token: string) => ({ userId: Number(token), role: 'user' as const, sessionId: 'test', expiresAtS: 2 ** 40 }) },
    clientAddress: createClientAddress(''),
    userLimiter: new RateLimiter<number>(host.clock, { pointsPerMinute: 1e9 }),
    addressLimiter: new RateLimiter<string>(host.clock, { pointsPerMinute: 1e9 }),
    failureLogLimiter: new RateLimiter<string>(host.clock, { pointsPerMinute: 1e9 }),
    hashUser: String,
    requestTimeoutMs: 10_000, streamTimeoutMs: 10_000, bodyMaxBytes: 65_536, slowMs: 10_000,
  };
  const router = createRouter(domain.routes.map((route) => ({ route, endpoint: compileEndpoint(route, services) })), randomUUID);
  const server = createServer(router);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      admission.close();
      inFlight.close();
      await domain.close?.();
    },
  };
}

/** Asks until the answer is wanted: waits for other processes, whose events no test can listen to. */
export async function until<Value>(ask: () => Promise<Value>, isWanted: (value: Value) => boolean, limitMs = 10_000): Promise<Value> {
  const endMs = host.clock.monotonicMs() + limitMs;
  for (;;) {
    const value = await ask();
    if (isWanted(value)) return value;
    if (host.clock.monotonicMs() > endMs) throw new Error(`after ${limitMs} ms the answer is still ${JSON.stringify(value)}`);
    await host.timers.sleep(10);
  }
}
