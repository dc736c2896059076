import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../../tests/database.ts';
import type { Platform } from '../platform/domain.ts';
import { createPayments } from './domain.ts';
import { balanceOf, createPaymentsDatabase, host, platformOf, serve, until, type TestServer } from './fixture.ts';
import { createPaymentsReconciler } from './reconciler.ts';

const secret = 'webhook secret of the test';
const mockMain = fileURLToPath(new URL('../mocks/payments/main.ts', import.meta.url));
const children = new Set<ChildProcess>();
const folders: string[] = [];

let test: TestDatabase;
let mock: { url: string; child: ChildProcess };
let platform: Platform;
let api: TestServer;
let nextUser = 1;

/** Starts the processor as its own process; resolves once it listens. */
async function startMock(options: { port?: number; stateDir?: string } = {}): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(host.process.execPath, [mockMain], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PORT: String(options.port ?? 0), PAYMENTS_WEBHOOK_SECRET: secret, PAYMENTS_SEED: '7',
      ...(options.stateDir === undefined ? {} : { SORA_STATE_DIR: options.stateDir }),
    },
  });
  children.add(child);
  if (child.stdout === null) throw new Error('the mock has no stdout');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { port } = JSON.parse(line) as { port: number };
  return { url: `http://127.0.0.1:${port}`, child };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Serves payments on a port the webhooks find, which is only known once it listens: a first server finds a free one. */
async function startApi(providerUrl: string, port?: number): Promise<TestServer> {
  platform = platformOf(test.db);
  let chosen = port;
  if (chosen === undefined) {
    const probe = await serve(platformOf(test.db), { name: 'probe', routes: [] });
    chosen = Number(new URL(probe.url).port);
    await probe[Symbol.asyncDispose]();
  }
  const webhookUrl = `http://127.0.0.1:${chosen}/payments/webhook`;
  return serve(platform, createPayments(platform, { providerUrl, webhookSecret: secret, webhookUrl }), chosen);
}

async function control(faults: object): Promise<void> {
  const reply = await request(`${mock.url}/control`, { method: 'POST', body: JSON.stringify(faults) });
  expect(reply.statusCode).toBe(200);
  await reply.body.dump();
}

async function buy(user: number, body: object, key: string = randomUUID()): Promise<{ status: number; body: Record<string, unknown> }> {
  const reply = await request(`${api.url}/payments/intents`, {
    method: 'POST', body: JSON.stringify(body),
    headers: { authorization: `Bearer ${user}`, 'idempotency-key': key, 'content-type': 'application/json' },
  });
  return { status: reply.statusCode, body: (await reply.body.json()) as Record<string, unknown> };
}

const starter = { packageId: 'starter', paymentMethod: 'card_ok' };
const credited = (user: number, tokens: number): Promise<number> => until(() => balanceOf(test.db, user), (balance) => balance === tokens);

async function metric(name: string): Promise<number> {
  const line = (await platform.metrics.metrics()).split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? Number.NaN);
}

async function post(body: string, signature: string | undefined): Promise<number> {
  const reply = await request(`${api.url}/payments/webhook`, {
    method: 'POST', body, headers: { 'content-type': 'application/json', ...(signature === undefined ? {} : { 'payment-signature': signature }) },
  });
  await reply.body.dump();
  return reply.statusCode;
}

function sign(body: string, stampS = Math.floor(host.clock.nowMs() / 1_000)): string {
  return `t=${stampS},v1=${createHmac('sha256', secret).update(`${stampS}.${body}`).digest('hex')}`;
}

beforeAll(async () => {
  test = await createPaymentsDatabase(1_000);
  mock = await startMock();
});
beforeEach(async () => {
  await control({ webhookDelayMs: 0, settleMs: 5, declineRatio: 0, duplicateRatio: 0, outOfOrderRatio: 0, latencyMs: 0, failRatio: 0, dropWebhooks: false });
  api = await startApi(mock.url);
});
afterEach(() => api[Symbol.asyncDispose]());
afterAll(async () => {
  for (const child of children) await kill(child);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  await test[Symbol.asyncDispose]();
});

