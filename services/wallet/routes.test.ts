import { randomUUID } from 'node:crypto';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { createNodeHost } from '../../ops/core/node-host.ts';
import type { TestDatabase } from '../../tests/database.ts';
import type { Reply, RequestContext, Route } from '../platform/route.ts';
import { createLedgerDatabase, fundWallets } from './fixture.ts';
import { createWalletMetrics } from './metrics.ts';
import { createWalletRoutes } from './routes.ts';
import { createBatchedWalletStore } from './store-batched.ts';

let test: TestDatabase;
let metrics: Registry;
let routes: Route[];
let nextUser = 1;

beforeAll(async () => {
  test = await createLedgerDatabase(100);
  metrics = new Registry();
  routes = createWalletRoutes(createBatchedWalletStore(createNodeHost(), test.db), createWalletMetrics(metrics));
});
afterAll(() => test[Symbol.asyncDispose]());

/** Calls a route as the platform does once the input has passed its schemas, and holds the reply against its own. */
async function call(operationId: string, userId: number, input: { query?: unknown; body?: unknown; writeId?: string } = {}): Promise<{ status: number; headers: object; body: unknown }> {
  const route = routes.find((one) => one.operationId === operationId);
  if (route === undefined) throw new Error(`no route ${operationId}`);
  const context: RequestContext<unknown, unknown, unknown> = {
    userId, role: 'user', params: undefined, query: route.query?.parse(input.query ?? {}), body: route.body?.parse(input.body),
    headers: {}, rawBody: undefined, writeId: input.writeId ?? '', correlationId: 'test', clientAddress: '127.0.0.1', signal: new AbortController().signal,
  };
  const reply: Reply = await route.handle(context);
  const body = 'body' in reply ? reply.body : undefined;
  (route.responses[reply.status] as z.ZodType).parse(body);
  return { status: reply.status, headers: reply.headers ?? {}, body };
}

const give = (payer: number, body: object, writeId: string = randomUUID()): ReturnType<typeof call> => call('createTransfer', payer, { body, writeId });

async function fundedPair(tokens: number): Promise<[number, number]> {
  const pair: [number, number] = [nextUser++, nextUser++];
  await fundWallets(test, [pair[0]], tokens);
  return pair;
}

async function metric(name: string, labels: Record<string, string>): Promise<number | undefined> {
  const found = await metrics.getSingleMetric(name)?.get();
  return found?.values.find((value) => Object.entries(labels).every(([label, wanted]) => value.labels[label] === wanted))?.value;
}

describe('POST /wallet/transfers', () => {
  it('moves tokens with the split of its kind and counts what the creator earned', async () => {
    const [payer, payee] = await fundedPair(100);
    const reply = await give(payer, { toUserId: payee, amount: 51, kind: 'gift' });
    expect(reply).toMatchObject({ status: 201, body: { fromUserId: payer, toUserId: payee, amount: 51, platformShare: 10, creatorShare: 41 } });
    expect((await call('getWallet', payer)).body).toEqual({ userId: payer, balance: 49 });
    expect((await call('getWallet', payee)).body).toEqual({ userId: payee, balance: 41 });
    expect(await metric('creator_revenue_tokens_total', { kind: 'gift' })).toBe(41);
  });

  it('answers the same transfer to a retry, and 409 to its key with another transfer', async () => {
    const [payer, payee] = await fundedPair(100);
    const key = randomUUID();
    const body = { toUserId: payee, amount: 10, kind: 'tip' };
    const first = await give(payer, body, key);
    expect(await give(payer, body, key)).toEqual({ ...first, headers: { 'idempotent-replayed': 'true' } });
    await expect(give(payer, { ...body, amount: 11 }, key)).rejects.toMatchObject({ status: 409, code: 'idempotency_key_reused' });
    expect((await call('getWallet', payer)).body).toMatchObject({ balance: 90 });
  });

  it('refuses with a clear problem and counts why', async () => {
    const [payer, payee] = await fundedPair(5);
    await expect(give(payer, { toUserId: payee, amount: 6, kind: 'live' })).rejects.toMatchObject({ status: 402, code: 'insufficient_tokens' });
    await expect(give(payer, { toUserId: payer, amount: 1, kind: 'live' })).rejects.toMatchObject({ status: 400, code: 'self_transfer' });
    await expect(give(payer, { toUserId: 8_000_000_000, amount: 1, kind: 'live' })).rejects.toMatchObject({ status: 404, code: 'unknown_recipient' });
    for (const reason of ['insufficient', 'self_transfer', 'unknown_recipient']) {
      expect(await metric('wallet_failures_total', { kind: 'live', reason })).toBe(1);
    }
    expect((await call('getWallet', payer)).body).toMatchObject({ balance: 5 });
  });

  it.each([
    { amount: 0 }, { amount: -1 }, { amount: 1_000_001 }, { amount: 1.5 }, { amount: '5' }, { kind: 'chat' },
    { toUserId: 0 }, { toUserId: 9_000_000_000_000_000 }, { note: 'hi' },
  ])('does not let %o through its schema', async (wrong) => {
    const [payer, payee] = [1, 2];
    await expect(give(payer, { toUserId: payee, amount: 5, kind: 'tip', ...wrong })).rejects.toMatchObject({ name: 'ZodError' });
  });
});

describe('GET /wallet/history', () => {
  it('pages with its cursor to the end', async () => {
    const [payer, payee] = await fundedPair(100);
    for (const amount of [1, 2, 3]) await give(payer, { toUserId: payee, amount, kind: 'tip' });
    const amounts: number[] = [];
    let cursor: string | null = null;
    do {
      const query = cursor === null ? { limit: '2' } : { limit: '2', cursor };
      const page = (await call('listWalletHistory', payer, { query })).body as { items: { amount: number }[]; nextCursor: string | null };
      amounts.push(...page.items.map((item) => item.amount));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(amounts).toEqual([-3, -2, -1, 100]);
  });
});

describe('GET /ledger/audit', () => {
  it('balances after all of this, for admins only', async () => {
    expect((await call('auditLedger', 0)).body).toMatchObject({ balanced: true });
    expect(routes.find((route) => route.operationId === 'auditLedger')?.auth).toBe('admin');
  });
});
