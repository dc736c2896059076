import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { isRepeatable, withDeduplication, withLimit, withRetries } from './policies.ts';
import type { SdkReply, SdkRequest, SdkTransport } from './transport.ts';

const replyOf = (status: number, headers: Record<string, string> = {}): SdkReply => ({ status, headers, body: Buffer.from('{}'), json: <T>() => ({}) as T });
const read: SdkRequest = { method: 'GET', path: '/feed' };
const key = { 'idempotency-key': 'a' };

/** A transport that answers what the list says, in order, then 200, and keeps when it was asked. */
function scripted(host: ReturnType<typeof createTestHost>, script: readonly (SdkReply | Error)[]): SdkTransport & { readonly askedMs: number[] } {
  const askedMs: number[] = [];
  return {
    askedMs,
    request() {
      const next = script[askedMs.length] ?? replyOf(200);
      askedMs.push(host.clock.monotonicMs());
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
  };
}

/** Lets time pass, and before and after each step all that is ready go on. */
async function pass(host: ReturnType<typeof createTestHost>, durationMs: number): Promise<void> {
  for (let step = 0; step < 20; step++) {
    await new Promise((resolve) => setImmediate(resolve));
    await host.advance(durationMs / 20);
  }
}

describe('withRetries', () => {
  test('repeats refusals and broken connections up to its number of tries', async () => {
    const host = createTestHost();
    const inner = scripted(host, [replyOf(503), new Error('reset'), replyOf(429)]);
    const reply = withRetries(host, inner, { triesMax: 3 }).request(read);
    await pass(host, 10_000);
    expect((await reply).status).toBe(429);
    expect(inner.askedMs).toHaveLength(3);
  });

  test('the last try’s error is the caller’s', async () => {
    const host = createTestHost();
    const inner = scripted(host, [new Error('one'), new Error('two')]);
    const outcome = withRetries(host, inner, { triesMax: 2 }).request(read).catch((error: Error) => error.message);
    await pass(host, 10_000);
    expect(await outcome).toBe('two');
  });

  test('never repeats a POST or PATCH without a key, nor an answer that says why', async () => {
    for (const [request, status] of [[{ method: 'POST', path: '/posts' }, 503], [{ method: 'PATCH', path: '/profiles/me' }, 503], [read, 404], [read, 500]] as const) {
      const host = createTestHost();
      const inner = scripted(host, [replyOf(status)]);
      expect((await withRetries(host, inner).request(request)).status).toBe(status);
      expect(inner.askedMs).toHaveLength(1);
    }
  });

  test('waits as long as Retry-After asks, and hands the reply on when that is too long', async () => {
    const host = createTestHost();
    const inner = scripted(host, [replyOf(503, { 'retry-after': '4' })]);
    const reply = withRetries(host, inner, { pauseMs: 1 }).request(read);
    await pass(host, 3_999);
    expect(inner.askedMs).toEqual([0]);
    await pass(host, 1);
    expect((await reply).status).toBe(200);
    expect(inner.askedMs[1]).toBeCloseTo(4_000);

    const patient = scripted(host, [replyOf(429, { 'retry-after': '86400' })]);
    expect((await withRetries(host, patient).request(read)).status).toBe(429);
    expect(patient.askedMs).toHaveLength(1);
  });

  test('pauses grow, and stay within their jitter', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 2, max: 6 }), async (pauseMs, triesMax) => {
      const host = createTestHost();
      const inner = scripted(host, Array.from({ length: triesMax }, () => replyOf(502)));
      const reply = withRetries(host, inner, { pauseMs, triesMax }).request(read);
      await pass(host, pauseMs * 2 ** triesMax * 4);
      await reply;
      expect(inner.askedMs).toHaveLength(triesMax);
      inner.askedMs.slice(1).forEach((atMs, index) => expect(atMs - (inner.askedMs[index] ?? 0)).toBeLessThanOrEqual(pauseMs * 2 ** index + 1e-6));
    }), { numRuns: 30 });
  });
});

test('repeatable are reads, idempotent methods, and what carries a key', () => {
  const able = (method: SdkRequest['method'], headers?: Record<string, string>): boolean => isRepeatable({ method, path: '/', ...(headers === undefined ? {} : { headers }) });
  expect([able('GET'), able('PUT'), able('DELETE'), able('POST', key), able('PATCH', key)]).toEqual([true, true, true, true, true]);
  expect([able('POST'), able('PATCH'), able('POST', { accept: 'x' })]).toEqual([false, false, false]);
});

describe('withDeduplication', () => {
  test('joins equal reads in flight only: not other headers, not later ones, not writes', async () => {
    const open: ((reply: SdkReply) => void)[] = [];
    const client = withDeduplication({ request: () => new Promise((resolve) => open.push(resolve)) });
    const settle = (): void => open.splice(0).forEach((resolve) => resolve(replyOf(200)));
    const first = [client.request(read), client.request(read)];
    expect(open).toHaveLength(1);
    const others = [client.request({ ...read, headers: { authorization: 'another' } }), client.request({ method: 'PUT', path: '/feed' }), client.request({ method: 'PUT', path: '/feed' })];
    expect(open).toHaveLength(4);
    settle();
    expect(await Promise.all([...first, ...others])).toHaveLength(5);
    const later = client.request(read);
    expect(open).toHaveLength(1);
    settle();
    expect((await later).status).toBe(200);
  });

  test('a failed read is forgotten', async () => {
    const client = withDeduplication({ request: () => Promise.reject(new Error('reset')) });
    await expect(Promise.all([client.request(read), client.request(read)])).rejects.toThrow('reset');
    await expect(client.request(read)).rejects.toThrow('reset');
  });
});

test('withLimit gives places back in order, also after errors', async () => {
  const open: { path: string; resolve: (reply: SdkReply) => void; reject: (error: Error) => void }[] = [];
  const client = withLimit({ request: ({ path }) => new Promise((resolve, reject) => open.push({ path, resolve, reject })) }, 1, 2);
  const calls = ['/a', '/b', '/c'].map((path) => client.request({ method: 'GET', path }).then(() => path, () => `${path} failed`));
  await expect(client.request({ method: 'GET', path: '/d' })).rejects.toMatchObject({ code: 'client_limit', message: '1 requests run and 2 wait already' });
  await expect.poll(() => open.map(({ path }) => path)).toEqual(['/a']);
  open[0]?.reject(new Error('reset'));
  await expect.poll(() => open.map(({ path }) => path)).toEqual(['/a', '/b']);
  open[1]?.resolve(replyOf(200));
  await expect.poll(() => open.length).toBe(3);
  open[2]?.resolve(replyOf(200));
  expect(await Promise.all(calls)).toEqual(['/a failed', '/b', '/c']);
});