describe('buying tokens', () => {
  it('answers 201 and credits the wallet when the processor reports', async () => {
    const user = nextUser++;
    const { status, body } = await buy(user, starter);
    expect(status).toBe(201);
    expect(body).toMatchObject({ status: 'pending', tokens: 100, priceCents: 499, currency: 'usd', failureCode: null });
    await credited(user, 100);
    const reply = await request(`${api.url}/payments/intents/${String(body['intentId'])}`, { headers: { authorization: `Bearer ${user}` } });
    expect(await reply.body.json()).toMatchObject({ intentId: body['intentId'], status: 'succeeded' });
    const stranger = await request(`${api.url}/payments/intents/${String(body['intentId'])}`, { headers: { authorization: `Bearer ${user + 1}` } });
    expect(stranger.statusCode).toBe(404);
    await stranger.body.dump();
    expect(await metric('payments_total{outcome="succeeded"}')).toBe(1);
    expect(await metric('payment_webhook_delay_seconds_count')).toBe(1);
  });

  it('answers the same intent to repeats, together and afterwards, and 409 to a key used for something else', async () => {
    const user = nextUser++;
    const key = randomUUID();
    const replies = await Promise.all([buy(user, starter, key), buy(user, starter, key), buy(user, starter, key)]);
    expect(replies.map((reply) => reply.status)).toEqual([201, 201, 201]);
    expect(new Set(replies.map((reply) => reply.body['intentId'])).size).toBe(1);
    await credited(user, 100);
    expect(await buy(user, starter, key)).toMatchObject({ status: 201, body: { status: 'succeeded' } });
    expect(await buy(user, { tokens: 5, paymentMethod: 'card_ok' }, key)).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused' } });
    expect(await balanceOf(test.db, user)).toBe(100);
  });

  it('answers 402 to a declined card, again to a repeat, and credits nothing', async () => {
    const user = nextUser++;
    const key = randomUUID();
    const declinedCard = { tokens: 40, paymentMethod: 'card_declined' };
    const first = await buy(user, declinedCard, key);
    expect(first).toMatchObject({ status: 402, body: { code: 'card_declined', failureCode: 'card_declined' } });
    const again = await buy(user, declinedCard, key);
    expect(again).toMatchObject({ status: 402, body: { intentId: first.body['intentId'] } });
    // The processor's own event about it changes nothing.
    await until(() => metric('payment_webhooks_total{outcome="ignored"}'), (count) => count === 1);
    expect(await balanceOf(test.db, user)).toBe(0);
    expect(await metric('payments_total{outcome="declined"}')).toBe(1);
  });

  it.each<[string, object]>([
    ['neither package nor tokens', { paymentMethod: 'card_ok' }],
    ['both', { ...starter, tokens: 5 }],
    ['no tokens', { tokens: 0, paymentMethod: 'card_ok' }],
    ['too many tokens', { tokens: 100_001, paymentMethod: 'card_ok' }],
    ['a card number', { tokens: 5, paymentMethod: '4242424242424242' }],
    ['an unknown package', { packageId: 'all', paymentMethod: 'card_ok' }],
  ])('refuses %s with 400', async (_, body) => {
    expect((await buy(nextUser++, body)).status).toBe(400);
  });

  it('answers 503 while the processor fails; the repeat charges once, also where the failed try had charged', async () => {
    await control({ failRatio: 1 });
    const users = Array.from({ length: 6 }, () => nextUser++);
    const keys = users.map(() => randomUUID());
    const failed = await Promise.all(users.map((user, index) => buy(user, starter, keys[index])));
    expect(failed.map((reply) => reply.status)).toEqual(users.map(() => 503));
    expect(failed[0]?.body).toMatchObject({ code: 'payment_provider_unavailable', retryAfterS: 1 });
    await control({ failRatio: 0 });
    const repeated = await Promise.all(users.map((user, index) => buy(user, starter, keys[index])));
    expect(repeated.map((reply) => reply.status)).toEqual(users.map(() => 201));
    for (const user of users) await credited(user, 100);
    await until(() => metric('payments_total{outcome="succeeded"}'), (count) => count === 6);
  });
});

