import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import { defaultControl } from '../mocks/ai/control.ts';
import { MockAi } from '../mocks/ai/server.ts';
import type { Domain } from '../platform/domain.ts';
import type { Reply, RequestContext } from '../platform/route.ts';
import { createAi } from './domain.ts';
import { createHttpAiProvider } from './provider-http.ts';
import { dailyTokensMax } from './rules.ts';
import type { CompanionMessage } from './schemas.ts';

const host = createNodeHost();
const mock = new MockAi(host);
const server = mock.createServer();
const metrics = new Registry();
let database: TestDatabase;
let ai: Domain;
let url: string;

beforeAll(async () => {
  database = await createTestDatabase();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  ai = createAi({ host, db: database.db, log: pino({ level: 'silent' }), metrics }, { providerUrl: url });
});
afterAll(async () => {
  await ai.close?.();
  server.closeAllConnections();
  server.close();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => {
  mock.control = { ...defaultControl, latencyMs: 0, tokensPerS: 1_000_000 };
});

type Context = RequestContext<unknown, unknown, unknown>;
const call = async (operationId: string, context: Partial<Context>): Promise<Reply> => {
  const found = ai.routes.find((route) => route.operationId === operationId);
  if (found === undefined) throw new Error(`no operation ${operationId}`);
  return await found.handle({
    userId: 1, role: 'user', params: undefined, query: undefined, body: undefined, headers: {}, rawBody: undefined, writeId: '',
    correlationId: 'c', clientAddress: '127.0.0.1', signal: new AbortController().signal, ...context,
  });
};
const sendText = (userId: number, text: string, extra: Partial<Context> = {}): Promise<Reply> =>
  call('sendCompanionMessage', { userId, params: { companionId: 1 }, body: { text }, writeId: randomUUID(), ...extra });
const bodyOf = (reply: Reply): CompanionMessage => (reply as { body: CompanionMessage }).body;
const completions = async (): Promise<number> => Number(/mock_ai_completions_total (\d+)/.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);
const counted = async (name: string): Promise<number> =>
  ((await metrics.getSingleMetric(name)?.get())?.values ?? []).reduce((sum, { value }) => sum + value, 0);

test('a message is answered and stored; a retry gets the same reply without asking the model', async () => {
  const writeId = randomUUID();
  const first = await sendText(21, 'hello there', { writeId });
  expect(first.status).toBe(201);
  expect(bodyOf(first).reply.length).toBeGreaterThan(5);
  expect(bodyOf(first).tokens.completion).toBeGreaterThan(0);
  const asked = await completions();
  expect(await sendText(21, 'hello there', { writeId })).toEqual({ ...first, headers: { 'idempotent-replayed': 'true' } });
  expect(await completions()).toBe(asked);
  const usage = (await call('readAiUsage', { userId: 21 })) as { body: { usedToday: number; items: { requests: number }[] } };
  expect(usage.body.usedToday).toBe(bodyOf(first).tokens.prompt + bodyOf(first).tokens.completion);
  expect(usage.body.items).toMatchObject([{ requests: 1, model: 'companion-small' }]);
});

test('two tries at once ask the model once', async () => {
  mock.control.latencyMs = 20;
  const writeId = randomUUID();
  const asked = await completions();
  const [one, two] = await Promise.all([sendText(22, 'twice', { writeId }), sendText(22, 'twice', { writeId })]);
  expect(bodyOf(one)).toEqual(bodyOf(two));
  expect([one, two].map((reply) => reply.headers?.['idempotent-replayed'])).toEqual([undefined, 'true']);
  expect(await completions()).toBe(asked + 1);
});

test('a key used for another text is refused', async () => {
  const writeId = randomUUID();
  await sendText(23, 'one', { writeId });
  await expect(sendText(23, 'two', { writeId })).rejects.toMatchObject({ status: 409, code: 'idempotency_key_reused' });
});

test('streams deltas that join to the stored reply, and replays it', async () => {
  const writeId = randomUUID();
  const read = async (isReplayed: boolean): Promise<{ deltas: string; done: CompanionMessage }> => {
    const reply = await sendText(24, 'stream it', { writeId, headers: { accept: 'text/event-stream' } });
    expect(reply.headers?.['idempotent-replayed']).toBe(isReplayed ? 'true' : undefined);
    const out = new PassThrough();
    const text = out.setEncoding('utf8').toArray();
    await (reply as { stream: (out: PassThrough) => Promise<void> }).stream(out);
    out.end();
    const events = (await text).join('').trim().split('\n\n').map((event) => event.split('\ndata: '));
    const of = (name: string): unknown[] => events.filter(([head]) => head === `event: ${name}`).map(([, data]) => JSON.parse(data as string));
    return { deltas: (of('delta') as { text: string }[]).map((delta) => delta.text).join(''), done: of('done')[0] as CompanionMessage };
  };
  const first = await read(false);
  expect(first.deltas).toBe(first.done.reply);
  expect(first.done.tokens.completion).toBeGreaterThan(0);
  expect(await read(true)).toEqual(first);
  expect(bodyOf(await sendText(24, 'stream it', { writeId }))).toEqual(first.done);
});

test('a stream whose reader leaves counts its tokens, as cancelled and not as a failure', async () => {
  mock.control.tokensPerS = 20;
  const gone = new AbortController();
  const reply = await sendText(28, 'tell me a long story', { headers: { accept: 'text/event-stream' }, signal: gone.signal });
  const out = new PassThrough();
  out.once('data', () => {
    // As the server does it: the response closes, and with it the request's signal aborts.
    gone.abort();
    out.destroy();
  });
  await (reply as { stream: (out: PassThrough) => Promise<void> }).stream(out);
  const usage = (await call('readAiUsage', { userId: 28 })) as { body: { usedToday: number; items: { requests: number; completionTokens: number; promptTokens: number }[] } };
  expect(usage.body.items).toMatchObject([{ requests: 1 }]);
  expect(usage.body.items[0]?.completionTokens).toBeGreaterThan(0);
  expect(usage.body.items[0]?.promptTokens).toBeGreaterThan(5);
  expect(await database.db.query({ name: 't_none', text: 'select 1 from ai_messages where user_id = 28' })).toEqual([]);
  const series = (await metrics.metrics()).split('\n').filter((line) => line.startsWith('ai_') && line.includes('_count{'));
  expect(series.filter((line) => line.includes('outcome="cancelled"')).map((line) => line.split(' ').at(-1))).toEqual(['1']);
  expect(series.filter((line) => line.includes('outcome="error"') && !line.endsWith(' 0'))).toEqual([]);
});

test('a plain message neither asks for the signal nor loses its reply', async () => {
  const context = { get signal(): AbortSignal { throw new Error('the signal was made'); } };
  const found = ai.routes.find((route) => route.operationId === 'sendCompanionMessage');
  const request = Object.assign(Object.create(context) as Context, { userId: 29, params: { companionId: 1 }, body: { text: 'hi' }, headers: {}, writeId: randomUUID() });
  expect(await found?.handle(request)).toMatchObject({ status: 201 });
});

test('blocked content is refused, plain and streamed, and leaves nothing', async () => {
  await expect(sendText(25, 'build a bomb')).rejects.toMatchObject({ status: 422, code: 'content_blocked', extra: { categories: ['violence'] } });
  await expect(sendText(25, 'build a bomb', { headers: { accept: 'text/event-stream' } })).rejects.toMatchObject({ status: 422 });
  expect(await database.db.query({ name: 't_left', text: 'select 1 from ai_messages where user_id = 25' })).toEqual([]);
});

test('a moderation without a verdict is counted and shows no reply', async () => {
  mock.control.moderationFailRatio = 1;
  const before = await counted('moderation_failures_total');
  await expect(sendText(26, 'hello')).rejects.toMatchObject({ status: 503, code: 'moderation_unavailable' });
  await expect(call('moderate', { body: { text: 'hello' } })).rejects.toMatchObject({ status: 502 });
  expect(await counted('moderation_failures_total')).toBe(before + 2);
  mock.control.moderationFailRatio = 0;
  expect(await call('moderate', { body: { text: 'a murder' } })).toMatchObject({ body: { flagged: true, categories: ['violence'] } });
});

test('the daily budget refuses the next message', async () => {
  await database.db.query({ name: 't_spend', text: `insert into ai_usage values (27, (now() at time zone 'utc')::date, 'companion-small', 1, $1, 0)` }, [dailyTokensMax]);
  await expect(sendText(27, 'more')).rejects.toMatchObject({ status: 429, code: 'ai_budget_exhausted' });
});

test('a failing provider gives 502, then the breaker 503 without a call, and recovers', async () => {
  const provider = createHttpAiProvider(host, { url, breaker: { callsMin: 3, openMs: 30 } });
  const request = { model: 'm', system: 's', prompt: 'p', tokensMax: 10, signal: new AbortController().signal };
  mock.control.failRatio = 1;
  for (let tries = 0; tries < 3; tries++) await expect(provider.complete(request)).rejects.toMatchObject({ status: 502 });
  const asked = await completions();
  await expect(provider.complete(request)).rejects.toMatchObject({ status: 503, code: 'ai_unavailable' });
  expect(await completions()).toBe(asked);
  mock.control.failRatio = 0;
  await expect.poll(() => provider.complete(request).then((done) => done.text.length > 0, () => false)).toBe(true);
  provider.close();
});

test('a slow provider times out, a full one is not asked, an unreachable one is 502', async () => {
  const signal = new AbortController().signal;
  const provider = createHttpAiProvider(host, { url, timeoutMs: 30, callsMax: 1 });
  mock.control.latencyMs = 5_000;
  const slow = expect(provider.moderate('x', signal)).rejects.toMatchObject({ status: 502, code: 'ai_provider_timeout' });
  await expect(provider.moderate('x', signal)).rejects.toMatchObject({ status: 503, code: 'overloaded' });
  await slow;
  provider.close();
  const gone = createHttpAiProvider(host, { url: 'http://127.0.0.1:1' });
  await expect(gone.moderate('x', signal)).rejects.toMatchObject({ status: 502, code: 'ai_provider_failed' });
});

test('a stream nobody reads ends at the timeout and frees its place', async () => {
  const signal = new AbortController().signal;
  const provider = createHttpAiProvider(host, { url, timeoutMs: 50, callsMax: 1 });
  mock.control.tokensPerS = 1;
  await provider.stream({ model: 'm', system: 's', prompt: 'p', tokensMax: 50, signal });
  await expect(provider.moderate('x', signal)).rejects.toMatchObject({ status: 503 });
  await expect.poll(() => provider.moderate('x', signal).then(() => true, () => false)).toBe(true);
  provider.close();
});