describe('events of the processor', () => {
  it('credit once although each is sent twice and late ones of earlier states follow', async () => {
    await control({ duplicateRatio: 1, outOfOrderRatio: 1 });
    const users = Array.from({ length: 10 }, () => nextUser++);
    await Promise.all(users.map((user) => buy(user, starter)));
    // Two events of the end and a late one for each.
    const taken = async (): Promise<number> => (await Promise.all(['applied', 'duplicate', 'ignored'].map((outcome) => metric(`payment_webhooks_total{outcome="${outcome}"}`)))).reduce((sum, count) => sum + count, 0);
    await until(taken, (count) => count === 30);
    // A late failure that overtakes its success is applied too, until the success arrives.
    expect(await metric('payments_total{outcome="succeeded"}')).toBe(10);
    expect(await Promise.all(users.map((user) => balanceOf(test.db, user)))).toEqual(users.map(() => 100));
    const statuses = await test.db.query({ name: 'test_statuses', text: 'select distinct status from payment_intents where user_id = any ($1)' }, [users]);
    expect(statuses).toEqual([{ status: 'succeeded' }]);
  });

  it('are refused unsigned, signed by another, stale, malformed or about nothing of ours', async () => {
    const event = JSON.stringify({ id: 'evt_x', type: 'payment_intent.succeeded', createdMs: 1, data: { id: 'pi_x', reference: randomUUID(), amountCents: 499 } });
    expect(await post(event, undefined)).toBe(401);
    expect(await post(event, sign(`${event} `))).toBe(401);
    expect(await post(event, sign(event, Math.floor(host.clock.nowMs() / 1_000) - 301))).toBe(401);
    expect(await post('{"id":1}', sign('{"id":1}'))).toBe(400);
    expect(await post('no json', sign('no json'))).toBe(400);
    expect(await post(event, sign(event))).toBe(404);
  });

  it('survive a restart of the api between payment and event', async () => {
    await control({ webhookDelayMs: 150 });
    const user = nextUser++;
    expect((await buy(user, starter)).status).toBe(201);
    const port = Number(new URL(api.url).port);
    await api[Symbol.asyncDispose]();
    // The processor finds nobody, and tries again until we are back.
    const retried = async (): Promise<boolean> => /payments_mock_events_total\{outcome="retried"\} [1-9]/.test(await (await request(`${mock.url}/metrics`)).body.text());
    await until(retried, (has) => has);
    expect(await balanceOf(test.db, user)).toBe(0);
    api = await startApi(mock.url, port);
    await credited(user, 100);
  });

  it('survive a kill of the processor, which sends what its journal says it owes', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'sora-payments-'));
    folders.push(stateDir);
    const own = await startMock({ stateDir });
    await request(`${own.url}/control`, { method: 'POST', body: JSON.stringify({ webhookDelayMs: 400 }) }).then((reply) => reply.body.dump());
    await api[Symbol.asyncDispose]();
    api = await startApi(own.url);
    const user = nextUser++;
    expect((await buy(user, starter)).status).toBe(201);
    await kill(own.child);
    expect(await balanceOf(test.db, user)).toBe(0);
    const revived = await startMock({ stateDir, port: Number(new URL(own.url).port) });
    await credited(user, 100);
    await kill(revived.child);
  });
});

describe('the reconciler', () => {
  it('settles purchases whose events were lost, and fails those the processor never heard of', async () => {
    await control({ dropWebhooks: true });
    const [paid, unheard] = [nextUser++, nextUser++];
    await buy(paid, starter);
    const lost = await buy(unheard, starter);
    // As if we had died between recording the purchase and asking the processor.
    const ghost = randomUUID();
    await test.db.query({ name: 'test_ghost', text: `insert into payment_intents (id, user_id, write_id, tokens, price_cents, payment_method)
      values ($1, $2, $1, 100, 499, 'card_ok')` }, [ghost, unheard]);
    expect(lost.status).toBe(201);

    const worker = platformOf(test.db);
    const count = async (series: string): Promise<number> => Number((await worker.metrics.metrics()).split('\n').find((line) => line.startsWith(`${series} `))?.split(' ').at(-1));
    const patient = createPaymentsReconciler(worker, { providerUrl: mock.url, pendingAfterMs: -1_000 });
    const settled = async (): Promise<number> => (await patient.runOnce()).succeeded;
    let succeeded = 0;
    await until(async () => (succeeded += await settled()), (count) => count === 2);
    expect(await balanceOf(test.db, paid)).toBe(100);
    expect(await patient.runOnce()).toEqual({ checked: 1, succeeded: 0, failed: 0, errors: 0 });
    await patient.stop();

    expect([await count('payments_total{outcome="succeeded"}'), await count('payment_delay_seconds_count'), await count('payment_webhook_delay_seconds_count')]).toEqual([2, 2, 2]);

    const strict = createPaymentsReconciler(worker, { providerUrl: mock.url, pendingAfterMs: -1_000, abandonAfterMs: -1_000 });
    expect(await strict.runOnce()).toEqual({ checked: 1, succeeded: 0, failed: 1, errors: 0 });
    await strict.stop();
    expect(await count('payments_total{outcome="failed"}')).toBe(1);
    const reply = await request(`${api.url}/payments/intents/${ghost}`, { headers: { authorization: `Bearer ${unheard}` } });
    expect(await reply.body.json()).toMatchObject({ status: 'failed', failureCode: 'abandoned' });
  });

  it('runs on its interval and keeps on when the processor cannot be reached', async () => {
    await control({ dropWebhooks: true });
    const user = nextUser++;
    await buy(user, starter);
    const deaf = createPaymentsReconciler(platformOf(test.db), { providerUrl: 'http://127.0.0.1:9', pendingAfterMs: -1_000 });
    expect(await deaf.runOnce()).toMatchObject({ checked: 1, errors: 1 });
    await deaf.stop();
    const timed = createPaymentsReconciler(platformOf(test.db), { providerUrl: mock.url, pendingAfterMs: -1_000, intervalMs: 10 });
    timed.start();
    await credited(user, 100);
    await timed.stop();
  });
});
